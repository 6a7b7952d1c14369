// Mail data as bytes: where DATA ends, and which dots were stuffed into it (RFC 5321 §4.1.1.4, §4.5.2).
//
// The danger is smuggling: when one server takes something for the end of the data that another does not, the rest of
// the message becomes commands. So CRLF.CRLF ends the data and nothing else does. What looks like an end and is none
// has a bare CR or LF in it; `TextCheck` finds that, and the message is refused after its end has come.

const cr = 0x0d
const lf = 0x0a
const dot = 0x2e
const stuffed = Buffer.from('\r\n.')
const heldBackCr = Buffer.of(cr)

/** Where the machine stands: what the last bytes were. */
type Position = 'line-start' | 'text' | 'cr' | 'dot' | 'dot-cr'

export class DataReader {
  // The CRLF of the DATA line is the first of CRLF.CRLF when there is no data.
  #position: Position = 'line-start'

  /**
   * Takes what has come; hands on pieces of it, in order, without stuffing dots and without the end. Returns the index
   * of the first byte after the end, or -1 when the end has not come yet.
   */
  read(chunk: Buffer, emit: (piece: Buffer) => void): number {
    const { length } = chunk
    let position = this.#position
    let start = 0
    let index = 0
    while (index < length) {
      if (position === 'text') {
        // Nearly every byte is passed here, by a search of the platform's and not of ours.
        const found = chunk.indexOf(stuffed, index)
        if (found < 0) {
          position = positionAtEnd(chunk, index)
          break
        }
        emit(chunk.subarray(start, found + 2))
        index = start = found + 3
        position = 'dot'
        continue
      }
      const byte = chunk[index]
      switch (position) {
        case 'cr':
          position = byte === lf ? 'line-start' : byte === cr ? 'cr' : 'text'
          index++
          break
        case 'line-start':
          if (byte === dot) {
            if (index > start) emit(chunk.subarray(start, index))
            start = index + 1
            position = 'dot'
            index++
          } else position = byte === cr ? 'cr' : 'text'
          if (position === 'cr') index++
          break
        case 'dot':
          if (byte === cr) {
            position = 'dot-cr'
            index++
          } else position = 'text'
          break
        case 'dot-cr':
          if (byte === lf) {
            this.#position = 'line-start'
            return index + 1
          }
          // A bare CR after the dot: no end. One from an earlier chunk is given back, so that the check finds it.
          if (index === 0) emit(heldBackCr)
          position = byte === cr ? 'cr' : 'text'
          if (position === 'cr') index++
          break
        default:
          position satisfies never
      }
    }
    // A CR after a lone dot is held back: it may be part of the end.
    const end = position === 'dot-cr' ? length - 1 : length
    if (end > start) emit(chunk.subarray(start, end))
    this.#position = position
    return -1
  }
}

/** Where text stands that goes on to the end of the chunk from `from`, without CRLF and a dot in between. */
function positionAtEnd(chunk: Buffer, from: number): Position {
  const last = chunk.length - 1
  if (chunk[last] === cr) return 'cr'
  return chunk[last] === lf && last > from && chunk[last - 1] === cr ? 'line-start' : 'text'
}
