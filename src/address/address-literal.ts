// Address literals: "[192.0.2.1]" and "[IPv6:2001:db8::1]" (RFC 5321 §4.1.3).
import { isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { parseIpAddress } from './networks.ts'

const ipv6Tag = 'IPv6:'

/** Takes the brackets with it; canonical spelling (RFC 5952), or undefined. General-address-literals are not taken. */
export function parseAddressLiteral(text: string): string | undefined {
  if (!text.startsWith('[') || !text.endsWith(']')) return undefined
  const inner = text.slice(1, -1)
  if (isIPv4(inner)) return `[${inner}]`
  if (inner.slice(0, ipv6Tag.length).toLowerCase() !== ipv6Tag.toLowerCase()) return undefined
  const address = parseIpAddress(inner.slice(ipv6Tag.length))
  return address instanceof ipaddr.IPv6 ? `[${ipv6Tag}${address.toRFC5952String()}]` : undefined
}

/** The literal of an IP address; IPv4-mapped IPv6 addresses as the IPv4 address that they are. */
export function formatAddressLiteral(address: string): string {
  const plain =
    address.toLowerCase().startsWith('::ffff:') && isIPv4(address.slice(7)) ? address.slice(7) : address
  return isIPv4(plain) ? `[${plain}]` : `[${ipv6Tag}${plain}]`
}
