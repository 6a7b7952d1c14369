// Finds commands in the bytes of a client: lines, and literals between them (RFC 9051 §2.2.1, §4.3). What is behind a literal's
// announcement (read it into the command, hand its octets on, read it away) is for the session to say.
//
// Pieces are kept as they came and joined now and then, so that a client that sends byte by byte costs no more than one that does not.
import { findLiteralMark, type LiteralMark } from '../grammar/literal-mark.ts'

/** They may be others once somebody has logged in. */
export interface ReaderLimits {
  readonly maxLineBytes: () => number
  readonly maxSkippedBytes: () => number
}

/** Of a command that has begun, in octets and literals. */
export interface Collected {
  readonly bytes: number
  readonly literals: number
}

export type ReaderEvent =
  /** A command whole, or what stands behind the last literal of octets; without its CRLF. */
  | { readonly kind: 'command'; readonly bytes: Buffer }
  /** The line at the end announces a literal: then `collect`, `stream`, `refuse` or `skip`. `mark.at` counts in `bytes`. */
  | { readonly kind: 'literal'; readonly bytes: Buffer; readonly mark: LiteralMark }
  /** Of a literal that is streamed. */
  | { readonly kind: 'octets'; readonly bytes: Buffer; readonly isLast: boolean }
  /** `beginning`: the first octets of the command. */
  | { readonly kind: 'bare-line-feed' | 'line-too-long'; readonly beginning: Buffer }
  /** What was to be skipped has gone by. */
  | { readonly kind: 'skipped' }
  /** It does not end. */
  | { readonly kind: 'endless' }

export interface ReaderStep {
  /** undefined: more bytes are needed. */
  readonly event: ReaderEvent | undefined
  readonly rest: Buffer | undefined
}

type ReaderState =
  | { readonly kind: 'line' }
  /** A literal that becomes a part of the command. */
  | { readonly kind: 'collect'; left: number }
  | { readonly kind: 'stream'; left: number }
  | { readonly kind: 'skip-literal'; left: number }
  /** `tail`: its end, in which another literal may be announced. */
  | { readonly kind: 'skip-line'; tail: Buffer }

const lineFeed = 0x0a
const carriageReturn = 0x0d
/** A mark has 22 octets at most, and the line its end. */
const tailBytes = 32
const beginningBytes = 512
/** Each costs some hundred octets, whatever is in it. */
const maxPieces = 1000
const line: ReaderState = { kind: 'line' }

export class CommandReader {
  readonly #limits: ReaderLimits
  #state: ReaderState = line
  #pieces: Buffer[] = []
  #size = 0
  /** Where the line begins that is being read. */
  #lineStart = 0
  #literals = 0
  #skipped = 0

  constructor(limits: ReaderLimits) {
    this.#limits = limits
  }

  /** Nothing of a command has come, so nothing is waited for. */
  get isBetweenCommands(): boolean {
    return this.#state === line && this.#size === 0 && this.#literals === 0
  }

  /** A literal is on its way. */
  get isInLiteral(): boolean {
    const { kind } = this.#state
    return kind === 'collect' || kind === 'stream' || kind === 'skip-literal'
  }

  get collected(): Collected {
    return { bytes: this.#size, literals: this.#literals }
  }

  // What becomes of a literal

  /** It is a part of the command. */
  collect(mark: LiteralMark): void {
    this.#literals++
    this.#state = mark.size > 0 ? { kind: 'collect', left: mark.size } : line
    this.#lineStart = this.#size + mark.size
  }

  /** Its octets are events, and what was read is done with. */
  stream(mark: LiteralMark): void {
    const literals = this.#literals + 1
    this.#forget()
    this.#literals = literals
    this.#state = mark.size > 0 ? { kind: 'stream', left: mark.size } : line
  }

  /**
   * The command is refused. A client that waits sends nothing of it; from another it is read away, up to the end, unless that is
   * too far.
   */
  skip(mark: LiteralMark): 'over' | 'skipping' | 'endless' {
    this.#forget()
    if (mark.waits) return 'over'
    if (mark.size > this.#limits.maxSkippedBytes()) return 'endless'
    this.#state = { kind: 'skip-literal', left: mark.size }
    return 'skipping'
  }

  /** A command is over, or was never one. */
  reset(): void {
    this.#forget()
  }

  #forget(): void {
    this.#state = line
    this.#pieces = []
    this.#size = 0
    this.#lineStart = 0
    this.#literals = 0
    this.#skipped = 0
  }

  // Bytes

  /** `bytes` is not empty. */
  read(bytes: Buffer): ReaderStep {
    const state = this.#state
    switch (state.kind) {
      case 'line':
        return this.#readLine(bytes)
      case 'collect':
        return this.#collect(bytes, state)
      case 'stream':
        return this.#stream(bytes, state)
      case 'skip-literal':
        return this.#skipLiteral(bytes, state)
      case 'skip-line':
        return this.#skipLine(bytes, state)
      default:
        return state satisfies never
    }
  }

  #readLine(bytes: Buffer): ReaderStep {
    const found = bytes.indexOf(lineFeed)
    const end = found < 0 ? bytes.length : found + 1
    if (this.#size - this.#lineStart + end > this.#limits.maxLineBytes() + 2) {
      const beginning = this.#beginning(bytes)
      // A literal that is announced at the end of the line may have begun in what is here already.
      const tail = this.#joined().subarray(-tailBytes)
      const skipped = this.#size - this.#lineStart
      this.#forget()
      this.#skipped = skipped
      this.#state = { kind: 'skip-line', tail }
      return { event: { kind: 'line-too-long', beginning }, rest: bytes }
    }
    this.#keep(bytes.subarray(0, end))
    const rest = restOf(bytes, end)
    return { event: found < 0 ? undefined : this.#endLine(), rest }
  }

  #endLine(): ReaderEvent {
    const all = this.#joined()
    if (all[all.length - 2] !== carriageReturn) {
      this.#forget()
      return { kind: 'bare-line-feed', beginning: all.subarray(0, beginningBytes) }
    }
    const bytes = all.subarray(0, -2)
    const mark = findLiteralMark(bytes.subarray(this.#lineStart))
    if (mark) return { kind: 'literal', bytes, mark: { ...mark, at: mark.at + this.#lineStart } }
    this.#forget()
    return { kind: 'command', bytes }
  }

  #collect(bytes: Buffer, state: Extract<ReaderState, { kind: 'collect' }>): ReaderStep {
    const piece = bytes.subarray(0, state.left)
    this.#keep(piece)
    state.left -= piece.length
    if (state.left === 0) this.#state = line
    return { event: undefined, rest: restOf(bytes, piece.length) }
  }

  #stream(bytes: Buffer, state: Extract<ReaderState, { kind: 'stream' }>): ReaderStep {
    const piece = bytes.subarray(0, state.left)
    state.left -= piece.length
    const isLast = state.left === 0
    if (isLast) this.#state = line
    return { event: { kind: 'octets', bytes: piece, isLast }, rest: restOf(bytes, piece.length) }
  }

  #skipLiteral(bytes: Buffer, state: Extract<ReaderState, { kind: 'skip-literal' }>): ReaderStep {
    const length = Math.min(bytes.length, state.left)
    state.left -= length
    if (state.left === 0) this.#state = { kind: 'skip-line', tail: Buffer.alloc(0) }
    this.#skipped += length
    // What cannot end in time need not be read first.
    if (this.#skipped + state.left > this.#limits.maxSkippedBytes()) return endless
    return { event: undefined, rest: restOf(bytes, length) }
  }

  #skipLine(bytes: Buffer, state: Extract<ReaderState, { kind: 'skip-line' }>): ReaderStep {
    const found = bytes.indexOf(lineFeed)
    const end = found < 0 ? bytes.length : found + 1
    this.#skipped += end
    state.tail = Buffer.concat([state.tail, bytes.subarray(Math.max(0, end - tailBytes), end)]).subarray(
      -tailBytes,
    )
    if (this.#skipped > this.#limits.maxSkippedBytes()) return endless
    const rest = restOf(bytes, end)
    if (found < 0) return { event: undefined, rest }
    const mark = findLiteralMark(state.tail.subarray(0, -2))
    if (mark && !mark.waits) {
      this.#state = { kind: 'skip-literal', left: mark.size }
      return { event: undefined, rest }
    }
    this.#forget()
    return { event: { kind: 'skipped' }, rest }
  }

  #keep(piece: Buffer): void {
    this.#pieces.push(piece)
    this.#size += piece.length
    if (this.#pieces.length > maxPieces) this.#joined()
  }

  #joined(): Buffer {
    const [only, ...others] = this.#pieces
    const all = only && others.length === 0 ? only : Buffer.concat(this.#pieces)
    this.#pieces = [all]
    return all
  }

  #beginning(bytes: Buffer): Buffer {
    return Buffer.concat([...this.#pieces, bytes].slice(0, beginningBytes)).subarray(0, beginningBytes)
  }
}

const endless: ReaderStep = { event: { kind: 'endless' }, rest: undefined }

function restOf(bytes: Buffer, from: number): Buffer | undefined {
  return from < bytes.length ? bytes.subarray(from) : undefined
}
