// One address, as somebody writes it into a script (RFC 5228 §2.4.2.3): alone, or with a name before it.
import type { Address } from '../../address/address.ts'
import { parseAddress } from '../../address/parse-address.ts'
import { writtenAddresses } from '../../message/written-addresses.ts'
import { splitAddress } from './address-parts.ts'

const maxLength = 1000

/** 'anna@example.org', 'Anna <anna@example.org>'; blanks around the @ and the brackets say nothing. */
export function readOneAddress(text: string): Address | undefined {
  if (text.length > maxLength || /[\0-\x08\x0a-\x1f\x7f]/.test(text)) return undefined
  const [written, ...more] = writtenAddresses(text)
  return written === undefined || more.length > 0 ? undefined : readAddress(written)
}

/** All of them, or undefined where one is none. */
export function readAddressList(text: string): readonly Address[] | undefined {
  if (text.length > maxLength || /[\0-\x08\x0a-\x1f\x7f]/.test(text)) return undefined
  const addresses = writtenAddresses(text).map(readAddress)
  const valid = addresses.flatMap(address => address ?? [])
  return valid.length > 0 && valid.length === addresses.length ? valid : undefined
}

function readAddress(written: string): Address | undefined {
  const { all, domain } = splitAddress(written)
  return domain === undefined ? undefined : parseAddress(all)
}
