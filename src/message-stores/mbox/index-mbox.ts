// Finds the messages of an mbox file, in one pass and in memory that follows neither its size nor that of a message.
//
// A message begins at a From_ line, with a date, at the beginning of the file or behind an empty line. Whoever writes such files
// puts > before lines of text that look like one (mboxo, mboxrd), or says in Content-Length how long the text is (mboxcl2) and
// leaves them: a length is believed only where a From_ line, or the end of the file, stands exactly behind it.
import { createHash, type Hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { MboxHeader } from './header-fields.ts'
import { headBytes, isBlankLine, Joined, type LinePiece, LinePieces } from './line-pieces.ts'
import { parseSeparator, type Separator } from './separator.ts'
import type { StatusFields } from './status-fields.ts'

export interface MboxEntry {
  /** Of the From_ line. */
  readonly offset: number
  /** Behind the From_ line, and before the empty line that ends the message. */
  readonly start: number
  readonly end: number
  readonly receivedAt: number | undefined
  readonly fields: StatusFields
  /** Its length was given, so nothing in it is quoted. */
  readonly isCounted: boolean
  /** Of the message without its status fields, which programs change, and without empty lines. */
  readonly digest: string
}

const chunkBytes = 256 * 1024

export async function* readRange(file: FileHandle, from: number, to: number): AsyncGenerator<Buffer> {
  for (let at = from; at < to; ) {
    // A buffer of its own for each: parts of it are kept.
    const buffer = Buffer.allocUnsafeSlow(Math.min(chunkBytes, to - at))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
    if (bytesRead === 0) return
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

export async function* indexMbox(file: FileHandle): AsyncGenerator<MboxEntry> {
  const { size } = await file.stat()
  const lines = new LinePieces(0)
  let open: OpenEntry | undefined
  /** Where the last line, when it is an empty one, began. */
  let blankAt: number | undefined = 0
  const take = async function* (pieces: Iterable<LinePiece>): AsyncGenerator<MboxEntry> {
    for (const piece of pieces) {
      const mayBegin = open?.isCounted(piece.offset) ?? blankAt !== undefined
      const separator = mayBegin ? readSeparator(piece) : undefined
      if (separator) {
        if (open) yield open.end(blankAt ?? piece.offset)
        open = new OpenEntry(piece, separator)
      } else if (open) {
        open.take(piece)
        if (open.wantsLengthLooked) await open.lookAtLength(file, size)
      }
      if (piece.beginsLine) blankAt = isBlankLine(piece) ? piece.offset : undefined
    }
  }
  for await (const chunk of readRange(file, 0, size)) yield* take(lines.take(chunk))
  yield* take(lines.finish())
  if (open) yield open.end(blankAt ?? size)
}

const from_ = Buffer.from('From ')

function readSeparator({ bytes, beginsLine }: LinePiece): Separator | undefined {
  if (!beginsLine || !from_.equals(bytes.subarray(0, from_.length))) return undefined
  return parseSeparator(bytes.subarray(0, headBytes).toString('latin1'))
}

class OpenEntry {
  readonly #offset: number
  readonly #separator: Separator
  readonly #header = new MboxHeader()
  readonly #hash: Hash = createHash('sha256')
  readonly #hashed = new Joined(bytes => void this.#hash.update(bytes))
  #start: number
  #isSeparatorOver: boolean
  #bodyStart = 0
  /** Up to where nothing is a From_ line. */
  #countedTo: number | undefined
  wantsLengthLooked = false

  constructor({ offset, bytes, endsLine }: LinePiece, separator: Separator) {
    this.#offset = offset
    this.#separator = separator
    this.#start = offset + bytes.length
    this.#isSeparatorOver = endsLine
  }

  /** Whether a message may begin there, as its length says; undefined: it does not, or no longer. */
  isCounted(offset: number): boolean | undefined {
    if (this.#countedTo === undefined || offset > this.#countedTo) return undefined
    return offset === this.#countedTo
  }

  take(piece: LinePiece): void {
    if (!this.#isSeparatorOver) {
      this.#start = piece.offset + piece.bytes.length
      this.#isSeparatorOver = piece.endsLine
      return
    }
    const kind = this.#header.take(piece)
    if (kind === 'end') {
      this.#bodyStart = piece.offset + piece.bytes.length
      this.wantsLengthLooked = this.#header.fields.has('content-length')
    } else if (kind !== 'status-field' && !isBlankLine(piece)) this.#hashed.add(piece.bytes)
  }

  async lookAtLength(file: FileHandle, size: number): Promise<void> {
    this.wantsLengthLooked = false
    const text = this.#header.fields.get('content-length') ?? ''
    if (!/^\d{1,15}$/.test(text)) return
    const end = this.#bodyStart + Number(text)
    if (end > size) return
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, end)
    const behind = buffer
      .subarray(0, bytesRead)
      .toString('latin1')
      .replace(/^(?:\r?\n){0,2}/, '')
    const isBoundary = end + bytesRead - behind.length >= size || parseSeparator(lineOf(behind)) !== undefined
    if (isBoundary) this.#countedTo = end
  }

  /** `behind`: where the empty line that ends it begins, or the next message, or the file ends. */
  end(behind: number): MboxEntry {
    this.#hashed.flush()
    const end = Math.max(this.#start, this.#countedTo ?? behind)
    return {
      offset: this.#offset,
      start: this.#start,
      end,
      receivedAt: this.#separator.receivedAt,
      fields: this.#header.fields,
      isCounted: this.#countedTo !== undefined,
      digest: this.#hash.digest('base64url').slice(0, 24),
    }
  }
}

function lineOf(text: string): string {
  const end = text.indexOf('\n')
  return end < 0 ? text : text.slice(0, end)
}
