// The part of a report that programs read (RFC 3464 §2, RFC 6533 §3). All of it is ASCII.
import { formatAddress } from '../address/format-address.ts'
import { encodeUtf8Address } from '../address/utf8-address.ts'
import { formatDate } from '../message/format-date.ts'
import { isAscii } from '../runtime/text.ts'
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
    const type = originalRecipient.slice(0, semicolon)
    lines.push(`Original-Recipient: ${formatTyped(type, originalRecipient.slice(semicolon + 1))}`)
  }
  lines.push(
    `Final-Recipient: ${formatTyped('rfc822', formatAddress(finalRecipient))}`,
    `Action: ${action}`,
    `Status: ${status}`,
  )
  if (remoteMta !== undefined) lines.push(`Remote-MTA: dns; ${ascii(remoteMta)}`)
  if (reply) {
    const enhanced = reply.enhanced === undefined ? '' : `${reply.enhanced} `
    lines.push(`Diagnostic-Code: smtp; ${fold(ascii(`${reply.code} ${enhanced}${reply.lines.join(' ')}`))}`)
  }
  if (!recipient.isUntried) lines.push(`Last-Attempt-Date: ${formatDate(recipient.at)}`)
  if (recipient.willRetryUntil !== undefined)
    lines.push(`Will-Retry-Until: ${formatDate(recipient.willRetryUntil)}`)
  return lines
}

/** RFC 6533 §3: an address beyond ASCII is of the type utf-8, with \x{…} for each such character. */
function formatTyped(type: string, address: string): string {
  return type === 'utf-8' || !isAscii(address)
    ? `utf-8; ${encodeUtf8Address(address)}`
    : `${type}; ${ascii(address)}`
}

function ascii(text: string): string {
  return text.replaceAll(/[^ -~]/g, '?')
}

const foldAt = 78 - 'Diagnostic-Code: smtp; '.length
const maxLength = 900

// RFC 5322 §2.1.1, §2.2.3: lines of at most 78 characters, broken where a blank stands.
function fold(text: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.slice(0, maxLength).trim().split(/ +/)) {
    if (line !== '' && line.length + 1 + word.length > foldAt) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  lines.push(line)
  return lines.join('\r\n    ')
}
