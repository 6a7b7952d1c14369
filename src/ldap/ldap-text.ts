// Texts that LDAP reads: filters (RFC 4515) and distinguished names (RFC 4514) in which the settings leave room for an address, and
// what a stranger wrote goes in as a value, never as syntax.
import type { Address } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'

const placeholder = /\{(address|localPart|domain)\}/g

function fill(template: string, address: Address, escape: (text: string) => string): string {
  const values: Readonly<Record<string, string>> = {
    address: formatAddress(address),
    localPart: address.localPart,
    domain: address.domain,
  }
  return template.replaceAll(placeholder, (_, name: string) => escape(values[name] ?? ''))
}

/** '(mail={address})' → '(mail=anna@example.test)' */
export function fillFilter(template: string, address: Address): string {
  return fill(template, address, escapeFilterValue)
}

/** RFC 4515 §3 */
function escapeFilterValue(text: string): string {
  return text.replaceAll(/[\\*()\0]/g, character => `\\${hex(character)}`)
}

/** 'uid={localPart},ou=people,dc=example,dc=test' */
export function fillDn(template: string, address: Address): string {
  return fill(template, address, escapeDnValue)
}

/** RFC 4514 §2.4; more is escaped than has to be. */
function escapeDnValue(text: string): string {
  return text
    .replaceAll(/[\\",#+<>;=\0]/g, character => `\\${hex(character)}`)
    .replace(/^ | $/g, '\\20')
    .replace(/ $/, '\\20')
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(2, '0')
}

export function hasPlaceholder(template: string): boolean {
  return template.includes('{address}') || template.includes('{localPart}')
}

/** Whether the parentheses of a filter match, and there is nothing outside them. */
export function isFilter(text: string): boolean {
  let depth = 0
  for (const [index, character] of Array.from(text).entries()) {
    if (character === '(') depth++
    if (character === ')') depth--
    if (depth < 0 || (depth === 0 && index < Array.from(text).length - 1)) return false
  }
  return depth === 0 && /^\(.*[=].*\)$/s.test(text)
}

/** Whether an entry is at or below another: the names compared as texts, without regard to case and blanks. */
export function isWithin(dn: string, base: string): boolean {
  const own = partsOf(dn)
  const above = partsOf(base)
  if (above.length > own.length) return false
  return above.every((part, index) => part === own[own.length - above.length + index])
}

/** RFC 4514: parts are parted by commas that are not escaped. */
function partsOf(dn: string): readonly string[] {
  const parts = dn.match(/(?:\\.|[^\\,])+/gs) ?? []
  return parts.map(part => part.trim().toLowerCase().replaceAll(/ *= */g, '='))
}
