// BODY and BODYSTRUCTURE (RFC 9051 §7.5.2): the MIME parts of a message, without what is in them.
import { type Envelope, formatEnvelope } from './envelope.ts'
import { formatNilOrString, formatString } from './strings.ts'
import type { ResponseTerms } from './terms.ts'

export interface Disposition {
  /** 'attachment' */
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
}

/** Extension data: all that BODY leaves out. */
interface PartExtension {
  readonly disposition: Disposition | null
  readonly languages: readonly string[]
  readonly location: string | null
}

interface SinglePart extends PartExtension {
  /** 'image' */
  readonly type: string
  readonly subtype: string
  readonly parameters: ReadonlyMap<string, string>
  readonly id: string | null
  readonly description: string | null
  /** Content-Transfer-Encoding: '7bit' where there is none. */
  readonly encoding: string
  /** Octets, as encoded. */
  readonly size: number
  readonly md5: string | null
}

export interface BasicPart extends SinglePart {
  readonly kind: 'basic'
}

export interface TextPart extends SinglePart {
  readonly kind: 'text'
  readonly lines: number
}

/** message/rfc822 and message/global. */
export interface MessagePart extends SinglePart {
  readonly kind: 'message'
  readonly envelope: Envelope
  readonly body: BodyStructure
  readonly lines: number
}

export interface Multipart extends PartExtension {
  readonly kind: 'multipart'
  readonly subtype: string
  readonly parameters: ReadonlyMap<string, string>
  /** At least one (§7.5.2): whoever reads a multipart without parts makes an empty text of it. */
  readonly parts: readonly BodyStructure[]
}

/** How deep it may be is the matter of whoever reads messages. */
export type BodyStructure = BasicPart | TextPart | MessagePart | Multipart

export function formatBodyStructure(
  part: BodyStructure,
  form: 'BODY' | 'BODYSTRUCTURE',
  terms: ResponseTerms,
): string {
  const extension = form === 'BODY' ? '' : ` ${formatExtension(part, terms)}`
  if (part.kind === 'multipart') {
    const parts = part.parts.map(each => formatBodyStructure(each, form, terms)).join('')
    return `(${parts} ${formatString(part.subtype, terms)}${extension})`
  }
  const fields = [
    formatString(part.type, terms),
    formatString(part.subtype, terms),
    formatParameters(part.parameters, terms),
    formatNilOrString(part.id, terms),
    formatNilOrString(part.description, terms),
    formatString(part.encoding, terms),
    part.size,
  ]
  if (part.kind === 'message')
    fields.push(formatEnvelope(part.envelope, terms), formatBodyStructure(part.body, form, terms))
  if (part.kind !== 'basic') fields.push(part.lines)
  return `(${fields.join(' ')}${extension})`
}

function formatExtension(part: BodyStructure, terms: ResponseTerms): string {
  const fields = [
    part.kind === 'multipart' ? formatParameters(part.parameters, terms) : formatNilOrString(part.md5, terms),
    formatDisposition(part.disposition, terms),
    formatLanguages(part.languages, terms),
    formatNilOrString(part.location, terms),
  ]
  return fields.join(' ')
}

function formatParameters(parameters: ReadonlyMap<string, string>, terms: ResponseTerms): string {
  if (parameters.size === 0) return 'NIL'
  return `(${[...parameters]
    .flat()
    .map(text => formatString(text, terms))
    .join(' ')})`
}

function formatDisposition(disposition: Disposition | null, terms: ResponseTerms): string {
  if (!disposition) return 'NIL'
  return `(${formatString(disposition.type, terms)} ${formatParameters(disposition.parameters, terms)})`
}

function formatLanguages(languages: readonly string[], terms: ResponseTerms): string {
  if (languages.length === 0) return 'NIL'
  const texts = languages.map(language => formatString(language, terms))
  return texts.length === 1 ? texts.join('') : `(${texts.join(' ')})`
}
