// PARTIAL (RFC 9394 §3.1): 1:100 is the first hundred of a result, -1:-100 the last.
import type { Cursor } from './cursor.ts'

export interface Page {
  /** From which end it counts. */
  readonly from: 'start' | 'end'
  /** From 1 on, first ≤ last. */
  readonly first: number
  readonly last: number
}

export function parsePage(cursor: Cursor): Page {
  const from = cursor.takes('-') ? 'end' : 'start'
  const one = cursor.nonZeroNumber('a position above 0')
  cursor.skip(':')
  if (from === 'end') cursor.skip('-')
  const other = cursor.nonZeroNumber('a position above 0')
  return { from, first: Math.min(one, other), last: Math.max(one, other) }
}

/** Whatever the order of the values; what is beyond them is not there. */
export function takePage<Value>(values: readonly Value[], { from, first, last }: Page): readonly Value[] {
  return from === 'start'
    ? values.slice(first - 1, last)
    : values.slice(Math.max(0, values.length - last), Math.max(0, values.length - first + 1))
}

/** '1:100', '-1:-100' */
export function formatPage({ from, first, last }: Page): string {
  const sign = from === 'end' ? '-' : ''
  return `${sign}${first}:${sign}${last}`
}
