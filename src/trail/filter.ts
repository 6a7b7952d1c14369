// Says of a mark that it is not among those of a segment; sometimes (about one in a hundred) it thinks it is (a Bloom filter).

/** Ten bits a mark and five looks: one in a hundred is a mistake, and the filter of a thousand events fits on a page. */
const bitsPerMark = 10
const looks = 5

export function makeFilter(marks: ReadonlySet<number>): Uint8Array {
  const filter = new Uint8Array(Math.max(8, Math.ceil((marks.size * bitsPerMark) / 8)))
  for (const mark of marks)
    eachBit(filter, mark, (index, bit) => void (filter[index] = (filter[index] ?? 0) | bit))
  return filter
}

export function mayHave(filter: Uint8Array, mark: number): boolean {
  let found = true
  eachBit(filter, mark, (index, bit) => {
    if (((filter[index] ?? 0) & bit) === 0) found = false
  })
  return found
}

/** Stored, so where a mark stands may never change. */
function eachBit(filter: Uint8Array, mark: number, look: (index: number, bit: number) => void): void {
  const bits = filter.length * 8
  const step = (Math.imul(mark, 0x85ebca6b) >>> 7) * 2 + 1
  let place = Math.imul(mark, 0x9e3779b1) >>> 0
  for (let n = 0; n < looks; n++) {
    const at = place % bits
    look(at >>> 3, 1 << (at & 7))
    place += step
  }
}
