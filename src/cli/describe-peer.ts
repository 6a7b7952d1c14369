// Whoever talked to this server, in words.
import type { PeerFacts } from '../trail/events.ts'
import { formatCount } from './quantities.ts'

export function describePeer({ heloName, remoteAddress }: PeerFacts): string {
  return heloName ? `${heloName} (${remoteAddress})` : remoteAddress
}

export function describePeerTls({ tls, remoteAddress }: Pick<PeerFacts, 'tls' | 'remoteAddress'>): string {
  if (remoteAddress.startsWith('unix:')) return 'on this machine'
  return tls ? `encrypted with ${tls}` : 'not encrypted'
}

/** Begins with a blank, or is empty. */
export function describeProtocol({ role }: Pick<PeerFacts, 'role'>): string {
  switch (role) {
    case 'lmtp':
      return ' over LMTP'
    case 'imap':
    case 'imaps':
      return ' over IMAP'
    case 'pop3':
    case 'pop3s':
      return ' over POP3'
    case 'sieve':
      return ' over ManageSieve'
    default:
      return ''
  }
}

/** The command with which a client says who it is, where there is one. */
function helloOf(role: string | undefined): string | undefined {
  switch (role) {
    case 'imap':
    case 'imaps':
    case 'pop3':
    case 'pop3s':
    case 'sieve':
      return undefined
    case 'lmtp':
      return 'LHLO'
    default:
      return 'EHLO'
  }
}

/** Of a session from which no message came. */
export function describeConnection(peer: PeerFacts): string {
  const { remoteAddress, heloName, role, account, sessionId } = peer
  const hello = helloOf(role)
  return `Connection: ${[
    `from ${remoteAddress}`,
    ...(hello === undefined ? [] : [heloName === undefined ? `no ${hello}` : `${hello} ${heloName}`]),
    describePeerTls(peer),
    account === undefined ? 'not logged in' : `logged in as ${account}`,
    ...(role === undefined ? [] : [`on the listener for ${role}`]),
    ...(sessionId === undefined ? [] : [`session ${sessionId}`]),
  ].join(', ')}`
}

/** Begins with a blank, or is empty. */
export function describeRepeated({ repeated }: { readonly repeated?: number | undefined }): string {
  return repeated ? ` (and ${formatCount(repeated, 'time')} before, since the last entry)` : ''
}
