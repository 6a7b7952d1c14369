// Texts of the settings file that have a form: host names, addresses, networks, DNS servers. Each `problemOf…` says
// what is wrong and what to write instead, or `undefined` when the text is right.
import { isIP, isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { addressKey } from '../address/address-key.ts'
import { parseAddressLiteral } from '../address/address-literal.ts'
import { parseAddress } from '../address/parse-address.ts'
import { parseDomain } from '../address/parse-domain.ts'
import { providers } from '../delivery/replies/providers.ts'
import { hasPlaceholder, isFilter } from '../ldap/ldap-text.ts'
import { problemOfProviderUrl } from '../openid/provider-keys.ts'
import { canonicalFingerprint } from '../policy/certificate-names.ts'
import { parseLmtpStore } from '../routing/destination.ts'
import { nearestName } from '../runtime/nearest-name.ts'
import { parseScannerEndpoint } from '../scanner/exchange.ts'
import { parseServerAddress } from '../storage/postgres/server-address.ts'

/** Lower-case A-labels; `undefined` when the text is no host name with at least two labels. */
export function canonicalHostname(text: string): string | undefined {
  const domain = parseDomain(text)
  return domain?.includes('.') ? domain : undefined
}

export function problemOfHostname(text: string): string | undefined {
  if (canonicalHostname(text) !== undefined) return undefined
  if (isIP(text) !== 0)
    return `"${text}" is an address, not a name. Write the name that points to it, such as "mail.example.com".`
  if (!text.includes('.'))
    return `"${text}" is not a full host name. Write it with its domain, such as "mail.example.com".`
  return `"${text}" is not a host name. Write one such as "mail.example.com": letters, digits, hyphens and dots.`
}

/** '*.example.com' too; lower-case A-labels. */
export function canonicalCertificateName(text: string): string | undefined {
  const name = canonicalHostname(text.startsWith('*.') ? text.slice(2) : text)
  return name === undefined ? undefined : `${text.startsWith('*.') ? '*.' : ''}${name}`
}

export function problemOfCertificateName(text: string): string | undefined {
  return text.startsWith('*.') && canonicalCertificateName(text) !== undefined
    ? undefined
    : problemOfHostname(text)
}

export function problemOfDirectory(text: string): string | undefined {
  return URL.canParse(text) && ['https:', 'http:'].includes(new URL(text).protocol)
    ? undefined
    : `"${text}" is not the address of a directory. Write one such as "https://acme-v02.api.letsencrypt.org/directory".`
}

export function problemOfIssuer(text: string): string | undefined {
  const example = 'Write what the provider calls its issuer, such as "https://sso.example.com/realms/main".'
  const problem = problemOfProviderUrl(text)
  if (problem === 'not-secret')
    return `"${text}" would be asked for its keys without TLS, so anybody on the way could say who your users are. ${example}`
  return problem === undefined && URL.parse(text)?.search === ''
    ? undefined
    : `"${text}" is no address of an OpenID provider. ${example}`
}

export function problemOfLdapUrl(text: string): string | undefined {
  const url = URL.parse(text)
  const isServer =
    url !== null &&
    ['ldap:', 'ldaps:'].includes(url.protocol) &&
    url.hostname !== '' &&
    ['', '/'].includes(url.pathname) &&
    url.username + url.search + url.hash === ''
  return isServer
    ? undefined
    : `"${text}" is no LDAP server. Write one such as "ldaps://ldap.example.com" or "ldap://192.0.2.10:3890", and what belongs behind it into base and filter.`
}

export function problemOfFingerprint(text: string): string | undefined {
  return canonicalFingerprint(text) === undefined
    ? `"${text}" is no SHA-256 of a certificate, which has 64 hexadecimal digits. "openssl x509 -noout -fingerprint -sha256 -in certificate.pem" shows it.`
    : undefined
}

export function problemOfBindPassword(text: string): string | undefined {
  return text === ''
    ? 'An empty password proves nobody (RFC 4513 §5.1.2). Write the password of bindDn, or remove both.'
    : undefined
}

export function problemOfDn(text: string): string | undefined {
  return /^[A-Za-z0-9.-]+ *=/.test(text) && !text.includes('{')
    ? undefined
    : `"${text}" is no name of an entry (DN). Write one such as "ou=people,dc=example,dc=com".`
}

export function problemOfUserDn(text: string): string | undefined {
  return /^[A-Za-z0-9.-]+ *=/.test(text) && hasPlaceholder(text)
    ? undefined
    : `"${text}" does not make the name of an entry from an address. Write one such as "uid={localPart},ou=people,dc=example,dc=com".`
}

export function problemOfFilter(text: string): string | undefined {
  if (!isFilter(text))
    return `"${text}" is no filter of LDAP (RFC 4515). Write one such as "(&(objectClass=person)(mail={address}))".`
  return hasPlaceholder(text)
    ? undefined
    : `"${text}" finds the same entries whatever the address is. Put {address} or {localPart} where it belongs, such as "(mail={address})".`
}

export function problemOfAttribute(text: string): string | undefined {
  return /^[A-Za-z][A-Za-z0-9-]*$/.test(text)
    ? undefined
    : `"${text}" is no attribute of LDAP. Write one such as "mail".`
}

export function problemOfDomain(text: string): string | undefined {
  return parseDomain(text) === undefined
    ? `"${text}" is no domain. Write it as in an address behind the @: "example.org".`
    : undefined
}

export function problemOfHost(text: string): string | undefined {
  return isIP(text) !== 0 ? undefined : problemOfHostname(text)
}

export function problemOfAddress(text: string): string | undefined {
  if (isIP(text) !== 0) return undefined
  return (
    `"${text}" is not an IP address. Write "::" for every address of this machine, "0.0.0.0" for every IPv4 address, ` +
    'or one address of it such as "192.0.2.1".'
  )
}

export function problemOfSourceAddress(text: string): string | undefined {
  const example = 'Write one address of this machine, such as "192.0.2.10" or "2001:db8::10".'
  if (isIP(text) === 0 || text.includes('%')) return `"${text}" is not an IP address. ${example}`
  const range = ipaddr.parse(text).range()
  return range === 'unspecified' || range === 'multicast' || range === 'broadcast' || range === 'ipv4Mapped'
    ? `No connection can come from "${text}". ${example}`
    : undefined
}

export function problemOfPoolName(text: string): string | undefined {
  return /^[A-Za-z0-9][A-Za-z0-9-]{0,39}$/.test(text)
    ? undefined
    : `"${text}" is no name for a pool. Write up to 40 letters, digits and hyphens, such as "newsletter".`
}

/** '192.0.2.1' → '192.0.2.1/32'; a network stays as it is. */
export function canonicalNetwork(text: string): string {
  return text.includes('/') ? text : `${text}/${isIPv6(text) ? 128 : 32}`
}

export function problemOfNetwork(text: string): string | undefined {
  const example = 'Write a network such as "192.0.2.0/24" or "2001:db8::/32", or one address.'
  const [address = '', prefix, ...rest] = text.split('/')
  if (isIP(address) === 0 || address.includes('%') || rest.length > 0)
    return `"${text}" is not a network. ${example}`
  if (prefix === undefined) return undefined
  const bits = isIPv4(address) ? 32 : 128
  const length = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN
  if (!(length <= bits))
    return `"${text}" has "${prefix}" after the slash, where a number from 0 to ${bits} belongs. ${example}`
  // A prefix that leaves host bits set is mostly a typing mistake, and it decides who may relay.
  const network = isIPv4(address)
    ? ipaddr.IPv4.networkAddressFromCIDR(`${address}/${length}`).toString()
    : ipaddr.IPv6.networkAddressFromCIDR(`${address}/${length}`).toString()
  if (network === ipaddr.parse(address).toString()) return undefined
  return `"${text}" is an address inside a network. Write "${network}/${length}" for the network, or "${address}" for the address alone.`
}

export interface DnsServerAddress {
  readonly address: string
  readonly port: number
}

/** '192.0.2.53', '192.0.2.53:5353', '2001:db8::53', '[2001:db8::53]:5353' */
export function parseDnsServer(text: string): DnsServerAddress | undefined {
  if (isIP(text) !== 0) return { address: text, port: 53 }
  const colon = text.lastIndexOf(':')
  const host = text.slice(0, Math.max(colon, 0))
  const digits = text.slice(colon + 1)
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0
  if (port < 1 || port > 65_535) return undefined
  if (host.startsWith('[') && host.endsWith(']') && isIPv6(host.slice(1, -1)))
    return { address: host.slice(1, -1), port }
  return isIPv4(host) ? { address: host, port } : undefined
}

export function problemOfDnsServer(text: string): string | undefined {
  if (parseDnsServer(text)) return undefined
  return `"${text}" is not the address of a DNS server. Write an address, with its port if that is not 53: "192.0.2.53", "192.0.2.53:5353", "[2001:db8::53]:5353".`
}

/** sun_path has 108 bytes with its NUL; the system would cut a longer one. */
const maxSocketPathBytes = 107

export function problemOfSocketPath(text: string): string | undefined {
  if (text === '' || text.includes('\0')) return 'That is no path. Write for example "/run/postrider/lmtp".'
  const length = Buffer.byteLength(text)
  return length > maxSocketPathBytes
    ? `The path of a UNIX socket has at most ${maxSocketPathBytes} bytes, and this one has ${length}. Take a shorter one, such as "/run/postrider/lmtp".`
    : undefined
}

export function problemOfLmtpStore(text: string): string | undefined {
  const how =
    'Write "unix:/run/dovecot/lmtp" for a UNIX socket, or a host with its port such as "dovecot.example.com:24".'
  const store = parseLmtpStore(text)
  if (!store) return `"${text}" is no LMTP server. ${how}`
  if (store.kind === 'socket') return problemOfSocketPath(store.path)
  if (store.port < 1 || store.port > 65_535) return `"${text}" has no port from 1 to 65535. ${how}`
  return problemOfHost(store.host)
}

export function problemOfMode(text: string): string | undefined {
  return /^0?[0-7]{3}$/.test(text)
    ? undefined
    : `"${text}" is no mode. Write three digits from 0 to 7, as chmod takes them: "0660".`
}

/** Of those who need no password: a network, and not the world. */
export function problemOfClients(text: string): string | undefined {
  const problem = problemOfNetwork(text)
  if (problem !== undefined) return problem
  return text.endsWith('/0')
    ? `"${text}" is everybody, and LMTP knows no passwords. Name the addresses of your servers, such as "10.0.0.7".`
    : undefined
}

export function problemOfStorage(text: string): string | undefined {
  if (text === 'sqlite' || parseServerAddress(text)) return undefined
  // Without the text itself: it may hold a password.
  return 'Write "sqlite", or the address of a database, such as "postgres://user:password@db.example.com:5432/postrider". What is special in an address (@ : / ? # %) is written %40 %3A %2F %3F %23 %25 in a user name or password.'
}

/** '*', 'xn--e1afmkfd.xn--p1ai', 'news@example.com'; undefined: it is neither of these. */
export function canonicalSender(text: string): string | undefined {
  if (text === '*') return text
  const address = parseAddress(text)
  // A word without a dot is the first half of an address, or a name that nobody is known by here.
  return address ? addressKey(address) : canonicalHostname(text)
}

/** 'gmail', 'xn--e1afmkfd.xn--p1ai', '[192.0.2.1]', '.mail.example.com'; undefined: it is none of these. */
export function canonicalReceiver(text: string): string | undefined {
  const name = text.toLowerCase()
  if (providerKeys.includes(name)) return name
  if (!text.startsWith('.')) return canonicalHostname(text) ?? parseAddressLiteral(text)
  const end = parseDomain(text.slice(1))
  return end === undefined ? undefined : `.${end}`
}

const providerKeys: readonly string[] = providers.map(({ key }) => key)

export function problemOfReceiver(text: string): string | undefined {
  if (canonicalReceiver(text) !== undefined) return undefined
  const near = nearestName(text, providerKeys)
  const advice =
    near === undefined
      ? 'Write a provider such as "gmail", a domain or a mail host such as "example.org", or the end of the name of mail hosts such as ".mail.example.org".'
      : `Did you mean "${near}"? A domain is written whole, such as "example.org".`
  return `"${text}" is neither a provider that this server knows nor a domain. ${advice}`
}

export function problemOfSender(text: string): string | undefined {
  return canonicalSender(text) === undefined
    ? `"${text}" is neither an address nor a domain. Write one such as "news@example.com" or "lists.example.com", or "*" for all.`
    : undefined
}

export function problemOfVerpSender(text: string): string | undefined {
  const isDomain = text.startsWith('@') && canonicalHostname(text.slice(1)) !== undefined
  return isDomain || parseAddress(text)
    ? undefined
    : `"${text}" is neither an address nor a domain with its @. Write one such as "news@example.com" or "@lists.example.com".`
}

export function problemOfMailAddress(text: string): string | undefined {
  return parseAddress(text)
    ? undefined
    : `"${text}" is no mail address. Write one such as "admin@example.com".`
}

/** Of a list in the DNS; a star stands for any number. */
export function problemOfListAnswer(text: string): string | undefined {
  return isIPv4(text.replaceAll('*', '0'))
    ? undefined
    : `"${text}" is no answer of a list. Write an address such as "127.0.0.2", or "127.0.*.3" with a star for any number.`
}

export function problemOfScannerEndpoint(text: string): string | undefined {
  return parseScannerEndpoint(text)
    ? undefined
    : `"${text}" is neither a host with a port nor the path of a socket. Write "127.0.0.1:11333" or "/run/clamav/clamd.ctl".`
}
