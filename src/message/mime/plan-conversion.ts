// What has to be changed in a message, so that a server takes it that wants 7 bits, short lines or ASCII in the header
// section (RFC 6152 §3, RFC 5321 §4.5.3.1.6): found in a first pass, which looks at everything and keeps a line for each part.
import { hasEightBit, hasLongLine, toAsciiHeader } from './ascii-header.ts'
import { isIdentity } from './content-fields.ts'
import { type Entity, type MimeEvents, MimeWalker, WalkEnded } from './mime-walker.ts'

export interface ConversionTarget {
  /** Whether the server takes 8-bit content (8BITMIME). */
  readonly content: 'eight-bit' | 'seven-bit'
  /** Whether it takes UTF-8 in header sections (SMTPUTF8). */
  readonly headers: 'utf-8' | 'ascii'
}

export type ContentChange =
  | 'none'
  /** The content can stay: it has no need of what its Content-Transfer-Encoding says. */
  | '7bit'
  | '8bit'
  | 'quoted-printable'
  | 'base64'
  /** It is encoded already, and has something in it that cannot be there. */
  | 'mend-quoted-printable'
  | 'mend-base64'

export interface EntityPlan {
  readonly change: ContentChange
  /** For content without a Content-Type field: what it is taken for from now on. */
  readonly charset?: 'utf-8' | 'unknown-8bit' | undefined
}

/** Why a message cannot be converted. */
export type ConversionProblem =
  /** What would be changed is signed, and its reader would be told that somebody tampered with it. */
  | 'signed'
  /** An address in a header field can only be written in UTF-8. */
  | 'address'
  /** An encoding that nobody knows, or a multipart that cannot be read. */
  | 'unreadable'
  | 'header-too-long'
  | 'too-many-parts'

/** What of a message is changed, for whoever wants to know it afterwards. */
export type FormChange =
  /** 8-bit content is written in 7 bits. */
  | 'eight-bit'
  /** NUL, bare CR or LF: such a part becomes base64. */
  | 'binary'
  /** A header section is written in ASCII. */
  | 'header-section'
  /** Lines of more than 998 octets are encoded, or folded. */
  | 'long-lines'
  /** Nothing but what the Content-Transfer-Encoding fields say. */
  | 'labels'

export interface ConversionPlan {
  readonly target: ConversionTarget
  readonly changes: readonly FormChange[]
  /** By the index of the entity; what is not here stays as it is. */
  readonly entities: ReadonlyMap<number, EntityPlan>
  readonly problem?: ConversionProblem | undefined
}

export class ConversionPlanner implements MimeEvents {
  readonly #target: ConversionTarget
  readonly #walker: MimeWalker
  readonly #entities = new Map<number, EntityPlan>()
  readonly #changes = new Set<FormChange>()
  #problem: ConversionProblem | undefined
  #leaf: Entity | undefined
  #facts = new ContentFacts(false)

  constructor(target: ConversionTarget) {
    this.#target = target
    this.#walker = new MimeWalker(this)
  }

  take(piece: Uint8Array): void {
    this.#walk(() => this.#walker.take(piece))
  }

  finish(): ConversionPlan {
    this.#walk(() => this.#walker.finish())
    return {
      target: this.#target,
      changes: this.#changes.size > 0 ? [...this.#changes] : this.#entities.size > 0 ? ['labels'] : [],
      entities: this.#entities,
      problem: this.#problem,
    }
  }

  #walk(step: () => void): void {
    if (this.#problem) return
    try {
      step()
    } catch (cause) {
      if (!(cause instanceof WalkEnded)) throw cause
      this.#problem = cause.problem
    }
  }

  header(section: Buffer, entity: Entity): void {
    if (changesHeader(section, entity, this.#target)) {
      if (this.#target.headers === 'ascii' && toAsciiHeader(section) === 'address')
        this.#problem ??= 'address'
      if (entity.isSigned) this.#meetSigned()
      if (this.#target.headers === 'ascii' && hasEightBit(section)) this.#changes.add('header-section')
      if (hasLongLine(section)) this.#changes.add('long-lines')
    }
    const { encoding, type } = entity.content
    if (entity.kind === 'leaf') {
      this.#leaf = entity
      this.#facts = new ContentFacts(type === undefined)
    } else {
      // RFC 2045 §6.4: it says what is inside, which is no more than this then.
      const change = relabelled(encoding, this.#target)
      if (change !== 'none' && !entity.isSigned) this.#entities.set(entity.index, { change })
    }
  }

  content(bytes: Buffer): void {
    this.#facts.take(bytes)
  }

  endOfContent(): void {
    const entity = this.#leaf
    if (!entity) return
    this.#leaf = undefined
    this.#facts.finish()
    const plan = planContent(entity, this.#facts, this.#target)
    if (typeof plan === 'string') {
      this.#problem ??= plan
      return
    }
    if (plan.change === 'none') return
    // A word that promises less than it could does no harm to anybody; a broken signature does.
    if (entity.isSigned && (plan.change === '7bit' || plan.change === '8bit')) return
    // Nor does a line that is too long.
    if (entity.isSigned && this.#target.content === 'eight-bit') return
    if (entity.isSigned) this.#meetSigned()
    this.#entities.set(entity.index, plan)
    if (plan.change !== '7bit' && plan.change !== '8bit') this.#noteEncoded(this.#facts)
  }

  #noteEncoded({ isEightBit, isBinary, hasLongLines }: ContentFacts): void {
    if (isEightBit && this.#target.content === 'seven-bit') this.#changes.add('eight-bit')
    if (isBinary) this.#changes.add('binary')
    if (hasLongLines) this.#changes.add('long-lines')
  }

  structure(): void {}

  #meetSigned(): void {
    this.#problem ??= 'signed'
  }
}

/** A line that is too long does less harm than a signature that is broken for it. */
export function changesHeader(
  section: Uint8Array,
  { isSigned }: Entity,
  { content, headers }: ConversionTarget,
): boolean {
  if (headers === 'ascii' && hasEightBit(section)) return true
  return hasLongLine(section) && !(isSigned && content === 'eight-bit')
}

function relabelled(encoding: string, { content }: ConversionTarget): ContentChange {
  if (encoding === 'binary') return content === 'eight-bit' ? '8bit' : '7bit'
  return encoding === '8bit' && content === 'seven-bit' ? '7bit' : 'none'
}

function planContent(
  { content: { type, encoding } }: Entity,
  facts: ContentFacts,
  target: ConversionTarget,
): EntityPlan | 'unreadable' {
  const isTooMuch =
    (target.content === 'seven-bit' && facts.isEightBit) || facts.isBinary || facts.hasLongLines
  if (!isTooMuch) {
    if (!isIdentity(encoding) || encoding === '7bit') return { change: 'none' }
    if (encoding === '8bit' && target.content === 'eight-bit') return { change: 'none' }
    return { change: facts.isEightBit ? '8bit' : '7bit' }
  }
  if (encoding === 'quoted-printable') return { change: 'mend-quoted-printable' }
  if (encoding === 'base64') return { change: 'mend-base64' }
  // RFC 2045 §6.4: a multipart must not be encoded, and one whose boundary cannot be read is all one piece.
  if (!isIdentity(encoding) || type?.startsWith('multipart/')) return 'unreadable'
  const isText = type === undefined || (!isOpaque(type) && !facts.isBinary)
  return {
    change: isText && !facts.isBinary ? 'quoted-printable' : 'base64',
    charset: type === undefined && facts.isEightBit ? (facts.isUtf8 ? 'utf-8' : 'unknown-8bit') : undefined,
  }
}

/** Not made of lines for people. RFC 6532 §3.7: message/global may be encoded. */
function isOpaque(type: string): boolean {
  return !type.startsWith('text/') && (!type.startsWith('message/') || type === 'message/global')
}

const eightBit = /[\x80-\xff]/
const bareLineEnd = /\r(?!\n)|(?<!\r)\n/
/** RFC 5322 §2.1.1 */
const maxLine = 998

/** What is in the content of one part. */
class ContentFacts {
  isEightBit = false
  /** NUL, or a CR or LF that is not part of a CRLF. */
  isBinary = false
  hasLongLines = false
  isUtf8 = true
  readonly #decoder: TextDecoder | undefined
  #lineLength = 0
  #carry = ''

  constructor(isCharsetWanted: boolean) {
    this.#decoder = isCharsetWanted ? new TextDecoder('utf-8', { fatal: true }) : undefined
  }

  take(bytes: Buffer): void {
    const text = this.#carry + bytes.toString('latin1')
    const isCut = text.endsWith('\r')
    this.#look(isCut ? text.slice(0, -1) : text)
    this.#carry = isCut ? '\r' : ''
    this.#decode(bytes)
  }

  finish(): void {
    if (this.#carry !== '') this.isBinary = true
    this.#decode()
  }

  #look(text: string): void {
    this.isEightBit ||= eightBit.test(text)
    this.isBinary ||= text.includes('\0') || bareLineEnd.test(text)
    let start = -this.#lineLength
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) {
      this.hasLongLines ||= end - 1 - start > maxLine
      start = end + 1
    }
    this.#lineLength = text.length - start
    this.hasLongLines ||= this.#lineLength > maxLine
  }

  #decode(bytes?: Buffer): void {
    if (!this.#decoder || !this.isUtf8) return
    try {
      this.#decoder.decode(bytes, { stream: bytes !== undefined })
    } catch {
      // Some older charset.
      this.isUtf8 = false
    }
  }
}
