// ENVELOPE (RFC 9051 §7.5.2): the header section of a message, taken apart.
import { formatNilOrString } from './strings.ts'
import type { ResponseTerms } from './terms.ts'

/** In a group the first has its name as `mailbox` and no host, and the last has neither. */
export interface EnvelopeAddress {
  /** The phrase before the address. */
  readonly name: string | null
  readonly mailbox: string | null
  readonly host: string | null
}

/** Fields as they stand in the message; null: there is none. */
export interface Envelope {
  readonly date: string | null
  readonly subject: string | null
  readonly from: readonly EnvelopeAddress[]
  /** Empty: as `from` (§7.5.2); so with `replyTo`. */
  readonly sender: readonly EnvelopeAddress[]
  readonly replyTo: readonly EnvelopeAddress[]
  readonly to: readonly EnvelopeAddress[]
  readonly cc: readonly EnvelopeAddress[]
  readonly bcc: readonly EnvelopeAddress[]
  readonly inReplyTo: string | null
  readonly messageId: string | null
}

export function formatEnvelope(envelope: Envelope, terms: ResponseTerms): string {
  const { from, sender, replyTo } = envelope
  const fields = [
    formatNilOrString(envelope.date, terms),
    formatNilOrString(envelope.subject, terms),
    formatAddresses(from, terms),
    formatAddresses(sender.length > 0 ? sender : from, terms),
    formatAddresses(replyTo.length > 0 ? replyTo : from, terms),
    formatAddresses(envelope.to, terms),
    formatAddresses(envelope.cc, terms),
    formatAddresses(envelope.bcc, terms),
    formatNilOrString(envelope.inReplyTo, terms),
    formatNilOrString(envelope.messageId, terms),
  ]
  return `(${fields.join(' ')})`
}

function formatAddresses(addresses: readonly EnvelopeAddress[], terms: ResponseTerms): string {
  if (addresses.length === 0) return 'NIL'
  return `(${addresses.map(address => formatAddress(address, terms)).join('')})`
}

// The second is the source route, which RFC 5321 appendix C has done away with.
function formatAddress({ name, mailbox, host }: EnvelopeAddress, terms: ResponseTerms): string {
  const [nameText, mailboxText, hostText] = [name, mailbox, host].map(text => formatNilOrString(text, terms))
  return `(${nameText} NIL ${mailboxText} ${hostText})`
}
