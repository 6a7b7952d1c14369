// Sets of numbers as responses have them (RFC 9051 §9 sequence-set): '1:4,7'.
import type { NumberRange } from '../grammar/sequence-set.ts'

export function formatRanges(ranges: readonly NumberRange[]): string {
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}:${last}`)).join(',')
}

/** What ascends by one is a range; otherwise their order stays. Each number once. */
export function toRanges(numbers: Iterable<number>): readonly NumberRange[] {
  const ranges: { first: number; last: number }[] = []
  let current: { first: number; last: number } | undefined
  for (const number of numbers) {
    if (current && number === current.last + 1) current.last = number
    else {
      current = { first: number, last: number }
      ranges.push(current)
    }
  }
  return ranges
}

export function formatNumberSet(numbers: Iterable<number>): string {
  return formatRanges(toRanges(numbers))
}
