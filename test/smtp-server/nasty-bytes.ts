// Bytes in which what SMTP looks for is everywhere.
import * as fc from 'fast-check'

const pieces = ['\r\n', '\r', '\n', '.', '\r\n.\r\n', '\n.\n', '\r\n.\n', '\0', 'a', 'text', '.x', '\xff']

export const nastyBytes: fc.Arbitrary<Buffer> = fc
  .array(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...pieces) }, fc.string({ maxLength: 30 })), {
    maxLength: 30,
  })
  .map(parts => Buffer.from(parts.join(''), 'latin1'))

/** The same bytes in several chunks; none is empty. */
export function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set([0, ...cuts.map(cut => cut % (bytes.length + 1)), bytes.length])].toSorted(
    (left, right) => left - right,
  )
  return places.slice(1).map((place, index) => bytes.subarray(places[index], place))
}
