// Whether a message is a report on DMARC, by its subject (RFC 9990 §3.5.2), which is all that such messages have in common.
import type { MessageIdentity } from './identify-message.ts'

/** Some write other things before it, and some small letters; the subject may be cut off before it ends. */
const pattern = /\breport domain: ?[^ ]{1,255} submitter: ?[^ ]/i

export function looksLikeDmarcReport({ subject = '' }: Pick<MessageIdentity, 'subject'>): boolean {
  return pattern.test(subject.replaceAll(/[ \t]+/g, ' '))
}
