// A delivery status notification as a message (RFC 3461 §6, RFC 3464, RFC 6522): for people, for programs, and the header
// section of the message that it is about.
import { formatAddress } from '../address/format-address.ts'
import { needsSmtpUtf8 } from '../address/scan-mailbox.ts'
import { decodeEncodedWords, encodeWords } from '../message/encoded-words.ts'
import { formatDate } from '../message/format-date.ts'
import { findFieldValue, parseHeaderFields } from '../message/header-section.ts'
import { isMessageId } from '../message/message-id.ts'
import {
  composeAlternatives,
  composePart,
  crlf,
  formatSender,
  maxLineLength,
  toBase64Lines,
} from '../notice/compose-parts.ts'
import { replaceControls } from '../runtime/text.ts'
import type { ComposedReport, ReportAction, ReportInput } from './report.ts'
import { describeReport } from './report-content.ts'
import { composeStatus } from './status-part.ts'
import { reportTexts } from './texts-of.ts'

const maxSubjectLength = 200

export function composeReport(input: ReportInput): ComposedReport {
  const fields = parseHeaderFields(input.headerSection)
  const subject = readSubject(findFieldValue(fields, 'subject'))
  const language = reportTexts[input.language]
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
    composePart(boundary, ['Content-Type: message/delivery-status'], Buffer.from(composeStatus(input))),
    composePart(boundary, original.fields, original.bytes),
    Buffer.from(`${crlf}--${boundary}--${crlf}`),
  ])
  return { mailData, body: original.isEightBit ? '8BITMIME' : '7BIT', smtpUtf8: needsSmtpUtf8(input.to) }
}

/** RFC 6522 §3: the first part may be a multipart. */
function composePeoplesPart(input: ReportInput, subject: string, outer: string): Buffer {
  const language = reportTexts[input.language]
  const { fields, bytes } = composeAlternatives(describeReport(input, subject, language), {
    language: input.language,
    title: language.subject(leadingAction(input), subject),
    // RFC 2046 §5.1.1, §5.1.2: it must not begin like the one around it.
    boundary: `people-${outer}`,
  })
  return composePart(outer, fields, bytes)
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

// Somebody else's text goes into a header field of ours only if it can be nothing but a message id.
function messageId(value: string | undefined): string | undefined {
  return value !== undefined && isMessageId(value) ? value : undefined
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
