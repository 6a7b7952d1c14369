// How two strings are compared (RFC 5228 §2.7.3, RFC 4790 §9).
import { isAscii } from '../../runtime/text.ts'

export interface Comparator {
  readonly name: string
  /** Strings that are equal are the same, once folded. */
  fold(text: string): string
  /** Below 0: `one` stands before `other`. */
  compare(one: string, other: string): number
  /** RFC 4790 §4.2.3: :contains and :matches look into a string; undefined where a comparator cannot. */
  readonly hasSubstrings: boolean
  /** The text whose characters fold one by one; without, the text as it stands. */
  prepare?(text: string): string
}

/** RFC 4790 §9.3. In UTF-8 octets have the order of code points, which UTF-16 has not: but for that, text compares as it stands. */
const octet: Comparator = {
  name: 'i;octet',
  fold: text => text,
  compare: comparePoints,
  hasSubstrings: true,
}

/** RFC 4790 §9.2: only A to Z have another case. */
const asciiCasemap: Comparator = {
  name: 'i;ascii-casemap',
  fold: foldAscii,
  compare: (one, other) => comparePoints(foldAscii(one), foldAscii(other)),
  hasSubstrings: true,
}

/** RFC 4790 §9.1: the digits at the beginning; a string without any is larger than every number, and equal to its like. */
const asciiNumeric: Comparator = {
  name: 'i;ascii-numeric',
  fold: leadingNumber,
  compare(one, other) {
    const first = leadingNumber(one)
    const second = leadingNumber(other)
    if (first === second) return 0
    if (first === '') return 1
    if (second === '') return -1
    return first.length - second.length || (first < second ? -1 : 1)
  },
  hasSubstrings: false,
}

/**
 * RFC 5051: letters of all alphabets without their case. Composed where the RFC decomposes, which makes the same strings equal,
 * and lets ? stand for what a reader takes for one character.
 */
const unicodeCasemap: Comparator = {
  name: 'i;unicode-casemap',
  prepare: text => text.normalize('NFKC'),
  fold: foldUnicode,
  compare: (one, other) => comparePoints(foldUnicode(one), foldUnicode(other)),
  hasSubstrings: true,
}

function foldUnicode(text: string): string {
  return Array.from(text.normalize('NFKC'), upperPoint).join('')
}

/** Some have a capital of several letters (ß): the RFC takes single ones only. */
function upperPoint(point: string): string {
  const upper = point.toUpperCase()
  return Array.from(upper).length === 1 ? upper : point
}

const all = [octet, asciiCasemap, asciiNumeric, unicodeCasemap]

export const comparators: ReadonlyMap<string, Comparator> = new Map(all.map(each => [each.name, each]))
export const defaultComparator = asciiCasemap

/** RFC 5228 §2.7.3: these two need no `require`. */
export const ownComparators: readonly string[] = [octet.name, asciiCasemap.name]

const lower = /[a-z]+/g
const hasLower = /[a-z]/

function foldAscii(text: string): string {
  // Much faster, and the same for what most texts are.
  if (isAscii(text)) return text.toUpperCase()
  return hasLower.test(text) ? text.replaceAll(lower, letters => letters.toUpperCase()) : text
}

/** Without zeros before it; '0' for zero, '' for no number. */
function leadingNumber(text: string): string {
  let end = 0
  while (isDigit(text.charCodeAt(end))) end++
  if (end === 0) return ''
  let start = 0
  while (start < end - 1 && text[start] === '0') start++
  return text.slice(start, end)
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

/** A surrogate stands for a point above all others of UTF-16. */
function comparePoints(one: string, other: string): number {
  const length = Math.min(one.length, other.length)
  for (let index = 0; index < length; index++) {
    const first = one.charCodeAt(index)
    const second = other.charCodeAt(index)
    if (first === second) continue
    const isFirstHigh = first >= 0xd800 && first <= 0xdfff
    const isSecondHigh = second >= 0xd800 && second <= 0xdfff
    if (isFirstHigh !== isSecondHigh) return isFirstHigh ? 1 : -1
    return first - second
  }
  return one.length - other.length
}
