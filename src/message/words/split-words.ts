// Where the words of a text are (docs/adr/0035). Letters and digits make words; words with only '.', '@', '_', '-' or '+' between
// them make a compound too (an address, a number, a name of a host); writing that has no spaces between words is taken letter by letter.
import { hashBegin, hashUnit } from './known-words.ts'

/** A word longer than this is known by its beginning. */
export const maxWordLength = 32
/** A compound longer than this is not kept as one. */
export const maxCompoundLength = 64

export interface WordSink {
  /** The word that stands there in `text`, of `maxWordLength` at most. `hash`: of its units (known-words.ts). */
  word(text: string, start: number, end: number, hash: number): void
  /** Of two words or more: 'anna@example.com'. */
  compound(text: string): void
  /** Letters that follow each other without spaces between words: Chinese, Japanese, Thai; signs beyond the first plane. */
  dense(letters: readonly string[]): void
}

const kinds = { other: 0, word: 1, joiner: 2, dense: 3 } as const

/** Marks that only choose a form of the character before them are none. */
const wordCharacter = /(?![\ufe00-\ufe0f])[\p{L}\p{N}\p{M}]/u
const denseCharacter =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\u30fc]/u
const joiners = '.@_-+'

/** Of each UTF-16 code unit; made once, because a regular expression for each letter of each message costs ten times as much. */
let table: Uint8Array | undefined

function kindTable(): Uint8Array {
  if (table) return table
  const made = new Uint8Array(0x1_0000)
  for (let unit = 0; unit < made.length; unit++) {
    const character = String.fromCharCode(unit)
    // Half of a character beyond the first plane.
    if (unit >= 0xd800 && unit <= 0xdfff) made[unit] = kinds.dense
    else if (denseCharacter.test(character) && wordCharacter.test(character)) made[unit] = kinds.dense
    else if (wordCharacter.test(character)) made[unit] = kinds.word
    else if (joiners.includes(character)) made[unit] = kinds.joiner
  }
  table = made
  return made
}

/** `text` is folded. */
export function splitWords(text: string, sink: WordSink): void {
  const kindOf = kindTable()
  const { length } = text
  let compound = -1
  for (let at = 0; at < length; ) {
    const kind = kindOf[text.charCodeAt(at)]
    if (kind === kinds.word) {
      const start = at
      const longest = start + maxWordLength
      let hash = hashBegin
      let unit = text.charCodeAt(at)
      do {
        if (at < longest) hash = hashUnit(hash, unit)
        at++
        unit = text.charCodeAt(at)
        // Behind the end there is NaN, which is no kind.
      } while (kindOf[unit] === kinds.word)
      sink.word(text, start, Math.min(at, longest), hash)
      const goesOn =
        at + 1 < length &&
        kindOf[text.charCodeAt(at)] === kinds.joiner &&
        kindOf[text.charCodeAt(at + 1)] === kinds.word
      if (goesOn) {
        if (compound < 0) compound = start
        at++
      } else if (compound >= 0) {
        if (at - compound <= maxCompoundLength) sink.compound(text.slice(compound, at))
        compound = -1
      }
    } else if (kind === kinds.dense) {
      const start = at
      do at++
      while (at < length && kindOf[text.charCodeAt(at)] === kinds.dense)
      sink.dense(Array.from(text.slice(start, at)))
    } else at++
  }
}

/** Begins with a letter or digit, and is nothing but a word or the beginning of a compound: 'anna@exam'. */
export function isOneCompound(text: string): boolean {
  const kindOf = kindTable()
  if (kindOf[text.charCodeAt(0)] !== kinds.word) return false
  for (let at = 1; at < text.length; at++) {
    const kind = kindOf[text.charCodeAt(at)]
    if (kind !== kinds.word && !(kind === kinds.joiner && kindOf[text.charCodeAt(at - 1)] === kinds.word))
      return false
  }
  return true
}
