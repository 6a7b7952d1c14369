// The peer of a session as the trail has it.
import type { SessionPeer } from '../connection/session-peer.ts'
import type { PeerFacts } from '../trail/events.ts'

export function peerFactsOf({
  sessionId,
  role,
  remoteAddress,
  heloName,
  tls,
  account,
}: SessionPeer<string> & Pick<PeerFacts, 'heloName'>) {
  return {
    sessionId,
    role,
    remoteAddress,
    heloName,
    tls: tls && `${tls.protocol} ${tls.cipher}`,
    account: account?.address,
  } satisfies PeerFacts
}
