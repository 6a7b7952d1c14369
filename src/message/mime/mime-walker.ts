// Walks through a message that comes in pieces, and tells what each piece is: a header section, the content of a part, or
// what holds parts together (RFC 2046 §5.1, §5.2.1). In bounded memory: a header section is the most that is kept.
import { type HeaderField, parseHeaderFields } from '../header-section.ts'
import { type ContentFields, isIdentity, readContentFields } from './content-fields.ts'

/** A message, or a part of one (RFC 2045 §2.4). */
export interface Entity {
  /** In the order in which they begin, from 0. */
  readonly index: number
  /** multipart, message: what follows is other entities. leaf: content, whatever its type. */
  readonly kind: 'leaf' | 'multipart' | 'message'
  readonly fields: readonly HeaderField[]
  readonly content: ContentFields
  /** It has the header section of a message, not of a part: the message itself, or one that it contains. */
  readonly isMessage: boolean
  /** Inside of multipart/signed: whoever changes it breaks the signature (RFC 1847 §2.1). */
  readonly isSigned: boolean
}

export interface MimeEvents {
  /** The whole section with the empty line behind it, which may be missing at the end of a part. */
  header(section: Buffer, entity: Entity): void
  /** Of the entity whose header came last, a leaf. Without the CRLF that belongs to the delimiter behind it. */
  content(bytes: Buffer): void
  endOfContent(): void
  /** Delimiters, preambles and epilogues. */
  structure(bytes: Buffer): void
  /** Nothing more belongs to this entity: the delimiter behind it, or the end of the message, comes next. The innermost first. */
  ended?(entity: Entity): void
}

export type WalkProblem = 'header-too-long' | 'too-many-parts'

/** Thrown to end a walk that has no use. */
export class WalkEnded extends Error {
  readonly problem: WalkProblem
  constructor(problem: WalkProblem) {
    super(problem)
    this.problem = problem
  }
}

const cr = 0x0d
const lf = 0x0a
const dash = 0x2d
const maxHeaderBytes = 256 * 1024
const maxEntities = 10_000
const maxDepth = 100
/** Longer lines are no delimiters, whatever they begin with. */
const maxDelimiterLine = 500

interface Multipart {
  readonly boundary: string
  readonly isSigned: boolean
  readonly isDigest: boolean
}

export class MimeWalker {
  readonly #events: MimeEvents
  #pending: Buffer = Buffer.alloc(0)
  #state: 'header' | 'leaf' | 'outside' = 'header'
  /** Those that the present place is in, the innermost last. */
  #multiparts: Multipart[] = []
  /** Those that have begun and not ended, with how many multiparts each is in. */
  readonly #open: { readonly entity: Entity; readonly level: number }[] = []
  #section: Buffer[] = []
  #sectionBytes = 0
  #isMessage = true
  #entities = 0
  #depth = 0
  /** The next byte begins a line, whose delimiter would have no CRLF of its own before it. */
  #atLineStart = false

  constructor(events: MimeEvents) {
    this.#events = events
  }

  take(piece: Uint8Array): void {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes])
    this.#walk(false)
  }

  finish(): void {
    this.#walk(true)
    if (this.#state === 'header') this.#endHeader()
    if (this.#state === 'leaf') this.#events.endOfContent()
    this.#endEntities(0)
  }

  #walk(isEnd: boolean): void {
    let position = 0
    for (;;) {
      const next =
        this.#state === 'header' ? this.#walkHeader(position, isEnd) : this.#walkBody(position, isEnd)
      if (next === undefined) break
      position = next
    }
    // A copy: what is kept must not keep the whole piece.
    this.#pending = Buffer.from(this.#pending.subarray(position))
  }

  /** The position behind what was done; undefined: more is needed. */
  #walkHeader(start: number, isEnd: boolean): number | undefined {
    const newline = this.#pending.indexOf(lf, start)
    if (newline < 0 && (!isEnd || start === this.#pending.length)) {
      if (this.#sectionBytes + this.#pending.length - start > maxHeaderBytes)
        throw new WalkEnded('header-too-long')
      return undefined
    }
    const end = newline < 0 ? this.#pending.length : newline + 1
    const line = this.#pending.subarray(start, end)
    if (this.#multiparts.length > 0 && this.#findDelimiter(withoutLineEnd(line))) {
      this.#endHeader()
      return start
    }
    this.#section.push(Buffer.from(line))
    this.#sectionBytes += line.length
    if (this.#sectionBytes > maxHeaderBytes) throw new WalkEnded('header-too-long')
    if (line.length === 1 || (line.length === 2 && line[0] === cr)) this.#endHeader()
    return end
  }

  #endHeader(): void {
    const section = Buffer.concat(this.#section)
    this.#section = []
    this.#sectionBytes = 0
    const fields = parseHeaderFields(section)
    const content = readContentFields(fields)
    const parent = this.#multiparts.at(-1)
    const isMessage = this.#isMessage
    const kind = this.#kindOf(content, !isMessage && parent?.isDigest === true)
    if (this.#entities >= maxEntities) throw new WalkEnded('too-many-parts')
    const isSigned = parent?.isSigned ?? false
    const entity = { index: this.#entities++, kind, fields, content, isMessage, isSigned }
    this.#open.push({ entity, level: this.#multiparts.length })
    this.#events.header(section, entity)
    this.#atLineStart = true
    this.#isMessage = kind === 'message'
    this.#state = kind === 'message' ? 'header' : kind === 'multipart' ? 'outside' : 'leaf'
    if (kind === 'leaf') return
    if (++this.#depth > maxDepth) throw new WalkEnded('too-many-parts')
    if (content.boundary === undefined || kind !== 'multipart') return
    this.#multiparts.push({
      boundary: content.boundary,
      isSigned: isSigned || content.type === 'multipart/signed',
      isDigest: content.type === 'multipart/digest',
    })
  }

  #kindOf({ type, boundary, encoding }: ContentFields, isInDigest: boolean): Entity['kind'] {
    // RFC 2046 §5.1.5
    const given = type ?? (isInDigest ? 'message/rfc822' : 'text/plain')
    if (!isIdentity(encoding)) return 'leaf'
    if (boundary !== undefined) return 'multipart'
    return given === 'message/rfc822' ? 'message' : 'leaf'
  }

  #walkBody(start: number, isEnd: boolean): number | undefined {
    const { length } = this.#pending
    if (start === length) return undefined
    if (this.#multiparts.length === 0) return this.#hand(start, length)
    if (this.#atLineStart) {
      const found = this.#delimiterAt(start, isEnd)
      if (found === 'more') return undefined
      this.#atLineStart = false
      if (found) return this.#pass(start, found)
    }
    const at = this.#pending.indexOf('\r\n--', start, 'latin1')
    if (at < 0) {
      // Its beginning may be there.
      const end = isEnd ? length : Math.max(start, length - 3)
      return end > start ? this.#hand(start, end) : undefined
    }
    if (at > start) return this.#hand(start, at)
    const found = this.#delimiterAt(start + 2, isEnd)
    if (found === 'more') return undefined
    return found ? this.#pass(start, found) : this.#hand(start, start + 4)
  }

  #delimiterAt(start: number, isEnd: boolean): FoundDelimiter | 'more' | undefined {
    const pending = this.#pending
    for (let index = start; index < start + 2; index++) {
      if (index >= pending.length) return isEnd ? undefined : 'more'
      if (pending[index] !== dash) return undefined
    }
    const lineEnd = pending.indexOf('\r\n', start, 'latin1')
    if (lineEnd < 0 && !isEnd && pending.length - start <= maxDelimiterLine) return 'more'
    const end = lineEnd < 0 ? pending.length : lineEnd
    const found = this.#findDelimiter(pending.subarray(start, end))
    return found && { ...found, end: lineEnd < 0 ? end : end + 2 }
  }

  /** RFC 2046 §5.1.1: of this multipart, or of one around it, which then ends those within. */
  #findDelimiter(line: Buffer): Omit<FoundDelimiter, 'end'> | undefined {
    if (line.length > maxDelimiterLine || line[0] !== dash || line[1] !== dash) return undefined
    const text = line.toString('latin1', 2)
    for (let level = this.#multiparts.length - 1; level >= 0; level--) {
      const boundary = this.#multiparts[level]?.boundary ?? ''
      if (!text.startsWith(boundary)) continue
      const rest = text.slice(boundary.length).trimEnd()
      if (rest === '' || rest === '--') return { level, isClosing: rest === '--' }
    }
    return undefined
  }

  #pass(start: number, { level, isClosing, end }: FoundDelimiter): number {
    if (this.#state === 'leaf') this.#events.endOfContent()
    this.#endEntities(level + 1)
    this.#events.structure(this.#pending.subarray(start, end))
    this.#multiparts.length = isClosing ? level : level + 1
    this.#depth = this.#multiparts.length
    this.#state = isClosing ? 'outside' : 'header'
    this.#isMessage = false
    this.#atLineStart = true
    return end
  }

  /** Those that are in so many multiparts or more. */
  #endEntities(level: number): void {
    for (let last = this.#open.at(-1); last && last.level >= level; last = this.#open.at(-1)) {
      this.#open.pop()
      this.#events.ended?.(last.entity)
    }
  }

  #hand(start: number, end: number): number {
    const bytes = this.#pending.subarray(start, end)
    if (this.#state === 'leaf') this.#events.content(bytes)
    else this.#events.structure(bytes)
    return end
  }
}

interface FoundDelimiter {
  /** Index of its multipart. */
  readonly level: number
  readonly isClosing: boolean
  /** Behind its line. */
  readonly end: number
}

function withoutLineEnd(line: Buffer): Buffer {
  const end = line.at(-1) === lf ? line.length - (line.at(-2) === cr ? 2 : 1) : line.length
  return line.subarray(0, end)
}
