// The envelope of a message: what a list of messages shows (RFC 9051 §7.5.2).
import { findFieldValue, type HeaderField } from '../header-section.ts'
import { parseEnvelopeAddresses } from './envelope-addresses.ts'
import type { Envelope, EnvelopeAddress } from './structure.ts'

export function readEnvelope(fields: readonly HeaderField[]): Envelope {
  const text = (name: string): string | undefined => findFieldValue(fields, name)
  const addresses = (name: string): readonly EnvelopeAddress[] => {
    // Several fields of one name are against RFC 5322; all that they name is told.
    const values = fields.filter(field => field.name.toLowerCase() === name).map(({ value }) => value)
    return values.length === 0 ? [] : parseEnvelopeAddresses(values.join(','))
  }
  const from = addresses('from')
  const orFrom = (found: readonly EnvelopeAddress[]): readonly EnvelopeAddress[] =>
    found.length === 0 ? from : found
  return {
    date: text('date'),
    subject: text('subject'),
    from,
    // What is missing or empty is told as the author.
    sender: orFrom(addresses('sender')),
    replyTo: orFrom(addresses('reply-to')),
    to: addresses('to'),
    cc: addresses('cc'),
    bcc: addresses('bcc'),
    inReplyTo: text('in-reply-to'),
    messageId: text('message-id'),
  }
}
