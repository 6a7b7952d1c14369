// Mail that its server asks for (ETRN) or fetches (ATRN, TURN), in words.
import type { FetchedMail, PeerFacts, TrailEvent } from '../trail/events.ts'
import { describeConnection, describePeer, describeRepeated } from './describe-peer.ts'
import type { TrailEntry } from './format-trail.ts'
import { formatCount } from './quantities.ts'

type Fetching = Extract<TrailEvent, { kind: 'asked-for' | 'queue-started' | 'fetched' }>

export function describeFetching(event: Fetching): TrailEntry {
  if (event.kind === 'asked-for')
    return {
      text: `It is tried now, because ${describeAsker(event)} asked for the mail of ${event.domain} (${event.verb})`,
      dialogue: [],
    }
  const text = event.kind === 'fetched' ? describeFetched(event) : describeStart(event)
  return { text: text + describeRepeated(event), notes: [describeConnection(event)], dialogue: [] }
}

function describeAsker(peer: PeerFacts): string {
  const { account } = peer
  return account === undefined ? describePeer(peer) : `${describePeer(peer)}, logged in as ${account},`
}

function describeStart(event: Extract<Fetching, { kind: 'queue-started' }>): string {
  const { node, domains, messages } = event
  const asked = `${describeAsker(event)} asked that the mail of ${node} be sent (ETRN)`
  if (domains.length === 0) return `${asked}: that had been done a moment before`
  const others = domains.length === 1 && domains[0] === node ? '' : `, which is ${domains.join(', ')}`
  return messages === 0
    ? `${asked}${others}: nothing waited; what comes in the next half hour is sent at once`
    : `${asked}${others}: ${formatCount(messages, 'message')} ${messages === 1 ? 'is' : 'are'} tried now`
}

function describeFetched(event: Extract<Fetching, { kind: 'fetched' }>): string {
  const { verb, domains, handed } = event
  const whose = domains.length === 0 ? 'all its domains' : domains.join(', ')
  const asked = `${describeAsker(event)} came to fetch the mail of ${whose} (${verb})`
  return handed ? `${asked}: ${describeHanded(handed)}` : `${asked}: nothing waited`
}

function describeHanded({ taken, deferred, failed, problem }: FetchedMail): string {
  if (problem !== undefined) return `it did not go on (${problem})`
  return [
    `it took ${formatCount(taken, 'message')}`,
    ...(deferred > 0 ? [`put off ${deferred}`] : []),
    ...(failed > 0 ? [`refused ${failed}`] : []),
  ].join(', ')
}
