// Trace fields: Received, Return-Path (RFC 5321 §4.4) and Delivered-To (RFC 9228).
import { isIP } from 'node:net'
import type { Address, ReversePath } from '../address/address.ts'
import { formatAddressLiteral } from '../address/address-literal.ts'
import { formatAddress, formatReversePath } from '../address/format-address.ts'
import { encodeUtf8Address } from '../address/utf8-address.ts'
import { isAscii } from '../runtime/text.ts'
import { formatDate } from './format-date.ts'

export interface ReceivedFacts {
  readonly heloName: string | undefined
  /** What is no IP address is a socket on this machine. */
  readonly remoteAddress: string
  readonly protocol: 'SMTP' | 'LMTP'
  readonly hostname: string
  readonly extended: boolean
  readonly tls?: { readonly protocol: string; readonly cipher: string } | undefined
  readonly authenticated: boolean
  readonly smtpUtf8: boolean
  readonly queueId: string
  /** Named only when it is the only one: a recipient must not learn of the others (RFC 5321 §7.2). */
  readonly onlyRecipient: Address | undefined
  /** MT-PRIORITY (RFC 6710). */
  readonly priority?: number | undefined
  /** ms since 1970. */
  readonly at: number
}

/** With its final CRLF. */
export function composeReceived(facts: ReceivedFacts): string {
  const { remoteAddress } = facts
  const peer = isIP(remoteAddress) === 0 ? 'local' : formatAddressLiteral(remoteAddress)
  const from = `${atomText(facts.heloName ?? 'unknown')} (${peer})`
  const tls = facts.tls ? `\r\n\t(${commentText(facts.tls.protocol)} ${commentText(facts.tls.cipher)})` : ''
  const recipient = facts.onlyRecipient ? `\r\n\tfor <${formatAddress(facts.onlyRecipient)}>` : ''
  const priority = facts.priority === undefined ? '' : `\r\n\tPRIORITY ${facts.priority}`
  return (
    `Received: from ${from}\r\n\tby ${facts.hostname} (Postrider) with ${protocolName(facts)} id ${facts.queueId}` +
    `${tls}${recipient}${priority};\r\n\t${formatDate(facts.at)}\r\n`
  )
}

/** RFC 3848, RFC 6531 §4.3: what the connection was like, as one word. */
function protocolName({ protocol, extended, tls, authenticated, smtpUtf8 }: ReceivedFacts): string {
  if (!extended) return 'SMTP'
  const name = smtpUtf8 ? `UTF8${protocol}` : protocol === 'LMTP' ? 'LMTP' : 'ESMTP'
  return `${name}${tls ? 'S' : ''}${authenticated ? 'A' : ''}`
}

// Whatever a peer called itself must neither end the comment or the field nor start another one.
function atomText(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9.:_[\]-]/g, '?').slice(0, 255)
}

function commentText(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9._-]/g, '?')
}

/** With its final CRLF. Put before the message at final delivery only. */
export function composeReturnPath(reversePath: ReversePath): string {
  return `Return-Path: <${formatReversePath(reversePath)}>\r\n`
}

/** A field for each, the last first, with their final CRLFs. */
export function composeDeliveredTo(...addresses: readonly Address[]): string {
  return composeFields(addresses.map(formatAddress))
}

/** The same for other servers: what is not ASCII as utf-8-addr-xtext (RFC 6533 §3), so that they need not take UTF-8. */
export function composeAsciiDeliveredTo(...addresses: readonly Address[]): string {
  return composeFields(
    addresses
      .map(formatAddress)
      .map(text => (isAscii(text) && !text.includes('\\x{') ? text : encodeUtf8Address(text))),
  )
}

function composeFields(values: readonly string[]): string {
  return values.reduce((fields, value) => `Delivered-To: ${value}\r\n${fields}`, '')
}
