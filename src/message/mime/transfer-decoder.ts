// Takes a transfer encoding off content that comes in pieces (RFC 2045 §6.7, §6.8): generous with what is not valid, as readers are.

const equals = 0x3d
const lf = 0x0a
const cr = 0x0d
const space = 0x20
const tab = 0x09
/** RFC 2045 §6.7: a line has 76 characters; one that is longer is not kept together. */
const maxLine = 64 * 1024

interface Decoded {
  readonly decoded: Uint8Array
  /** What waits for more. */
  readonly rest: Buffer
  /** What follows is no content. */
  readonly isOver?: boolean
}

export class TransferDecoder {
  readonly #decode: (bytes: Buffer, isEnd: boolean) => Decoded
  #rest: Buffer = Buffer.alloc(0)
  #isOver = false

  /** 'base64', 'quoted-printable'; of anything else the content is itself. */
  constructor(encoding: string) {
    this.#decode =
      encoding === 'base64' ? decodeBase64 : encoding === 'quoted-printable' ? decodeQuotedPrintable : keep
  }

  take(piece: Uint8Array): Uint8Array {
    return this.#step(piece, false)
  }

  finish(): Uint8Array {
    return this.#step(new Uint8Array(), true)
  }

  #step(piece: Uint8Array, isEnd: boolean): Uint8Array {
    if (this.#isOver) return nothing
    const bytes = Buffer.concat([this.#rest, piece])
    const { decoded, rest, isOver = false } = this.#decode(bytes, isEnd)
    this.#rest = Buffer.from(rest)
    this.#isOver = isOver
    return decoded
  }
}

/** Of content that is there as a whole. */
export function decodeTransfer(content: Uint8Array, encoding: string): Uint8Array {
  const decoder = new TransferDecoder(encoding)
  return Buffer.concat([decoder.take(content), decoder.finish()])
}

const nothing = Buffer.alloc(0)

function keep(bytes: Buffer): Decoded {
  return { decoded: bytes, rest: nothing }
}

/**
 * What is no character of the alphabet is passed over, and padding ends the content (§6.8): what a mailing list wrote below it
 * is none. Four at a time: the rest waits for more.
 */
function decodeBase64(bytes: Buffer, isEnd: boolean): Decoded {
  const padding = bytes.indexOf(equals)
  const isOver = padding >= 0
  const text = bytes.toString('latin1', 0, isOver ? padding : bytes.length).replaceAll(/[^A-Za-z0-9+/]/g, '')
  const end = isEnd || isOver ? text.length : text.length - (text.length % 4)
  return {
    decoded: Buffer.from(text.slice(0, end), 'base64'),
    rest: Buffer.from(text.slice(end), 'latin1'),
    isOver,
  }
}

/** Line by line: blanks at the end of one are no content, and '=' there joins it with the next. */
function decodeQuotedPrintable(bytes: Buffer, isEnd: boolean): Decoded {
  const decoded = Buffer.allocUnsafe(bytes.length)
  let length = 0
  let start = 0
  for (;;) {
    const newline = bytes.indexOf(lf, start)
    const isWhole = newline >= 0
    if (!isWhole && !isEnd && bytes.length - start < maxLine) break
    const end = isWhole ? newline + 1 : bytes.length
    length += decodeLine(bytes.subarray(start, end), decoded.subarray(length))
    start = end
    if (!isWhole) break
  }
  return { decoded: decoded.subarray(0, length), rest: bytes.subarray(start) }
}

/** How many octets it wrote. */
function decodeLine(line: Buffer, into: Uint8Array): number {
  const hasEnd = line.at(-1) === lf
  const contentEnd = hasEnd ? line.length - (line.at(-2) === cr ? 2 : 1) : line.length
  let end = contentEnd
  while (end > 0 && (line[end - 1] === space || line[end - 1] === tab)) end--
  const isSoft = line[end - 1] === equals
  if (isSoft) end--
  let length = 0
  for (let at = 0; at < end; at++) {
    const byte = line[at] ?? 0
    const value = byte === equals ? hexValue(line, at + 1) : undefined
    into[length++] = value ?? byte
    if (value !== undefined) at += 2
  }
  if (!isSoft) for (const byte of line.subarray(contentEnd)) into[length++] = byte
  return length
}

function hexValue(line: Buffer, at: number): number | undefined {
  const digits = line.toString('latin1', at, at + 2)
  return /^[0-9A-Fa-f]{2}$/.test(digits) ? Number.parseInt(digits, 16) : undefined
}
