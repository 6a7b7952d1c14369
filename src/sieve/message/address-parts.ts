// The parts of an address (RFC 5228 §2.7.4, RFC 5233 §2).

import { endOfQuoted, writtenAddresses } from '../../message/written-addresses.ts'
import { numberOf } from '../language/arguments.ts'
import type { Call, CallChecker, TagDefinition } from '../language/definitions.ts'

export const addressTags: Readonly<Record<string, TagDefinition>> = {
  all: { group: 'address part' },
  localpart: { group: 'address part' },
  domain: { group: 'address part' },
  user: { group: 'address part', extension: 'subaddress' },
  detail: { group: 'address part', extension: 'subaddress' },
}

export interface AddressText {
  /** What the local-part stands for, without quotes. */
  readonly localPart: string
  /** undefined: it has none. */
  readonly domain: string | undefined
  readonly all: string
}

/** Of a field that has addresses, or tries to. */
export function readAddresses(value: string): AddressText[] {
  return writtenAddresses(value).map(splitAddress)
}

export function splitAddress(text: string): AddressText {
  const at = text.startsWith('"') ? text.indexOf('@', endOfQuoted(text, 0) - 1) : text.lastIndexOf('@')
  if (at < 0) return { localPart: unquote(text.trim()), domain: undefined, all: text.trim() }
  const localPart = text.slice(0, at).trim()
  const domain = text.slice(at + 1).trim()
  return { localPart: unquote(localPart), domain, all: `${localPart}@${domain}` }
}

function unquote(text: string): string {
  if (!text.startsWith('"') || !text.endsWith('"') || text.length < 2) return text
  return text.slice(1, -1).replaceAll(/\\([^])/g, '$1')
}

/** undefined: an address without this part, which no key matches. */
export function partOf(
  call: Call,
  { localPart, domain, all }: AddressText,
  delimiter: string,
): string | undefined {
  if (call.tags.has('domain')) return domain
  // RFC 5228 §2.7.4: what is no address has no parts.
  const hasParts = domain !== undefined || !asksForPart(call)
  if (!hasParts) return undefined
  if (call.tags.has('localpart')) return localPart
  // RFC 5233 §4: without a delimiter there is a user, and no detail.
  const parting = Array.from(localPart).findIndex(character => delimiter.includes(character))
  if (call.tags.has('user')) return parting < 0 ? localPart : Array.from(localPart).slice(0, parting).join('')
  if (call.tags.has('detail'))
    return parting < 0
      ? undefined
      : Array.from(localPart)
          .slice(parting + 1)
          .join('')
  return all
}

function asksForPart({ tags }: Call): boolean {
  return tags.has('localpart') || tags.has('user') || tags.has('detail')
}

export const indexTags: Readonly<Record<string, TagDefinition>> = {
  index: { value: 'number', extension: 'index' },
  last: { extension: 'index', needs: 'index' },
}

/** RFC 5260 §6: they count from 1. */
export function checkIndex(call: Call, checker: CallChecker): void {
  const index = call.tags.get('index')
  if (index !== undefined && index !== true && index.kind === 'number' && index.value < 1)
    checker.problem(index, ':index counts from 1: the first field is :index 1.')
}

export function indexOf(call: Call): number | undefined {
  return numberOf(call.tags.get('index'))
}
