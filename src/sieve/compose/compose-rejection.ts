// What `reject` sends where no reply could say it (RFC 5429 §2.2.1): a disposition notification (RFC 8098).
import type { Address } from '../../address/address.ts'
import { formatAddress } from '../../address/format-address.ts'
import { decodeEncodedWords } from '../../message/encoded-words.ts'
import { findFieldValue, parseHeaderFields } from '../../message/header-section.ts'
import { isMessageId } from '../../message/message-id.ts'
import { composePart, crlf, toBase64Lines } from '../../notice/compose-parts.ts'
import { oneLine, shorten } from '../message/clean-text.ts'
import type { Reject } from '../outcome.ts'
import { composeText } from './compose-reply.ts'
import { type ComposedMail, type ComposeOptions, composeMail } from './composed-mail.ts'

export interface RejectionOptions extends ComposeOptions {
  readonly hostname: string
  readonly language: 'en' | 'ru'
  /** The sender by the envelope; to the null reverse-path nothing is sent. */
  readonly to: Address
  /** Whose script it was. */
  readonly recipient: Address
  /** Of the message as it came: no edit of a script shows in it (RFC 5293 §7). */
  readonly headerSection: Uint8Array
}

interface RejectionTexts {
  readonly subject: (of: string) => string
  readonly opening: (recipient: string) => string
  readonly reason: string
}

const texts: Readonly<Record<RejectionOptions['language'], RejectionTexts>> = {
  en: {
    subject: of => `Refused: ${of}`,
    opening: recipient => `Your message to ${recipient} was refused by a rule of the recipient's.`,
    reason: 'The reason given is:',
  },
  ru: {
    subject: of => `Отклонено: ${of}`,
    opening: recipient => `Ваше письмо для ${recipient} отклонено правилом получателя.`,
    reason: 'Указанная причина:',
  },
}

const maxSubjectLength = 200

export function composeRejection({ text }: Reject, options: RejectionOptions): ComposedMail {
  const { to, recipient, hostname, language, headerSection } = options
  const fields = parseHeaderFields(headerSection)
  const original = findFieldValue(fields, 'message-id')
  const messageId = original !== undefined && isMessageId(original) ? original : undefined
  const subject = oneLine(decodeEncodedWords(findFieldValue(fields, 'subject') ?? ''))
  const words = texts[language]
  const boundary = `rejected-${options.messageId.replaceAll(/[^\w.-]/g, '-')}`.slice(0, 60)
  const address = formatAddress(recipient)
  const people = composeText(`${words.opening(address)}${crlf}${words.reason}${crlf}${crlf}${text}`)
  return composeMail({
    ...options,
    reversePath: null,
    recipients: [to],
    from: `<${address}>`,
    to: [to],
    subject: words.subject(shorten(subject, maxSubjectLength)),
    autoSubmitted: 'auto-replied (rejected)',
    inReplyTo: messageId,
    references: messageId === undefined ? [] : [messageId],
    fields: [
      `Content-Type: multipart/report; report-type=disposition-notification;${crlf} boundary="${boundary}"`,
    ],
    content: Buffer.concat([
      composePart(boundary, people.fields, people.bytes),
      composePart(
        boundary,
        ['Content-Type: message/disposition-notification'],
        Buffer.from(composeDisposition(hostname, address, messageId)),
      ),
      composeOriginal(boundary, headerSection),
      Buffer.from(`${crlf}--${boundary}--${crlf}`),
    ]),
  })
}

/** RFC 8098 §3.2; RFC 5429 §2.2.1: deleted, by a program, without asking anybody. */
function composeDisposition(hostname: string, recipient: string, messageId: string | undefined): string {
  const lines = [
    `Reporting-UA: ${hostname}; Postrider`,
    `Final-Recipient: rfc822;${recipient}`,
    ...(messageId === undefined ? [] : [`Original-Message-ID: ${messageId}`]),
    'Disposition: automatic-action/MDN-sent-automatically; deleted',
  ]
  return lines.join(crlf) + crlf
}

function composeOriginal(boundary: string, headerSection: Uint8Array): Buffer {
  const isPlain = headerSection.every(
    byte => byte === 0x09 || byte === 0x0a || byte === 0x0d || (byte >= 0x20 && byte < 0x7f),
  )
  const type = 'Content-Type: text/rfc822-headers'
  if (isPlain) return composePart(boundary, [type], headerSection)
  return composePart(
    boundary,
    [type, 'Content-Transfer-Encoding: base64'],
    Buffer.from(toBase64Lines(headerSection)),
  )
}
