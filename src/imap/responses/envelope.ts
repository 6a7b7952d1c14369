// ENVELOPE (RFC 9051 §7.5.2): the header section of a message, taken apart.
import type { Envelope, EnvelopeAddress } from '../../message/structure/structure.ts'
import { formatNilOrString } from './strings.ts'
import type { ResponseTerms } from './terms.ts'

export function formatEnvelope(envelope: Envelope, terms: ResponseTerms): string {
  const text = (field: string | undefined): string => formatNilOrString(field ?? null, terms)
  const addresses = (list: readonly EnvelopeAddress[]): string => formatAddresses(list, terms)
  const fields = [
    text(envelope.date),
    text(envelope.subject),
    addresses(envelope.from),
    addresses(envelope.sender),
    addresses(envelope.replyTo),
    addresses(envelope.to),
    addresses(envelope.cc),
    addresses(envelope.bcc),
    text(envelope.inReplyTo),
    text(envelope.messageId),
  ]
  return `(${fields.join(' ')})`
}

/** The same in the terms of every session; undefined: that depends on them, or it has literals. */
export function formatPlainEnvelope(envelope: Envelope): string | undefined {
  const text = formatEnvelope(envelope, { utf8: false })
  return /^[\t\x20-\x7e]*$/.test(text) ? text : undefined
}

function formatAddresses(addresses: readonly EnvelopeAddress[], terms: ResponseTerms): string {
  if (addresses.length === 0) return 'NIL'
  return `(${addresses.map(address => formatAddress(address, terms)).join('')})`
}

// The second is the source route, which RFC 5321 appendix C has done away with. A group begins with its name in the place of the
// mailbox and no host, and ends with neither.
function formatAddress(address: EnvelopeAddress, terms: ResponseTerms): string {
  const text = (part: string | null): string => formatNilOrString(part, terms)
  if ('group' in address) return `(NIL NIL ${text(address.group)} NIL)`
  return `(${text(address.name ?? null)} ${text(address.route ?? null)} ${text(address.localPart)} ${text(address.domain)})`
}
