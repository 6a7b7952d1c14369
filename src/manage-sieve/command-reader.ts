// Commands of ManageSieve as bytes bring them (RFC 5804 §4): words, strings and literals up to a line end. Nothing of a socket.

export type CommandToken =
  | { readonly kind: 'atom'; readonly text: string }
  | { readonly kind: 'number'; readonly value: number }
  /** Quoted or literal: bytes, since a script that is no UTF-8 is told so. */
  | { readonly kind: 'string'; readonly bytes: Buffer }

export type ReadCommand =
  | { readonly kind: 'command'; readonly tokens: readonly CommandToken[] }
  /** Read to its end, and not to be done: why. */
  | { readonly kind: 'refused'; readonly why: RefusedCommand }
  /** Where the next command begins cannot be known. */
  | { readonly kind: 'lost'; readonly why: 'too-much' | 'literal-without-plus' }

export type RefusedCommand = 'syntax' | 'line-too-long' | 'literal-too-large' | 'too-many-arguments'

export interface ReaderLimits {
  /** Of a command without its literals: more than the 1024 octets that RFC 5804 §4 has for a string, for tokens of OAUTHBEARER. */
  readonly maxLineBytes: number
  /** Of one literal, and of all of a command. */
  readonly maxLiteralBytes: number
  /** What is read away of a command that is refused. */
  readonly maxSkippedBytes: number
}

/** No command has more (RFC 5804 §2). */
const maxTokens = 4
/** Of a literal that comes byte by byte: each costs some hundred octets, whatever is in it. */
const maxPieces = 1000
const cr = 0x0d
const lf = 0x0a
const quote = 0x22
const backslash = 0x5c
const literalMark = /^\{(\d{1,15})(\+?)\}$/
const looseMark = /[ \t]\{(\d{1,15})(\+?)\}$/
/** With a blank before it and the CR behind it. */
const longestMark = 20
const atomText = /^[A-Za-z_][A-Za-z0-9_./-]{0,63}$/
const numberText = /^\d{1,10}$/

export interface ReaderStep {
  /** undefined: more is needed. */
  readonly command: ReadCommand | undefined
  readonly rest: Buffer | undefined
}

/** Of one connection. Of a command that has begun, bytes are kept within the limits. */
export class CommandReader {
  readonly #limits: ReaderLimits
  /** Of a line whose end has not come. */
  #line: Buffer = Buffer.alloc(0)
  #tokens: CommandToken[] = []
  #lineBytes = 0
  #literalBytes = 0
  /** Of a literal that has begun: how much of it is missing; what has come, unless it is refused. */
  #missing = 0
  #literal: Buffer[] = []
  #refusal: RefusedCommand | undefined
  #skipped = 0

  constructor(limits: ReaderLimits) {
    this.#limits = limits
  }

  /** Nothing of a command has come. */
  get isBetweenCommands(): boolean {
    return this.#line.length === 0 && this.#lineBytes === 0
  }

  /** `bytes` is not empty. */
  read(bytes: Buffer): ReaderStep {
    if (this.#missing > 0) return this.#readLiteral(bytes)
    const found = bytes.indexOf(lf)
    if (found < 0) {
      this.#line = Buffer.concat([this.#line, bytes])
      return { command: this.#judgeOpenLine(), rest: undefined }
    }
    const line = Buffer.concat([this.#line, bytes.subarray(0, found)])
    this.#line = Buffer.alloc(0)
    return { command: this.#readLine(line), rest: restOf(bytes, found + 1) }
  }

  /** A line whose end has not come. */
  #judgeOpenLine(): ReadCommand | undefined {
    if (this.#lineBytes + this.#line.length <= this.#limits.maxLineBytes) return undefined
    this.#refusal ??= 'line-too-long'
    const dropped = Math.max(this.#line.length - longestMark, 0)
    this.#skipped += dropped
    this.#lineBytes += dropped
    // A literal may stand at its end, all the same.
    this.#line = Buffer.from(this.#line.subarray(dropped))
    return this.#skipped > this.#limits.maxSkippedBytes ? { kind: 'lost', why: 'too-much' } : undefined
  }

  #readLiteral(bytes: Buffer): ReaderStep {
    const piece = bytes.subarray(0, this.#missing)
    this.#missing -= piece.length
    if (this.#refusal === undefined) {
      this.#literal.push(Buffer.from(piece))
      if (this.#literal.length > maxPieces) this.#literal = [Buffer.concat(this.#literal)]
    } else {
      this.#skipped += piece.length
      if (this.#skipped > this.#limits.maxSkippedBytes)
        return { command: { kind: 'lost', why: 'too-much' }, rest: undefined }
    }
    if (this.#missing === 0) {
      if (this.#refusal === undefined)
        this.#tokens.push({ kind: 'string', bytes: Buffer.concat(this.#literal) })
      this.#literal = []
    }
    return { command: undefined, rest: restOf(bytes, piece.length) }
  }

  /** A part of a command up to LF: it ends the command, or a literal comes. undefined: go on. */
  #readLine(part: Buffer): ReadCommand | undefined {
    this.#lineBytes += part.length + 1
    if (this.#lineBytes > this.#limits.maxLineBytes) this.#refusal ??= 'line-too-long'
    if (part.at(-1) !== cr) this.#refusal ??= 'syntax'
    const line = part.at(-1) === cr ? part.subarray(0, -1) : part
    const mark = this.#refusal === 'line-too-long' ? markAtEnd(line) : this.#readTokens(line)
    if (mark === undefined) return this.#finish()
    const [, digits = '', plus] = mark
    const length = Number(digits)
    if (plus === '') {
      // The client waits before it sends the literal, for something that this protocol has not.
      this.#begin()
      return { kind: 'lost', why: 'literal-without-plus' }
    }
    this.#literalBytes += length
    if (this.#literalBytes > this.#limits.maxLiteralBytes) this.#refusal ??= 'literal-too-large'
    if (this.#skipped + length > this.#limits.maxSkippedBytes && this.#refusal !== undefined)
      return { kind: 'lost', why: 'too-much' }
    this.#missing = length
    if (length === 0 && this.#refusal === undefined)
      this.#tokens.push({ kind: 'string', bytes: Buffer.alloc(0) })
    return undefined
  }

  #finish(): ReadCommand | undefined {
    const refusal = this.#refusal
    const tokens = this.#tokens
    this.#begin()
    if (refusal !== undefined) return { kind: 'refused', why: refusal }
    // An empty line says nothing: some clients send one behind a literal.
    return tokens.length === 0 ? undefined : { kind: 'command', tokens }
  }

  #begin(): void {
    this.#tokens = []
    this.#lineBytes = 0
    this.#literalBytes = 0
    this.#missing = 0
    this.#literal = []
    this.#refusal = undefined
    this.#skipped = 0
  }

  /** The mark of the literal that the line ends with, or undefined. */
  #readTokens(line: Buffer): RegExpExecArray | undefined {
    let at = 0
    while (at < line.length) {
      if (line[at] === 0x20 || line[at] === 0x09) {
        at++
        continue
      }
      if (this.#tokens.length >= maxTokens) this.#refusal ??= 'too-many-arguments'
      if (line[at] === quote) {
        at = this.#readQuoted(line, at)
        continue
      }
      const end = endOfWord(line, at)
      const word = line.toString('latin1', at, end)
      at = end
      const mark = literalMark.exec(word)
      if (mark && at === line.length) return mark
      this.#addWord(word)
    }
    return undefined
  }

  #addWord(word: string): void {
    if (this.#refusal !== undefined) return
    if (numberText.test(word)) this.#tokens.push({ kind: 'number', value: Number(word) })
    else if (atomText.test(word)) this.#tokens.push({ kind: 'atom', text: word })
    else this.#refusal = 'syntax'
  }

  /** Behind its closing quote. */
  #readQuoted(line: Buffer, start: number): number {
    const bytes: number[] = []
    for (let at = start + 1; at < line.length; at++) {
      const byte = line[at] ?? 0
      if (byte === quote) {
        if (this.#refusal === undefined) this.#tokens.push({ kind: 'string', bytes: Buffer.from(bytes) })
        return at + 1
      }
      if (byte === 0 || byte === cr) break
      if (byte !== backslash) bytes.push(byte)
      else bytes.push(line[++at] ?? 0)
    }
    this.#refusal ??= 'syntax'
    return line.length
  }
}

/** Of a line that may have lost its beginning. */
function markAtEnd(line: Buffer): RegExpExecArray | undefined {
  return looseMark.exec(line.subarray(-longestMark + 1).toString('latin1')) ?? undefined
}

function restOf(bytes: Buffer, from: number): Buffer | undefined {
  return from < bytes.length ? bytes.subarray(from) : undefined
}

function endOfWord(line: Buffer, start: number): number {
  let end = start
  while (end < line.length && line[end] !== 0x20 && line[end] !== 0x09 && line[end] !== quote) end++
  return end
}
