// :regex (draft-ietf-sieve-regex): extended regular expressions of POSIX, matched in linear time whatever the text is.
import { RE2JS } from 're2js'

/** Longer ones are no rules that somebody has written. */
const maxPatternLength = 1000
/** States of the engine: repeats of repeats become many of them. */
const maxPatternStates = 1000

const tooManyRepeats = 'This regular expression repeats too much: write smaller numbers in { }.'

export type Pattern = RE2JS

/** Or what is wrong with it. */
export function parsePattern(written: string, ignoresCase: boolean): Pattern | string {
  if (written.length > maxPatternLength)
    return `A regular expression has at most ${maxPatternLength} characters.`
  // Before the engine writes them all out.
  if (estimateStates(written) > maxPatternStates) return tooManyRepeats
  // POSIX: the longest of the leftmost, and a dot is any character.
  const flags = RE2JS.LONGEST_MATCH + RE2JS.DOTALL + (ignoresCase ? RE2JS.CASE_INSENSITIVE : 0)
  try {
    const pattern = RE2JS.compile(written, flags)
    return pattern.programSize() > 4 * maxPatternStates ? tooManyRepeats : pattern
  } catch (error) {
    const why = error instanceof Error ? error.message : 'it cannot be read'
    // Its flags stand before the pattern.
    return `This is no regular expression: ${why.replace(/`(?:\(\?[a-z]+\))+/, '`')}.`
  }
}

/** The whole that was found, and its groups; '' for a group that took no part. */
export function matchPattern(pattern: Pattern, text: string): readonly string[] | undefined {
  const matcher = pattern.matcher(text)
  if (!matcher.find()) return undefined
  return Array.from({ length: matcher.groupCount() + 1 }, (_, index) => matcher.group(index) ?? '')
}

const repeat = /\{(\d{1,6})(,?)(\d{0,6})\}/y

/** How many characters it would have with all its repeats written out. Of what is no pattern, any number. */
function estimateStates(written: string): number {
  /** Sums of the groups that are open, the innermost last. */
  const sums = [0]
  let last = 0
  const add = (size: number): void => {
    last = size
    sums.push((sums.pop() ?? 0) + size)
  }
  for (let at = 0; at < written.length; at++) {
    const character = written[at]
    repeat.lastIndex = at
    const [whole, least = '', comma, most = ''] = (character === '{' && repeat.exec(written)) || []
    if (whole !== undefined) {
      const times = most === '' ? Number(least) + (comma === '' ? 0 : 1) : Number(most)
      add(last * Math.max(times - 1, 0))
      last *= times
      at += whole.length - 1
    } else if (character === '(') sums.push(0)
    else if (character === ')' && sums.length > 1) add(sums.pop() ?? 0)
    else {
      if (character === '\\') at++
      else if (character === '[') at = endOfBracket(written, at)
      add(1)
    }
  }
  return sums.reduce((sum, size) => sum + size, 0)
}

/** At the ] that ends it: one at its beginning is a character of it, and in [: :] others stand. */
function endOfBracket(written: string, start: number): number {
  let at = start + (written[start + 1] === '^' ? 2 : 1)
  if (written[at] === ']') at++
  for (; at < written.length && written[at] !== ']'; at++) {
    if (written.startsWith('[:', at)) at = Math.max(written.indexOf(':]', at) + 1, at)
    else if (written[at] === '\\') at++
  }
  return at
}
