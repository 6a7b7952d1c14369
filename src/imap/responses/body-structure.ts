// BODY and BODYSTRUCTURE (RFC 9051 §7.5.2): the MIME parts of a message, without what is in them.
import type { Parameters, Part } from '../../message/structure/structure.ts'
import { formatEnvelope } from './envelope.ts'
import { formatNilOrString, formatString } from './strings.ts'
import type { ResponseTerms } from './terms.ts'

/** How deep it may be is the matter of whoever reads messages. BODY has no extension data. */
export function formatBodyStructure(
  part: Part,
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
    formatNilOrString(part.id ?? null, terms),
    formatNilOrString(part.description ?? null, terms),
    formatString(part.encoding, terms),
    part.body.end - part.body.start,
  ]
  if (part.kind === 'message')
    fields.push(formatEnvelope(part.envelope, terms), formatBodyStructure(part.message, form, terms))
  if (part.kind === 'message' || part.type === 'text') fields.push(part.lines)
  return `(${fields.join(' ')}${extension})`
}

function formatExtension(part: Part, terms: ResponseTerms): string {
  const fields = [
    part.kind === 'multipart'
      ? formatParameters(part.parameters, terms)
      : formatNilOrString(part.md5 ?? null, terms),
    formatDisposition(part.disposition, terms),
    formatLanguages(part.language ?? [], terms),
    formatNilOrString(part.location ?? null, terms),
  ]
  return fields.join(' ')
}

function formatParameters(parameters: Parameters, terms: ResponseTerms): string {
  if (parameters.length === 0) return 'NIL'
  return `(${parameters
    .flat()
    .map(text => formatString(text, terms))
    .join(' ')})`
}

function formatDisposition(disposition: Part['disposition'], terms: ResponseTerms): string {
  if (!disposition) return 'NIL'
  return `(${formatString(disposition.type, terms)} ${formatParameters(disposition.parameters, terms)})`
}

function formatLanguages(languages: readonly string[], terms: ResponseTerms): string {
  if (languages.length === 0) return 'NIL'
  const texts = languages.map(language => formatString(language, terms))
  return texts.length === 1 ? texts.join('') : `(${texts.join(' ')})`
}
