// Sets of message numbers or UIDs (RFC 9051 §9 sequence-set): '1:4,7,9:*', and '$', what the last SEARCH saved (RFC 5182).
import { setCharacters } from './characters.ts'
import type { Cursor } from './cursor.ts'

/** '*' is the largest number in use. */
export type SequenceNumber = number | '*'

export interface SequenceRange {
  readonly first: SequenceNumber
  readonly last: SequenceNumber
}

export type SequenceSet =
  | { readonly kind: 'ranges'; readonly ranges: readonly SequenceRange[] }
  /** $ */
  | { readonly kind: 'saved' }

/** Of numbers, first ≤ last. */
export interface NumberRange {
  readonly first: number
  readonly last: number
}

/** Whether a command names messages by UID or by their number in the session. */
export type NamedBy = 'uid' | 'sequence'

const maxNumber = 2 ** 32 - 1

export function parseSequenceSet(cursor: Cursor): SequenceSet {
  if (cursor.takes('$')) return { kind: 'saved' }
  return { kind: 'ranges', ranges: parseRanges(cursor) }
}

/** Without '$'. */
export function parseRanges(cursor: Cursor): readonly SequenceRange[] {
  const text = cursor.some(setCharacters, 'a set of message numbers, as 1:4,7')
  const ranges: SequenceRange[] = []
  for (const part of text === '' ? [] : text.split(',')) {
    const [first, last, ...rest] = part.split(':').map(parseNumber)
    if (first === undefined || (last === undefined && part.includes(':')) || rest.length > 0) {
      cursor.fail('syntax', 'Expected a set of message numbers above 0, as 1:4,7 or 9:*')
      return []
    }
    ranges.push({ first, last: last ?? first })
  }
  return ranges
}

/** uid-set of numbers alone, as QRESYNC has them (RFC 7162 §7 known-uids). */
export function parseNumberRanges(cursor: Cursor): readonly NumberRange[] {
  const ranges = parseRanges(cursor)
  if (ranges.some(({ first, last }) => first === '*' || last === '*'))
    cursor.fail('syntax', 'Expected a set without *')
  return resolveRanges(ranges, 0)
}

function parseNumber(text: string): SequenceNumber | undefined {
  if (text === '*') return '*'
  if (!/^[1-9][0-9]{0,9}$/.test(text)) return undefined
  const value = Number(text)
  return value <= maxNumber ? value : undefined
}

/** Ascending, and no two of them touch. RFC 9051 §9: '4:2' is 2:4, and '*:4' whatever lies between 4 and the largest. */
export function resolveRanges(ranges: readonly SequenceRange[], largest: number): readonly NumberRange[] {
  const sorted = ranges
    .map(({ first, last }) => orderly(numberOf(first, largest), numberOf(last, largest)))
    // '*' of nothing is nothing.
    .filter(({ last }) => last > 0)
    .toSorted((left, right) => left.first - right.first)
  const merged: { first: number; last: number }[] = []
  for (const range of sorted) {
    const before = merged.at(-1)
    if (before && range.first <= before.last + 1) before.last = Math.max(before.last, range.last)
    else merged.push({ ...range })
  }
  return merged
}

function numberOf(number: SequenceNumber, largest: number): number {
  return number === '*' ? largest : number
}

function orderly(one: number, other: number): NumberRange {
  return one <= other ? { first: one, last: other } : { first: other, last: one }
}
