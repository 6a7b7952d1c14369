// Reads the structure of a message that comes in pieces (RFC 9051 §7.5.2), in bounded memory, whatever its size.
import { findFieldValue, type HeaderField } from '../header-section.ts'
import { splitParameters } from '../mime/content-fields.ts'
import { type Entity, type MimeEvents, MimeWalker, WalkEnded } from '../mime/mime-walker.ts'
import { readEnvelope } from './envelope.ts'
import type { Envelope, Extent, MessageStructure, Parameters, Part } from './structure.ts'

const lf = 0x0a

/** Those of more are left out: who reads them has seen enough. */
const maxParameters = 50

/** Of all parts together: what is told of a message is mostly what stands there, and is in memory as a whole. */
const maxHeaderBytes = 1024 * 1024

interface OpenPart {
  readonly entity: Entity
  readonly header: Extent
  /** Of the first line behind the header section. */
  readonly firstLine: number
  readonly parts: Ended[]
}

interface Ended {
  readonly part: Part
  /** Of its header section, when that is a message's. */
  readonly envelope: Envelope | undefined
}

/** Of a message whose pieces come one after another. */
export class StructureReader implements MimeEvents {
  readonly #walker = new MimeWalker(this)
  readonly #open: OpenPart[] = []
  #offset = 0
  #lines = 0
  /** The last octet was no line end. */
  #isInLine = false
  #root: Part | undefined
  /** Of the message itself. */
  #envelope: Envelope = readEnvelope([])
  #problem: WalkEnded | undefined
  #total = 0
  #headerBytes = 0

  /** Of the header sections so far: how much there is to tell. */
  get headerBytes(): number {
    return this.#headerBytes
  }

  take(piece: Uint8Array): void {
    this.#total += piece.length
    if (!this.#problem) this.#guard(() => this.#walker.take(piece))
  }

  finish(): MessageStructure {
    if (!this.#problem) this.#guard(() => this.#walker.finish())
    const envelope = this.#envelope
    if (this.#root && !this.#problem) return { envelope, root: this.#root, isTruncated: false }
    return { envelope, root: this.#asOnePart(), isTruncated: true }
  }

  header(section: Buffer, entity: Entity): void {
    this.#headerBytes += section.length
    if (this.#headerBytes > maxHeaderBytes) throw new WalkEnded('header-too-long')
    const start = this.#offset
    this.#count(section)
    if (entity.index === 0) this.#envelope = readEnvelope(entity.fields)
    this.#open.push({ entity, header: { start, end: this.#offset }, firstLine: this.#lines, parts: [] })
  }

  content(bytes: Buffer): void {
    this.#count(bytes)
  }

  endOfContent(): void {}

  structure(bytes: Buffer): void {
    this.#count(bytes)
  }

  ended({ index }: Entity): void {
    const open = this.#open.pop()
    if (open?.entity.index !== index) throw new Error('entities end in another order than they began')
    const part = this.#describe(open)
    const parent = this.#open.at(-1)
    const { fields, isMessage } = open.entity
    if (parent) parent.parts.push({ part, envelope: isMessage ? readEnvelope(fields) : undefined })
    else this.#root = part
  }

  #guard(walk: () => void): void {
    try {
      walk()
    } catch (cause) {
      if (!(cause instanceof WalkEnded)) throw cause
      this.#problem = cause
    }
  }

  #count(bytes: Buffer): void {
    for (let at = bytes.indexOf(lf); at >= 0; at = bytes.indexOf(lf, at + 1)) this.#lines++
    if (bytes.length > 0) this.#isInLine = bytes.at(-1) !== lf
    this.#offset += bytes.length
  }

  #describe({ entity, header, firstLine, parts }: OpenPart): Part {
    const { fields } = entity
    const body = { start: header.end, end: this.#offset }
    const isCut = this.#isInLine && body.end > body.start
    const lines = Math.max(this.#lines - firstLine, 0) + (isCut ? 1 : 0)
    const common = { ...describeFields(fields, entity.kind), header, body, lines }
    const [first] = parts
    if (entity.kind === 'message' && first?.envelope)
      return { ...common, kind: 'message', envelope: first.envelope, message: first.part }
    if (entity.kind === 'multipart' && first)
      return { ...common, kind: 'multipart', parts: parts.map(({ part }) => part) }
    return { ...common, kind: 'leaf' }
  }

  #asOnePart(): Part {
    const [root] = this.#open
    const fields = root?.entity.fields ?? []
    const header = root?.header ?? { start: 0, end: 0 }
    return {
      ...describeFields(fields, 'leaf'),
      kind: 'leaf',
      type: 'application',
      subtype: 'octet-stream',
      header,
      body: { start: header.end, end: this.#total },
      lines: 0,
    }
  }
}

function describeFields(fields: readonly HeaderField[], kind: Entity['kind']) {
  const value = (name: string): string | undefined => findFieldValue(fields, name) || undefined
  const language = value('content-language')
    ?.split(',')
    .map(tag => tag.trim())
    .filter(tag => tag !== '')
  return {
    ...describeType(value('content-type'), kind),
    id: value('content-id'),
    description: value('content-description'),
    encoding: firstWord(value('content-transfer-encoding')) || '7bit',
    md5: value('content-md5'),
    disposition: describeDisposition(value('content-disposition')),
    language: language?.length ? language : undefined,
    location: value('content-location'),
  }
}

function describeType(
  value: string | undefined,
  kind: Entity['kind'],
): { readonly type: string; readonly subtype: string; readonly parameters: Parameters } {
  const [type = '', subtype = ''] = firstWord(value).split('/')
  if (value !== undefined && type !== '' && subtype !== '')
    return { type, subtype, parameters: describeParameters(value) }
  // RFC 2046 §5.1.5, RFC 2045 §5.2
  if (kind === 'message') return { type: 'message', subtype: 'rfc822', parameters: [] }
  return { type: 'text', subtype: 'plain', parameters: [['charset', 'us-ascii']] }
}

function describeDisposition(value: string | undefined): Part['disposition'] {
  const type = firstWord(value)
  return value === undefined || type === '' ? undefined : { type, parameters: describeParameters(value) }
}

function describeParameters(value: string): Parameters {
  return splitParameters(value)
    .slice(0, maxParameters)
    .map(({ name, value: text }) => [name, text])
}

/** In lower case: what stands before a blank, a semicolon or a comment. */
function firstWord(value = ''): string {
  return /^[^\s(;]*/.exec(value)?.[0].toLowerCase() ?? ''
}
