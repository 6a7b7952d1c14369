// Where in a segment each mark is: 22 bits of the mark and 10 of the place, in ascending order.

export interface Place {
  readonly mark: number
  /** Of the event among those of its segment, from 0. */
  readonly offset: number
}

const offsets = 2 ** 10
/** A few events too many are met by the shorter mark: whoever reads them compares. */
const shortMarks = 2 ** 22

/** Four bytes each, the lowest first: stored, so this may never change. */
export function makePlaces(places: readonly Place[]): Uint8Array {
  const numbers = new Uint32Array(places.length)
  let at = 0
  for (const { mark, offset } of places) numbers[at++] = (mark % shortMarks) * offsets + offset
  numbers.sort()
  const bytes = new Uint8Array(numbers.length * 4)
  const view = new DataView(bytes.buffer)
  for (let index = 0; index < numbers.length; index++) view.setUint32(index * 4, numbers[index] ?? 0, true)
  return bytes
}

/** The places of the mark, ascending. */
export function findPlaces(places: Uint8Array, mark: number): number[] {
  const view = new DataView(places.buffer, places.byteOffset, places.byteLength)
  const count = places.byteLength / 4
  const first = (mark % shortMarks) * offsets
  let low = 0
  for (let high = count; low < high; ) {
    const middle = Math.floor((low + high) / 2)
    if (view.getUint32(middle * 4, true) < first) low = middle + 1
    else high = middle
  }
  const found: number[] = []
  for (let index = low; index < count; index++) {
    const offset = view.getUint32(index * 4, true) - first
    if (offset >= offsets) break
    found.push(offset)
  }
  return found
}
