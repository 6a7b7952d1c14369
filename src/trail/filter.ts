// Says of a mark that it is not among those of a segment; sometimes (about one in a hundred) it thinks it is (a Bloom filter).

/** Ten bits a mark and five looks: one in a hundred is a mistake, and the filter of a thousand events fits on a page. */
const bitsPerMark = 10
const looks = 5

export function makeFilter(marks: ReadonlySet<number>): Uint8Array {
  const filter = new Uint8Array(Math.max(8, Math.ceil((marks.size * bitsPerMark) / 8)))
  const bits = filter.length * 8
  for (const mark of marks) {
    let place = firstPlace(mark)
    for (let n = 0; n < looks; n++, place += stepOf(mark)) {
      const at = place % bits
      filter[at >>> 3] = (filter[at >>> 3] ?? 0) | (1 << (at & 7))
    }
  }
  return filter
}

export function mayHave(filter: Uint8Array, mark: number): boolean {
  const bits = filter.length * 8
  let place = firstPlace(mark)
  for (let n = 0; n < looks; n++, place += stepOf(mark)) {
    const at = place % bits
    if (((filter[at >>> 3] ?? 0) & (1 << (at & 7))) === 0) return false
  }
  return true
}

// Stored, so where a mark stands may never change.
function firstPlace(mark: number): number {
  return Math.imul(mark, 0x9e3779b1) >>> 0
}

function stepOf(mark: number): number {
  return (Math.imul(mark, 0x85ebca6b) >>> 7) * 2 + 1
}
