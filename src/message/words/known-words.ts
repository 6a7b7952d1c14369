// The words that were in the last texts, with their stems: most words of a message are those of the messages before it. A table by a hash
// that is made while a text is gone through, because to cut a word out of the text and look for it in a Map takes five times as long, and
// that is done for each word of each message.
import { stemmer as stemEnglish } from '@orama/stemmers/english'
import { stemmer as stemRussian } from '@orama/stemmers/russian'

const latin = /^[a-z]{3,}$/
const cyrillic = /^[а-я]{3,}$/

/** When there are so many they are all forgotten. */
const maxWords = 32_768
const slotMask = 4 * maxWords - 1
/** Of each slot the number of its word, from 1; 0: it is free. */
const slots = new Int32Array(slotMask + 1)
const hashes = new Int32Array(maxWords + 1)
/** Of each word: who noted last that he had seen it. */
const seenBy = new Float64Array(maxWords + 1)
/** The first is none. */
let words: string[] = ['']
let stems: string[] = ['']

/** FNV-1a, of UTF-16 code units: begins with `hashBegin`. */
export const hashBegin = 0x811c_9dc5 | 0
export const hashUnit = (hash: number, unit: number): number => Math.imul(hash ^ unit, 0x0100_0193)

/** The number of the word that stands there, folded; good until the next one is looked up. `hash`: of its units. */
export function lookUpWord(text: string, start: number, end: number, hash: number): number {
  let slot = (hash ^ (hash >>> 15)) & slotMask
  for (;;) {
    const number = slots[slot] ?? 0
    if (number === 0) break
    if (hashes[number] === hash && isThere(words[number] ?? '', text, start, end)) return number
    slot = (slot + 1) & slotMask
  }
  if (words.length > maxWords) {
    slots.fill(0)
    words = ['']
    stems = ['']
    slot = (hash ^ (hash >>> 15)) & slotMask
  }
  // A copy: a piece of a text would hold all of it in memory.
  const word = ` ${text.slice(start, end)}`.slice(1)
  const number = words.push(word) - 1
  stems.push(findStem(word))
  hashes[number] = hash
  seenBy[number] = 0
  slots[slot] = number
  return number
}

export const knownWord = (number: number): string => words[number] ?? ''
export const knownStem = (number: number): string => stems[number] ?? ''

/** False: it has been noted by the same one already. `by`: above 0. */
export function noteWord(number: number, by: number): boolean {
  if (seenBy[number] === by) return false
  seenBy[number] = by
  return true
}

/** The stem of a word, so that one form of it finds the others: by its letters as a Russian or as an English word; else itself. */
export function stemWord(word: string): string {
  let hash = hashBegin
  for (let at = 0; at < word.length; at++) hash = hashUnit(hash, word.charCodeAt(at))
  return knownStem(lookUpWord(word, 0, word.length, hash))
}

function isThere(word: string, text: string, start: number, end: number): boolean {
  if (word.length !== end - start) return false
  for (let at = 0; at < word.length; at++)
    if (word.charCodeAt(at) !== text.charCodeAt(start + at)) return false
  return true
}

function findStem(word: string): string {
  if (latin.test(word)) return stemEnglish(word)
  return cyrillic.test(word) ? stemRussian(word) : word
}
