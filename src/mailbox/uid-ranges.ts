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

const rangesForPeople = 20

/** For a person, who does not need them all: '1:5,9 and more'. */
export function summarizeRanges(ranges: readonly UidRange[]): string {
  const text = formatRanges(ranges.slice(0, rangesForPeople))
  return ranges.length > rangesForPeople ? `${text} and more` : text
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

/** What is in both; each of them ascending, without overlaps. */
export function intersectRanges(left: readonly UidRange[], right: readonly UidRange[]): UidRange[] {
  const common: UidRange[] = []
  for (let at = 0, other = 0; at < left.length && other < right.length; ) {
    const [one, two] = [left[at], right[other]]
    if (!one || !two) break
    const first = Math.max(one.first, two.first)
    const last = Math.min(one.last, two.last)
    if (first <= last) common.push({ first, last })
    if (one.last < two.last) at++
    else other++
  }
  return common
}

/** What is left without these UIDs, which ascend. */
export function subtractRanges(ranges: readonly UidRange[], uids: Iterable<number>): UidRange[] {
  const taken = rangesOf(uids)
  const left: UidRange[] = []
  for (const { first, last } of ranges) {
    let from = first
    for (const gap of taken) {
      if (gap.last < from) continue
      if (gap.first > last) break
      if (gap.first > from) left.push({ first: from, last: gap.first - 1 })
      from = gap.last + 1
    }
    if (from <= last) left.push({ first: from, last })
  }
  return left
}
