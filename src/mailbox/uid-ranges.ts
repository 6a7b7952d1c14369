// Sets of UIDs as ascending ranges, and as text: '1:5,9' (RFC 9051 §9, sequence-set).

/** Both ends belong to it. */
export interface UidRange {
  readonly first: number
  readonly last: number
}

/** Of ascending UIDs. */
export function rangesOf(uids: Iterable<number>): UidRange[] {
  const ranges: UidRange[] = []
  let open: { first: number; last: number } | undefined
  for (const uid of uids) {
    if (open && uid === open.last + 1) open.last = uid
    else {
      open = { first: uid, last: uid }
      ranges.push(open)
    }
  }
  return ranges
}

export function formatRanges(ranges: readonly UidRange[]): string {
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}:${last}`)).join(',')
}

/** Of what `formatRanges` has written. */
export function parseRanges(text: string): UidRange[] {
  if (text === '') return []
  return text.split(',').map(part => {
    const [first, last] = part.split(':').map(Number)
    return { first: first ?? 0, last: last ?? first ?? 0 }
  })
}

/** Ascending, and none beside or over another. */
export function uniteRanges(ranges: readonly UidRange[]): UidRange[] {
  const united: { first: number; last: number }[] = []
  for (const { first, last } of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = united.at(-1)
    if (before && first <= before.last + 1) before.last = Math.max(before.last, last)
    else united.push({ first, last })
  }
  return united
}

export function countUids(ranges: readonly UidRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0)
}

export function* uidsOf(ranges: readonly UidRange[]): Generator<number> {
  for (const { first, last } of ranges) for (let uid = first; uid <= last; uid++) yield uid
}
