// Mail data as bytes: where DATA ends, and what must not be in it (RFC 5321 §2.3.8, §4.1.1.4, §4.5.2).
//
// The danger is smuggling: when one server takes something for the end of the data that another does not, the rest of
// the message becomes commands. So CRLF.CRLF ends the data and nothing else does, and a CR or LF that is not part of a
// CRLF makes the message be refused, after its end has come.

import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'

const cr = 0x0d
const lf = 0x0a
const dot = 0x2e

/** Checks text that comes in pieces: line ends, NUL, line lengths. */
export class TextCheck {
  readonly #maxLineBytes: number
  #lineBytes = 0
  #afterCr = false
  /** The first thing found wrong. */
  problem: Reply | undefined

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes
  }

  check(chunk: Uint8Array): void {
    if (this.problem) return
    let afterCr = this.#afterCr
    let lineBytes = this.#lineBytes
    const { length } = chunk
    for (let index = 0; index < length; index++) {
      const byte = chunk[index]
      lineBytes++
      if (afterCr !== (byte === lf)) {
        this.problem = replies.bareLineEnd
        return
      }
      if (afterCr) {
        if (lineBytes > this.#maxLineBytes) {
          this.problem = replies.textLineTooLong(this.#maxLineBytes)
          return
        }
        lineBytes = 0
        afterCr = false
      } else if (byte === cr) afterCr = true
      else if (byte === 0) {
        this.problem = replies.nulInMessage
        return
      }
    }
    // A line that never ends is too long before it ends.
    if (lineBytes > this.#maxLineBytes) this.problem = replies.textLineTooLong(this.#maxLineBytes)
    this.#afterCr = afterCr
    this.#lineBytes = lineBytes
  }

  /** Text may end without a CRLF (BDAT), but not in the middle of one. */
  finish(): void {
    if (this.#afterCr) this.problem ??= replies.bareLineEnd
  }
}

/** Where the machine stands: what the last bytes were. */
type Position = 'line-start' | 'text' | 'cr' | 'dot' | 'dot-cr'

/** Finds the end of DATA and takes away the dots that stuffing added (RFC 5321 §4.5.2). */
export class DataReader {
  #position: Position = 'line-start'

  /**
   * Takes what has come; hands on pieces of it, in order, without stuffing dots and without the end. Returns the index
   * of the first byte after the end, or -1 when the end has not come yet.
   */
  read(chunk: Uint8Array, emit: (piece: Uint8Array) => void): number {
    const { length } = chunk
    let position = this.#position
    let start = 0
    let index = 0
    const emitUntil = (end: number): void => {
      if (end > start) emit(chunk.subarray(start, end))
    }
    while (index < length) {
      const byte = chunk[index]
      switch (position) {
        case 'text':
          while (index < length && chunk[index] !== cr) index++
          if (index < length) position = 'cr'
          index++
          break
        case 'cr':
          position = byte === lf ? 'line-start' : byte === cr ? 'cr' : 'text'
          index++
          break
        case 'line-start':
          if (byte === dot) {
            emitUntil(index)
            start = index + 1
            position = 'dot'
          } else position = byte === cr ? 'cr' : 'text'
          index++
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
          index++
          break
        default:
          position satisfies never
      }
    }
    // A CR after a lone dot is held back: it may be part of the end.
    emitUntil(position === 'dot-cr' ? length - 1 : length)
    this.#position = position
    return -1
  }
}

const heldBackCr = Uint8Array.of(cr)
