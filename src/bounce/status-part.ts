// The part of a report that programs read (RFC 3464 §2, RFC 6533 §3). All of it is ASCII.
import type { Address } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'
import { needsSmtpUtf8 } from '../address/scan-mailbox.ts'
import { formatDate } from '../message/format-date.ts'
import type { ReportedRecipient, ReportInput } from './report.ts'

/** Lines end with CRLF. */
export function composeStatus(input: ReportInput): string {
  const message = [
    ...(input.envelopeId === undefined ? [] : [`Original-Envelope-Id: ${ascii(input.envelopeId)}`]),
    `Reporting-MTA: dns; ${input.hostname}`,
    `Arrival-Date: ${formatDate(input.arrivedAt)}`,
    `X-Postrider-Queue-Id: ${input.queueId}`,
  ]
  return [message, ...input.recipients.map(composeRecipient)]
    .map(group => `${group.join('\r\n')}\r\n`)
    .join('\r\n')
}

function composeRecipient(recipient: ReportedRecipient): string[] {
  const { originalRecipient, finalRecipient, action, status, remoteMta, reply } = recipient
  const lines: string[] = []
  if (originalRecipient !== undefined) {
    const semicolon = originalRecipient.indexOf(';')
    lines.push(
      `Original-Recipient: ${originalRecipient.slice(0, semicolon)}; ${ascii(originalRecipient.slice(semicolon + 1))}`,
    )
  }
  lines.push(
    `Final-Recipient: ${formatTypedAddress(finalRecipient)}`,
    `Action: ${action}`,
    `Status: ${status}`,
  )
  if (remoteMta !== undefined) lines.push(`Remote-MTA: dns; ${ascii(remoteMta)}`)
  if (reply) {
    const enhanced = reply.enhanced === undefined ? '' : `${reply.enhanced} `
    lines.push(`Diagnostic-Code: smtp; ${fold(ascii(`${reply.code} ${enhanced}${reply.lines.join(' ')}`))}`)
  }
  lines.push(`Last-Attempt-Date: ${formatDate(recipient.lastAttemptAt)}`)
  if (recipient.willRetryUntil !== undefined)
    lines.push(`Will-Retry-Until: ${formatDate(recipient.willRetryUntil)}`)
  return lines
}

/** RFC 6533 §3: an address beyond ASCII stands as utf-8 with \x{…} for each such character. */
function formatTypedAddress(address: Address): string {
  const text = formatAddress(address)
  if (!needsSmtpUtf8(address)) return `rfc822; ${text}`
  const encoded = Array.from(text, character =>
    /[!-~]/.test(character) && character !== '\\'
      ? character
      : `\\x{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`,
  )
  return `utf-8; ${encoded.join('')}`
}

function ascii(text: string): string {
  return text.replaceAll(/[^ -~]/g, '?')
}

const foldAt = 60
const maxLength = 900

// RFC 5322 §2.1.1, §2.2.3: lines of at most 78 characters, broken where a blank stands.
function fold(text: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.slice(0, maxLength).split(' ')) {
    if (line !== '' && line.length + 1 + word.length > foldAt) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  lines.push(line)
  return lines.join('\r\n    ')
}
