// A delivery status notification as a message (RFC 3461 §6, RFC 3464, RFC 6522): for people, for programs, and the header
// section of the message that it is about.
import { formatAddress } from '../address/format-address.ts'
import { needsSmtpUtf8 } from '../address/scan-mailbox.ts'
import { decodeEncodedWords, encodeWords } from '../message/encoded-words.ts'
import { formatDate } from '../message/format-date.ts'
import { findFieldValue, parseHeaderFields } from '../message/header-section.ts'
import { isMessageId } from '../message/message-id.ts'
import { replaceControls } from '../runtime/text.ts'
import { formatAsHtml } from './html-part.ts'
import type { ComposedReport, ReportAction, ReportInput } from './report.ts'
import { describeReport } from './report-content.ts'
import { composeStatus } from './status-part.ts'
import { formatAsText } from './text-part.ts'
import { english } from './texts-en.ts'
import { russian } from './texts-ru.ts'

const texts = { en: english, ru: russian } as const
const crlf = '\r\n'
const maxSubjectLength = 200

export function composeReport(input: ReportInput): ComposedReport {
  const fields = parseHeaderFields(input.headerSection)
  const subject = readSubject(findFieldValue(fields, 'subject'))
  const language = texts[input.language]
  const boundary = `postrider-${input.reportId}`
  const original = returnOriginal(input)
  const reference = messageId(findFieldValue(fields, 'message-id'))
  const header = [
    `From: ${formatSender(encodeWords(language.senderName), `<MAILER-DAEMON@${input.hostname}>`)}`,
    `To: <${formatAddress(input.to)}>`,
    `Subject: ${encodeWords(language.subject(leadingAction(input), subject))}`,
    `Date: ${formatDate(input.at)}`,
    `Message-ID: <${input.reportId}@${input.hostname}>`,
    ...(reference === undefined ? [] : [`In-Reply-To: ${reference}`, `References: ${reference}`]),
    // RFC 3834 §5: so that no program answers.
    'Auto-Submitted: auto-replied',
    // RFC 8689 §5: it goes back as the message went.
    ...(input.isTlsOptional ? ['TLS-Required: No'] : []),
    `Content-Language: ${input.language}`,
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status;${crlf} boundary="${boundary}"`,
    ...(original.isEightBit ? ['Content-Transfer-Encoding: 8bit'] : []),
  ]
  const mailData = Buffer.concat([
    Buffer.from(header.join(crlf) + crlf + crlf),
    composePeoplesPart(input, subject, boundary),
    part(boundary, ['Content-Type: message/delivery-status'], Buffer.from(composeStatus(input))),
    part(boundary, original.fields, original.bytes),
    Buffer.from(`${crlf}--${boundary}--${crlf}`),
  ])
  return { mailData, body: original.isEightBit ? '8BITMIME' : '7BIT', smtpUtf8: needsSmtpUtf8(input.to) }
}

/** RFC 6522 §3: the first part may be a multipart; as text and as HTML, which say the same (RFC 2046 §5.1.4). */
function composePeoplesPart(input: ReportInput, subject: string, outer: string): Buffer {
  const language = texts[input.language]
  // RFC 2046 §5.1.1, §5.1.2: it must not begin like the one around it.
  const boundary = `people-${outer}`
  const content = describeReport(input, subject, language)
  const title = language.subject(leadingAction(input), subject)
  const html = formatAsHtml(content, { language: input.language, title })
  return Buffer.concat([
    part(outer, [`Content-Type: multipart/alternative; boundary="${boundary}"`], Buffer.alloc(0)),
    composeText(boundary, 'text/plain', formatAsText(content)),
    composeText(boundary, 'text/html', html),
    Buffer.from(`${crlf}--${boundary}--${crlf}`),
  ])
}

function composeText(boundary: string, type: string, text: string): Buffer {
  const encoded = encodeText(text.replaceAll('\n', crlf))
  return part(boundary, [`Content-Type: ${type}; charset=utf-8`, ...encoded.fields], encoded.bytes)
}

/** What the subject line speaks of: the worst that happened. */
function leadingAction({ recipients }: ReportInput): ReportAction {
  const order: readonly ReportAction[] = ['failed', 'delayed', 'relayed', 'expanded', 'delivered']
  return order.find(action => recipients.some(recipient => recipient.action === action)) ?? 'failed'
}

function readSubject(value: string | undefined): string {
  const text = replaceControls(decodeEncodedWords(value ?? '').toWellFormed(), ' ')
  // By characters: half of one would be shown as a question mark.
  return Array.from(text).slice(0, maxSubjectLength).join('')
}

/** RFC 2047 §2: a line with an encoded word has at most 76 characters. */
function formatSender(name: string, address: string): string {
  const isLong = 'From: '.length + name.length + 1 + address.length > 76
  return `${name}${isLong ? crlf : ''} ${address}`
}

// Somebody else's text goes into a header field of ours only if it can be nothing but a message id.
function messageId(value: string | undefined): string | undefined {
  return value !== undefined && isMessageId(value) ? value : undefined
}

function part(boundary: string, fields: readonly string[], bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${crlf}--${boundary}${crlf}${fields.join(crlf)}${crlf}${crlf}`), bytes])
}

// RFC 5321 §4.5.3.1.6, without the CRLF.
const maxLineLength = 998

/** As it is, for whoever reads the message without a mail program, where 7 bits and the length of a line allow it. */
function encodeText(text: string): { readonly fields: readonly string[]; readonly bytes: Uint8Array } {
  const bytes = Buffer.from(text)
  const isPlain = text.split(crlf).every(line => line.length <= maxLineLength && /^[\t -~]*$/.test(line))
  if (isPlain) return { fields: [], bytes }
  return { fields: ['Content-Transfer-Encoding: base64'], bytes: Buffer.from(toBase64Lines(bytes)) }
}

interface ReturnedOriginal {
  readonly fields: readonly string[]
  readonly bytes: Uint8Array
  readonly isEightBit: boolean
}

function returnOriginal({ message, headerSection }: ReportInput): ReturnedOriginal {
  const hasAsciiHeader = isAscii(headerSection)
  if (hasAsciiHeader && isText(headerSection)) {
    // RFC 6533 §4.2: message/global would make the report itself need SMTPUTF8; the header section tells enough.
    if (message && isText(message)) {
      const isEightBit = !isAscii(message)
      const fields = [
        'Content-Type: message/rfc822',
        ...(isEightBit ? ['Content-Transfer-Encoding: 8bit'] : []),
      ]
      return { fields, bytes: message, isEightBit }
    }
    return { fields: ['Content-Type: text/rfc822-headers'], bytes: headerSection, isEightBit: false }
  }
  // RFC 6533 §4.3: message/global-headers may be encoded; so may text/rfc822-headers that is broken (RFC 6522 §4).
  const type = hasAsciiHeader ? 'text/rfc822-headers' : 'message/global-headers'
  return {
    fields: [`Content-Type: ${type}`, 'Content-Transfer-Encoding: base64'],
    bytes: Buffer.from(toBase64Lines(headerSection)),
    isEightBit: false,
  }
}

// RFC 5321 §2.3.8, §4.5.3.1.6: what only BINARYMIME may bring, and lines that are too long, would not go through the servers
// on the way back.
function isText(bytes: Uint8Array): boolean {
  const octets = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  return (
    !/\0|\r(?!\n)|(?<!\r)\n/.test(octets) && octets.split(crlf).every(line => line.length <= maxLineLength)
  )
}

function isAscii(bytes: Uint8Array): boolean {
  return bytes.every(byte => byte < 0x80)
}

function toBase64Lines(bytes: Uint8Array): string {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  return `${base64.replaceAll(/.{76}(?=.)/g, `$&${crlf}`)}${crlf}`
}
