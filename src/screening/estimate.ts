// How likely a message is spam, by how often its words were in spam and in wanted mail: Robinson's combination of the words
// that tell most, by Fisher's method (G. Robinson, "A Statistical Approach to the Spam Problem", 2003).

export interface Learned {
  /** Messages. */
  readonly spam: number
  readonly ham: number
}

/** Of one word: in how many messages of each kind it was. */
export type WordCount = Learned

/** With fewer messages of either kind it says nothing. */
export const leastLearned = 20
/** What is believed of a word that was seen once, and how firmly. */
const prior = 0.5
const priorStrength = 0.45
/** Nearer to 0.5 a word tells nothing. */
const leastDistance = 0.1
/** Those that tell most. */
const mostWords = 500

/** 0 (wanted) … 1 (spam); undefined: it has learned too little. */
export function estimateSpam(words: Iterable<WordCount>, all: Learned): number | undefined {
  if (all.spam < leastLearned || all.ham < leastLearned) return undefined
  const telling = Array.from(words, word => probabilityOf(word, all))
    .filter(probability => Math.abs(probability - 0.5) >= leastDistance)
    .sort((a, b) => Math.abs(b - 0.5) - Math.abs(a - 0.5))
    .slice(0, mostWords)
  if (telling.length === 0) return 0.5
  const spamminess =
    1 - chiSquareTail(-2 * sum(telling.map(probability => Math.log(1 - probability))), telling.length)
  const hamminess = 1 - chiSquareTail(-2 * sum(telling.map(Math.log)), telling.length)
  return (1 + spamminess - hamminess) / 2
}

/** That a message with this word is spam, if there were as many of one kind as of the other. */
function probabilityOf({ spam, ham }: WordCount, all: Learned): number {
  const inSpam = Math.min(1, spam / all.spam)
  const inHam = Math.min(1, ham / all.ham)
  const seen = spam + ham
  if (seen === 0 || inSpam + inHam === 0) return prior
  const counted = inSpam / (inSpam + inHam)
  return (priorStrength * prior + seen * counted) / (priorStrength + seen)
}

/** Of chi-square with 2 · `pairs` degrees of freedom: that it is at least `value`. In logarithms, which do not underflow. */
function chiSquareTail(value: number, pairs: number): number {
  const half = value / 2
  if (half <= 0) return 1
  let term = -half
  let total = term
  for (let index = 1; index < pairs; index++) {
    term += Math.log(half / index)
    total = Math.max(total, term) + Math.log1p(Math.exp(-Math.abs(total - term)))
  }
  return Math.min(1, Math.exp(total))
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
