// Carries out what was planned: the second pass, which gives the message in its new form, piece by piece.
import { toAsciiHeader } from './ascii-header.ts'
import { type Entity, type MimeEvents, MimeWalker } from './mime-walker.ts'
import { type ContentChange, type ConversionPlan, changesHeader, type EntityPlan } from './plan-conversion.ts'
import {
  createBase64,
  createBase64Repair,
  createQuotedPrintable,
  type TransferEncoder,
} from './transfer-encoders.ts'

const crlf = '\r\n'
const maxLine = 998
const isLineEnd = /^(?:\r\n?|\n)$/

export class MessageConverter implements MimeEvents {
  readonly #plan: ConversionPlan
  readonly #walker: MimeWalker
  #out: Uint8Array[] = []
  #encoder: TransferEncoder | undefined
  /** Of the line of a preamble or an epilogue that is under way. */
  #column = 0

  /** The plan must have no problem, and the message be the one that it was made for. */
  constructor(plan: ConversionPlan) {
    this.#plan = plan
    this.#walker = new MimeWalker(this)
  }

  take(piece: Uint8Array): readonly Uint8Array[] {
    this.#walker.take(piece)
    return this.#flush()
  }

  finish(): readonly Uint8Array[] {
    this.#walker.finish()
    return this.#flush()
  }

  #flush(): readonly Uint8Array[] {
    const pieces = this.#out
    this.#out = []
    return pieces
  }

  header(section: Buffer, entity: Entity): void {
    const { target, entities } = this.#plan
    const plan = entities.get(entity.index)
    let changed: Buffer = section
    if (changesHeader(section, entity, target)) {
      const ascii = toAsciiHeader(section, target.headers === 'ascii' ? 'encode' : 'keep')
      if (ascii === 'address') throw new Error('a header section that the plan did not foresee')
      changed = ascii
    }
    if (plan) changed = relabel(changed, plan, entity)
    this.#out.push(changed)
    if (entity.kind === 'leaf') this.#encoder = createEncoder(plan?.change ?? 'none')
  }

  content(bytes: Buffer): void {
    if (this.#encoder) this.#pushText(this.#encoder.take(bytes))
    // A copy: the piece may be a part of a buffer that is used again.
    else this.#out.push(Buffer.from(bytes))
  }

  endOfContent(): void {
    if (this.#encoder) this.#pushText(this.#encoder.finish())
    this.#encoder = undefined
  }

  structure(bytes: Buffer): void {
    const { target } = this.#plan
    // Preambles and epilogues are for nobody to read (RFC 2046 §5.1.1).
    let text = bytes.toString('latin1')
    if (target.content === 'seven-bit')
      text = text.replaceAll(/[\0\x80-\xff]|\r(?!\n)|(?<!\r)\n/g, octetInStructure)
    this.#pushText(this.#breakLines(text))
  }

  #breakLines(text: string): string {
    let out = ''
    for (let start = 0; start < text.length; ) {
      const end = text.indexOf('\n', start)
      const line = text.slice(start, end < 0 ? text.length : end + 1)
      for (let rest = line; rest !== ''; ) {
        const room = maxLine - this.#column
        if (rest.length <= room || isLineEnd.test(rest.slice(Math.max(0, room)))) {
          out += rest
          this.#column = rest.endsWith('\n') ? 0 : this.#column + rest.length
          break
        }
        out += rest.slice(0, room) + crlf
        this.#column = 0
        rest = rest.slice(room)
      }
      start += line.length
    }
    return out
  }

  #pushText(text: string): void {
    if (text !== '') this.#out.push(Buffer.from(text, 'latin1'))
  }
}

// A CR at the end of a piece may have its LF in the next.
function octetInStructure(octet: string, offset: number, text: string): string {
  if (octet === '\r' && offset === text.length - 1) return octet
  if (octet === '\n' && offset === 0) return octet
  return '?'
}

function createEncoder(change: ContentChange): TransferEncoder | undefined {
  switch (change) {
    case 'quoted-printable':
      return createQuotedPrintable()
    case 'mend-quoted-printable':
      return createQuotedPrintable('escaped')
    case 'base64':
      return createBase64()
    case 'mend-base64':
      return createBase64Repair()
    case 'none':
    case '7bit':
    case '8bit':
      return undefined
    default:
      return change satisfies never
  }
}

/** The Content-Transfer-Encoding field as it is to be, and what else RFC 2045 §4 and §5 want beside it. */
function relabel(section: Buffer, { change, charset }: EntityPlan, { isMessage, fields }: Entity): Buffer {
  if (change === 'none' || change === 'mend-base64' || change === 'mend-quoted-printable') return section
  const hasVersion = fields.some(({ name }) => name.toLowerCase() === 'mime-version')
  const added = [
    ...(isMessage && !hasVersion ? ['MIME-Version: 1.0'] : []),
    ...(charset ? [`Content-Type: text/plain; charset=${charset}`] : []),
    `Content-Transfer-Encoding: ${change}`,
  ]
  const text = section.toString('latin1')
  const kept = withoutEncodingField(text)
  const end = /(?:^|\n)(\r?\n)$/.exec(kept)?.[1] ?? ''
  const fieldsEnd = kept.length - end.length
  return Buffer.from(
    `${kept.slice(0, fieldsEnd)}${added.join(crlf)}${crlf}${end === '' ? '' : crlf}`,
    'latin1',
  )
}

/** With the lines that go on with it. */
function withoutEncodingField(section: string): string {
  return section.replaceAll(/(?<=^|\n)content-transfer-encoding[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*/gi, '')
}
