// Mail that a script has asked for, composed: what all kinds of it have in common (RFC 5322, RFC 3834 §3.1).
import type { Address, ReversePath } from '../../address/address.ts'
import { formatAddress } from '../../address/format-address.ts'
import { needsSmtpUtf8 } from '../../address/scan-mailbox.ts'
import { encodeWords } from '../../message/encoded-words.ts'
import { formatDate } from '../../message/format-date.ts'
import { crlf, formatSender } from '../../notice/compose-parts.ts'
import { replaceControls } from '../../runtime/text.ts'
import { readAddressList } from '../message/one-address.ts'

export interface ComposedMail {
  readonly mailData: Buffer
  readonly reversePath: ReversePath
  readonly recipients: readonly Address[]
  readonly body: '7BIT' | '8BITMIME'
  readonly smtpUtf8: boolean
}

export interface ComposeOptions {
  /** Unique, without brackets: 'abc@mail.example.test'. */
  readonly messageId: string
  /** Since 1970. */
  readonly at: number
}

export interface MailParts extends ComposeOptions {
  readonly reversePath: ReversePath
  readonly recipients: readonly Address[]
  /** A mailbox list, as somebody wrote it. */
  readonly from: string
  readonly to: readonly Address[]
  readonly cc?: readonly Address[]
  readonly subject: string
  /** RFC 3834 §5, with its parameters. */
  readonly autoSubmitted: string
  readonly inReplyTo?: string | undefined
  readonly references?: readonly string[]
  /** More fields, those of the content among them: 'Content-Type: text/plain'. */
  readonly fields: readonly string[]
  readonly content: Uint8Array
}

export function composeMail(parts: MailParts): ComposedMail {
  const { references = [], cc = [] } = parts
  const header = [
    `From: ${formatFrom(parts.from)}`,
    ...(parts.to.length === 0 ? [] : [`To: ${formatAddresses(parts.to)}`]),
    ...(cc.length === 0 ? [] : [`Cc: ${formatAddresses(cc)}`]),
    `Subject: ${encodeWords(parts.subject)}`,
    `Date: ${formatDate(parts.at)}`,
    `Message-ID: <${parts.messageId}>`,
    ...(parts.inReplyTo === undefined ? [] : [`In-Reply-To: ${parts.inReplyTo}`]),
    ...(references.length === 0 ? [] : [`References: ${references.join(`${crlf} `)}`]),
    `Auto-Submitted: ${parts.autoSubmitted}`,
    'MIME-Version: 1.0',
    ...parts.fields,
  ]
  const mailData = Buffer.concat([Buffer.from(header.join(crlf) + crlf + crlf), parts.content])
  return {
    mailData,
    reversePath: parts.reversePath,
    recipients: parts.recipients,
    body: mailData.every(byte => byte < 0x80) ? '7BIT' : '8BITMIME',
    smtpUtf8: [...parts.recipients, ...parts.to, ...cc, ...(readAddressList(parts.from) ?? [])].some(
      needsSmtpUtf8,
    ),
  }
}

function formatAddresses(addresses: readonly Address[]): string {
  return addresses.map(address => `<${formatAddress(address)}>`).join(`,${crlf} `)
}

/** As it was written, where it is one address, or ASCII; of several others the addresses alone. */
function formatFrom(written: string): string {
  const text = replaceControls(written, ' ').trim()
  const addresses = readAddressList(text) ?? []
  const [first, ...more] = addresses
  if (!first) return text
  if (/^[ -~]*$/.test(text) && text.length < 900) return text
  if (more.length > 0) return formatAddresses(addresses)
  const name = text
    .slice(0, Math.max(text.lastIndexOf('<'), 0))
    .trim()
    .replaceAll('"', '')
    .trim()
  const address = `<${formatAddress(first)}>`
  return name === '' ? address : formatSender(encodeWords(name), address)
}
