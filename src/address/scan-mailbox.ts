// The grammar of Mailbox, once for everyone (RFC 5321 §4.1.2, RFC 6531 §3.3). A scanner by hand: linear, and it knows
// where the mailbox ends, so that `"a@evil.test x"@own.test` can mean only one thing.

import { isAscii } from '../runtime/text.ts'
import type { Address } from './address.ts'
import { parseAddressLiteral } from './address-literal.ts'
import { parseDomain } from './parse-domain.ts'

export type AddressProblem =
  | 'syntax'
  | 'local-part-syntax'
  /** RFC 5321 §4.5.3.1.1: 64 octets. */
  | 'local-part-too-long'
  | 'missing-domain'
  | 'domain-syntax'
  /** RFC 5321 §4.5.3.1.2: 255 octets. */
  | 'domain-too-long'
  /** RFC 5321 §4.5.3.1.3: 256 octets, with the brackets. */
  | 'path-too-long'
  /** RFC 6531: needs SMTPUTF8. */
  | 'non-ascii'

export interface MailboxScan {
  readonly localPart: string
  /** undefined: there was no '@'. */
  readonly domain: string | undefined
  /** Index of the first character after the mailbox. */
  readonly end: number
}

const maxLocalPartOctets = 64
const maxDomainOctets = 255
const maxMailboxOctets = 254

const quote = 0x22
const backslash = 0x5c
const at = 0x40
const dot = 0x2e

/** RFC 5322 §3.2.3 atext, and whatever is not ASCII and no C1 control (RFC 6532 §3.2). */
function isAtext(code: number): boolean {
  if (code >= 0x80) return code > 0x9f
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x30 && code <= 0x39) ||
    "!#$%&'*+-/=?^_`{|}~".includes(String.fromCharCode(code))
  )
}

/** What a forwarder made of an address and a domain (SRS): longer than any person's, and others send it. */
const rewritten = /^"?SRS[01][=+-]/i

/** Scans a mailbox from `start`; it ends where its grammar does. */
export function scanMailbox(text: string, start: number): MailboxScan | AddressProblem {
  const local = text.charCodeAt(start) === quote ? scanQuoted(text, start) : scanDotAtom(text, start)
  if (typeof local === 'string') return local
  const written = text.slice(start, local.end)
  let octets = Buffer.byteLength(written)
  const maxOctets = rewritten.test(written) ? maxMailboxOctets : maxLocalPartOctets
  if (octets > maxOctets) return 'local-part-too-long'
  const localPart = local.value.normalize('NFC')
  if (octets > written.length) {
    if (!written.isWellFormed()) return 'local-part-syntax'
    // NFC may be longer than what was written, and is what will be sent.
    octets = Buffer.byteLength(formatLocalPart(localPart))
    if (octets > maxOctets) return 'local-part-too-long'
  }
  if (text.charCodeAt(local.end) !== at) return { localPart, domain: undefined, end: local.end }
  const domainStart = local.end + 1
  const end = scanDomainEnd(text, domainStart)
  const raw = text.slice(domainStart, end)
  if (Buffer.byteLength(raw) > maxDomainOctets) return 'domain-too-long'
  const domain = raw.startsWith('[') ? parseAddressLiteral(raw) : parseDomain(raw)
  if (domain === undefined) return 'domain-syntax'
  // A-labels may be longer than what was written, too.
  return octets + 1 + domain.length > maxMailboxOctets ? 'path-too-long' : { localPart, domain, end }
}

interface Scanned {
  readonly value: string
  readonly end: number
}

function scanDotAtom(text: string, start: number): Scanned | AddressProblem {
  let index = start
  let atomStart = start
  for (; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === dot) {
      if (index === atomStart) return 'local-part-syntax'
      atomStart = index + 1
    } else if (!isAtext(code)) break
  }
  return index === atomStart ? 'local-part-syntax' : { value: text.slice(start, index), end: index }
}

// The value is what the quotes and backslashes stand for (RFC 5322 §3.2.4). No controls, so no CR, LF or NUL.
function scanQuoted(text: string, start: number): Scanned | AddressProblem {
  let value = ''
  for (let index = start + 1; index < text.length; index++) {
    let code = text.charCodeAt(index)
    if (code === quote) return value === '' ? 'local-part-syntax' : { value, end: index + 1 }
    if (code === backslash) code = text.charCodeAt(++index)
    if (!(code >= 0x20) || (code >= 0x7f && code <= 0x9f)) return 'local-part-syntax'
    value += text[index]
  }
  return 'local-part-syntax'
}

function scanDomainEnd(text: string, start: number): number {
  if (text[start] === '[') {
    const close = text.indexOf(']', start)
    return close < 0 ? text.length : close + 1
  }
  let index = start
  while (index < text.length && !' \t<>,;"()'.includes(text[index] ?? '')) index++
  return index
}

/** Quoted when it has to be; `scanMailbox` gives it back. */
export function formatLocalPart(localPart: string): string {
  return isDotAtom(localPart) ? localPart : `"${localPart.replaceAll(/["\\]/g, '\\$&')}"`
}

function isDotAtom(localPart: string): boolean {
  const scanned = scanDotAtom(localPart, 0)
  return typeof scanned !== 'string' && scanned.end === localPart.length
}

/** Whether this address can only travel with SMTPUTF8 (RFC 6531 §3.2): a domain never needs it, it has A-labels. */
export function needsSmtpUtf8(address: Address): boolean {
  return !isAscii(address.localPart)
}
