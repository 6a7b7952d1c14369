// PARTIAL (RFC 9394 §3.1): 1:100 is the first hundred of a result, -1:-100 the last.
import type { Cursor } from '../cursor.ts'

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

/** '1:100', '-1:-100' */
export function formatPage({ from, first, last }: Page): string {
  const sign = from === 'end' ? '-' : ''
  return `${sign}${first}:${sign}${last}`
}
