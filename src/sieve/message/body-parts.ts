// The body of a message as `body` searches it (RFC 5173 §5): its parts, decoded, each with its content type.

import { findFieldValue, type HeaderField } from '../../message/header-section.ts'
import { parameterOf } from '../../message/mime/charset.ts'
import { type ContentFields, isIdentity } from '../../message/mime/content-fields.ts'
import { type Entity, MimeWalker, WalkEnded } from '../../message/mime/mime-walker.ts'

export interface BodyPart {
  /** 'text/plain', in small letters. */
  readonly type: string
  /**
   * What is searched, each for itself: the text of a leaf; prologue and epilogue of a multipart; the header section of a
   * message within.
   */
  readonly texts: readonly string[]
}

interface OpenPart {
  readonly type: string
  readonly texts: string[]
  readonly fields: readonly HeaderField[]
  readonly encoding: string
  readonly boundary: string | undefined
}

const crlf = Buffer.from('\r\n')

/** What nests or is cut beyond all measure is searched as far as it was read. */
export function readBodyParts(headerSection: Uint8Array, body: Uint8Array): readonly BodyPart[] {
  const collector = new PartCollector()
  const walker = new MimeWalker(collector)
  try {
    walker.take(headerSection)
    walker.take(crlf)
    walker.take(body)
    walker.finish()
  } catch (error) {
    if (!(error instanceof WalkEnded)) throw error
  }
  collector.finish()
  return collector.parts
}

class PartCollector {
  readonly parts: OpenPart[] = []
  #leaf: Buffer[] = []
  #structure: Buffer[] = []
  /** Multiparts that are open, the innermost last. */
  readonly #open: OpenPart[] = []
  /** A message within waits for its header section. */
  #waiting: OpenPart | undefined

  header(section: Buffer, { fields, content, kind }: Entity): void {
    this.#endStructure()
    this.#waiting?.texts.push(section.toString('utf8').replace(/\r?\n$/, ''))
    const part = {
      type: typeOf(fields, content) ?? (kind === 'message' ? 'message/rfc822' : 'text/plain'),
      texts: [],
      fields,
      encoding: content.encoding,
      boundary: content.boundary,
    }
    this.parts.push(part)
    this.#waiting = kind === 'message' ? part : undefined
    if (kind === 'multipart') this.#open.push(part)
  }

  content(bytes: Buffer): void {
    this.#leaf.push(Buffer.from(bytes))
  }

  endOfContent(): void {
    const part = this.parts.at(-1)
    const text = part && decodeText(part, Buffer.concat(this.#leaf))
    if (text !== undefined) part?.texts.push(text)
    this.#leaf = []
  }

  structure(bytes: Buffer): void {
    this.#structure.push(Buffer.from(bytes))
  }

  finish(): void {
    if (this.#leaf.length > 0) this.endOfContent()
    this.#endStructure()
  }

  /** Delimiters end what is open; the lines between them are prologues and epilogues. */
  #endStructure(): void {
    if (this.#structure.length === 0) return
    const lines = Buffer.concat(this.#structure).toString('utf8').split('\r\n')
    this.#structure = []
    let text: string[] = []
    const flush = (): void => {
      const joined = text.join('\r\n')
      if (joined.trim() !== '') this.#open.at(-1)?.texts.push(joined)
      text = []
    }
    for (const line of lines) {
      const delimiter = this.#findDelimiter(line)
      if (!delimiter) {
        text.push(line)
        continue
      }
      flush()
      // What is inside of the part whose delimiter this is has ended, and behind the last one comes its own epilogue.
      this.#open.length = delimiter.level + 1
    }
    flush()
  }

  #findDelimiter(line: string): { readonly level: number } | undefined {
    if (!line.startsWith('--')) return undefined
    const text = line.slice(2).trimEnd()
    const level = this.#open.findLastIndex(
      ({ boundary = '' }) => text === boundary || text === `${boundary}--`,
    )
    return level < 0 ? undefined : { level }
  }
}

/** RFC 2045 §5.2: of what cannot be read, nothing is known: no test for a type finds it. */
function typeOf(fields: readonly HeaderField[], { type }: ContentFields): string | undefined {
  const value = findFieldValue(fields, 'content-type')
  if (value === undefined || type === undefined) return value === undefined ? undefined : unknownType
  return /^[\s;(]?$/.test(value.trimStart().slice(type.length, type.length + 1)) ? type : unknownType
}

const unknownType = 'application/octet-stream'

/** undefined: it cannot be decoded (RFC 2045 §6.4: an encoding that nobody knows). */
function decodeText({ fields, encoding, type }: OpenPart, content: Buffer): string | undefined {
  const bytes = decodeTransfer(content, encoding)
  if (!bytes) return undefined
  if (!type.startsWith('text/')) return bytes.toString('utf8')
  const charset = parameterOf(fields, 'content-type', 'charset') ?? 'utf-8'
  try {
    return new TextDecoder(charset, { ignoreBOM: true }).decode(bytes)
  } catch {
    // A character set that nobody knows: most of them have ASCII in common.
    return bytes.toString('latin1')
  }
}

function decodeTransfer(content: Buffer, encoding: string): Buffer | undefined {
  if (encoding === 'base64') return Buffer.from(content.toString('latin1'), 'base64')
  if (isIdentity(encoding)) return content
  if (encoding !== 'quoted-printable') return undefined
  // RFC 2045 §6.7: blanks at the end of a line are not part of the text.
  const text = content
    .toString('latin1')
    .split('\r\n')
    .map(line => line.trimEnd())
    .join('\r\n')
    .replaceAll('=\r\n', '')
    .replaceAll(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(text, 'latin1')
}
