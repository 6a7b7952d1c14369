// The PROXY protocol, versions 1 and 2 (haproxy.org/download/3.2/doc/proxy-protocol.txt): a load balancer says first who
// the peer is. Read only from peers named in the settings; anybody else could claim any address.
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

export interface ProxiedPeer {
  readonly address: string
  readonly port: number
}

export type ProxyHeader =
  /** More bytes are needed. */
  | { readonly kind: 'incomplete' }
  /** `peer` is undefined when the balancer speaks for itself (LOCAL, UNKNOWN): a health check. */
  | { readonly kind: 'header'; readonly length: number; readonly peer: ProxiedPeer | undefined }
  | { readonly kind: 'malformed' }

const maxVersion1Bytes = 107
const signature = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])
const version2HeadBytes = 16
/** The addresses take 36 bytes, a Unix socket's 216; the rest is for the notes of balancers, certificates among them. */
const maxVersion2Bytes = 4096
const malformed: ProxyHeader = { kind: 'malformed' }
const incomplete: ProxyHeader = { kind: 'incomplete' }

export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  const compared = Math.min(bytes.length, signature.length)
  if (bytes.compare(signature, 0, compared, 0, compared) === 0)
    return bytes.length < version2HeadBytes ? incomplete : parseVersion2(bytes)
  return parseVersion1(bytes)
}

function parseVersion1(bytes: Buffer): ProxyHeader {
  const prefix = 'PROXY '
  if (!prefix.startsWith(bytes.toString('latin1', 0, Math.min(bytes.length, prefix.length)))) return malformed
  const end = bytes.subarray(0, maxVersion1Bytes).indexOf('\r\n')
  if (end < 0) return bytes.length >= maxVersion1Bytes ? malformed : incomplete
  const [, family, source, destination, sourcePort, destinationPort, ...rest] = bytes
    .toString('latin1', 0, end)
    .split(' ')
  if (family === 'UNKNOWN') return { kind: 'header', length: end + 2, peer: undefined }
  const version = family === 'TCP4' ? 4 : family === 'TCP6' ? 6 : undefined
  if (version === undefined || rest.length > 0) return malformed
  if (isIP(source ?? '') !== version || isIP(destination ?? '') !== version) return malformed
  const port = parsePort(sourcePort)
  if (port === undefined || parsePort(destinationPort) === undefined) return malformed
  return proxiedPeer(end + 2, source ?? '', port)
}

function parsePort(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined
}

const local = 0x20
const proxied = 0x21
const tcp4 = 0x11
const tcp6 = 0x21

function parseVersion2(bytes: Buffer): ProxyHeader {
  const command = bytes.readUInt8(12)
  const family = bytes.readUInt8(13)
  const length = version2HeadBytes + bytes.readUInt16BE(14)
  if ((command !== local && command !== proxied) || length > maxVersion2Bytes) return malformed
  if (bytes.length < length) return incomplete
  if (command === local) return { kind: 'header', length, peer: undefined }
  const addresses = bytes.subarray(version2HeadBytes, length)
  if (family === tcp4 && addresses.length >= 12) {
    return proxiedPeer(length, addresses.subarray(0, 4).join('.'), addresses.readUInt16BE(8))
  }
  if (family === tcp6 && addresses.length >= 36) {
    const groups = Array.from({ length: 8 }, (_, index) => addresses.readUInt16BE(index * 2).toString(16))
    return proxiedPeer(length, groups.join(':'), addresses.readUInt16BE(32))
  }
  return family === 0 ? { kind: 'header', length, peer: undefined } : malformed
}

// One spelling for each address (RFC 5952), and an IPv4 peer is one also when the balancer speaks IPv6.
function proxiedPeer(length: number, text: string, port: number): ProxyHeader {
  const parsed = ipaddr.process(text)
  const address = parsed instanceof ipaddr.IPv6 ? parsed.toRFC5952String() : parsed.toString()
  return { kind: 'header', length, peer: { address, port } }
}
