// FETCH (RFC 9051 §7.5.2), and UIDFETCH for a client that knows UIDs only (RFC 9586 §3.3).

import type { Envelope, Part } from '../../message/structure/structure.ts'
import { formatDateTime } from '../grammar/dates.ts'
import type { Partial, Section } from '../grammar/section.ts'
import { formatBodyStructure } from './body-structure.ts'
import { formatEnvelope } from './envelope.ts'
import type { LiteralForm, Octets, PieceWriter } from './octets.ts'
import { formatAstring, formatNilOrString } from './strings.ts'
import type { ResponseTerms } from './terms.ts'

export type FetchItem =
  | { readonly kind: 'FLAGS'; readonly flags: readonly string[] }
  | { readonly kind: 'UID' | 'MODSEQ' | 'RFC822.SIZE'; readonly value: number }
  /** ms since 1970 */
  | { readonly kind: 'INTERNALDATE'; readonly at: number }
  | { readonly kind: 'SAVEDATE'; readonly at: number | null }
  /** A string: it is formatted already (`formatPlainEnvelope`). */
  | { readonly kind: 'ENVELOPE'; readonly envelope: Envelope | string }
  | { readonly kind: 'BODY' | 'BODYSTRUCTURE'; readonly structure: Part }
  /** null: there is no such part. */
  | {
      readonly kind: 'BODY[]'
      readonly section: Section
      readonly partial: Partial | undefined
      readonly octets: Octets | null
    }
  | {
      readonly kind: 'BINARY[]'
      readonly part: readonly number[]
      readonly partial: Partial | undefined
      readonly octets: Octets | null
      readonly isUndecodable?: boolean | undefined
    }
  | {
      readonly kind: 'BINARY.SIZE[]'
      readonly part: readonly number[]
      readonly size: number
      /** Nobody here knows its transfer encoding (RFC 3516 §4.3). */
      readonly isUndecodable?: boolean | undefined
    }
  | { readonly kind: 'RFC822' | 'RFC822.HEADER' | 'RFC822.TEXT'; readonly octets: Octets }
  | { readonly kind: 'EMAILID'; readonly id: string }
  | { readonly kind: 'THREADID'; readonly id: string | null }
  | { readonly kind: 'PREVIEW'; readonly text: string | null }

/** `number`: the message's, or its UID in a UIDFETCH. */
export function writeFetch(
  writer: PieceWriter,
  number: number,
  items: readonly FetchItem[],
  terms: ResponseTerms,
  name: 'FETCH' | 'UIDFETCH' = 'FETCH',
): void {
  writer.add(`* ${number} ${name} (`)
  let separator = ''
  for (const item of items) {
    writer.add(separator)
    writeItem(writer, item, terms)
    separator = ' '
  }
  writer.add(')\r\n')
}

function writeItem(writer: PieceWriter, item: FetchItem, terms: ResponseTerms): void {
  switch (item.kind) {
    case 'BODY[]':
      writer.add(`BODY[${formatSection(item.section, terms)}]${formatOrigin(item.partial)} `)
      writeOctets(writer, item.octets, 'literal')
      break
    case 'BINARY[]':
      writer.add(`BINARY[${item.part.join('.')}]${formatOrigin(item.partial)} `)
      writeOctets(writer, item.octets, 'literal8')
      break
    case 'RFC822':
    case 'RFC822.HEADER':
    case 'RFC822.TEXT':
      writer.add(`${item.kind} `)
      writeOctets(writer, item.octets, 'literal')
      break
    default:
      writer.add(formatItem(item, terms))
  }
}

function writeOctets(writer: PieceWriter, octets: Octets | null, form: LiteralForm): void {
  if (octets) writer.addLiteral(octets, form)
  else writer.add('NIL')
}

/** What is text alone. */
type TextItem = Exclude<FetchItem, { readonly octets: Octets | null }>

export function formatItem(item: TextItem, terms: ResponseTerms): string {
  switch (item.kind) {
    case 'FLAGS':
      return `FLAGS (${item.flags.join(' ')})`
    case 'MODSEQ':
      return `MODSEQ (${item.value})`
    case 'UID':
    case 'RFC822.SIZE':
      return `${item.kind} ${item.value}`
    case 'INTERNALDATE':
      return `INTERNALDATE "${formatDateTime(item.at)}"`
    case 'SAVEDATE':
      return item.at === null ? 'SAVEDATE NIL' : `SAVEDATE "${formatDateTime(item.at)}"`
    case 'ENVELOPE':
      return `ENVELOPE ${typeof item.envelope === 'string' ? item.envelope : formatEnvelope(item.envelope, terms)}`
    case 'BODY':
    case 'BODYSTRUCTURE':
      return `${item.kind} ${formatBodyStructure(item.structure, item.kind, terms)}`
    case 'BINARY.SIZE[]':
      return `BINARY.SIZE[${item.part.join('.')}] ${item.size}`
    case 'EMAILID':
      return `EMAILID (${item.id})`
    case 'THREADID':
      return item.id === null ? 'THREADID NIL' : `THREADID (${item.id})`
    case 'PREVIEW':
      return `PREVIEW ${formatNilOrString(item.text, terms)}`
    default:
      return item satisfies never
  }
}

/** As the client wrote it, but for the case of its letters: '1.2.HEADER.FIELDS (To Cc)'. */
function formatSection({ part, text }: Section, terms: ResponseTerms): string {
  const words = [...part.map(String), ...(text.kind === 'all' ? [] : [text.kind])].join('.')
  if (!('fields' in text)) return words
  return `${words} (${text.fields.map(field => formatAstring(field, terms)).join(' ')})`
}

/** RFC 9051 §7.5.2: where it begins; how long it is, the literal says. */
function formatOrigin(partial: Partial | undefined): string {
  return partial ? `<${partial.offset}>` : ''
}
