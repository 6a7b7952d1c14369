// Domain names: any spelling in, one canonical spelling out (RFC 5321 §4.1.2, RFC 1035 §2.3.4, RFC 5890, UTS 46).
import { domainToASCII, domainToUnicode } from 'node:url'
import { isAscii } from '../runtime/text.ts'

const maxDomainOctets = 253
const maxLabelOctets = 63
const label = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/
const digits = /^[0-9]+$/

/**
 * Lower-case A-labels without a final dot; undefined when the text is no host name: labels of letters, digits and
 * hyphens only (no underscore), and a last label that is no number, so that an address without brackets is none.
 */
export function parseDomain(text: string): string | undefined {
  const known = parsed.get(text)
  if (known !== undefined) return known
  const domain = parseNewDomain(text)
  if (domain !== undefined) {
    if (parsed.size >= maxRemembered) parsed.clear()
    parsed.set(text, domain)
  }
  return domain
}

// The same few domains come all day long.
const parsed = new Map<string, string>()
const maxRemembered = 5000

function parseNewDomain(text: string): string | undefined {
  if (text.length === 0 || text.length > 4 * maxDomainOctets) return undefined
  const ascii = isAscii(text) ? text.toLowerCase() : toAscii(text)
  if (ascii === undefined) return undefined
  const domain = ascii.endsWith('.') ? ascii.slice(0, -1) : ascii
  if (domain.length > maxDomainOctets) return undefined
  const labels = domain.split('.')
  if (digits.test(labels.at(-1) ?? '')) return undefined
  return labels.every(isLabel) ? domain : undefined
}

function isLabel(text: string): boolean {
  if (text.length > maxLabelOctets || !label.test(text)) return false
  if (!text.startsWith('xn--')) return true
  // What looks like an A-label has to be one: it decodes, and there and back it is the same (RFC 5890 §2.3.2.1).
  const decoded = domainToUnicode(text)
  return !/^(?:xn--|$)/.test(decoded) && domainToASCII(decoded) === text
}

// The converter is made for URLs and would decode %41 and 0x7f too; only letters, digits, hyphens and dots may reach it.
const urlSyntax = /[\0-,/:-@[-`{-\x7f]/

function toAscii(text: string): string | undefined {
  if (urlSyntax.test(text)) return undefined
  const ascii = domainToASCII(text.normalize('NFC'))
  return ascii === '' ? undefined : ascii
}

/** U-labels where the domain has any ("xn--e1afmkfd.xn--p1ai" → "пример.рф"); address literals as they are. */
export function formatDomainForPeople(domain: string): string {
  if (!domain.includes('xn--')) return domain
  return domainToUnicode(domain) || domain
}

/** The same for each domain in a sentence: a reply, a reason. What it quotes of a protocol keeps its A-labels. */
export function formatDomainsForPeople(text: string): string {
  if (!/xn--/i.test(text)) return text
  return text.replaceAll(/[a-z0-9.-]+/gi, formatDomainForPeople)
}
