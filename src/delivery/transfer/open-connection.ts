// Finds a server of a destination that talks to us: each address of each mail host in order (RFC 5321 §5.1).

import type { RemoteServer } from '../../routing/remote-server.ts'
import { connectSmtp } from '../../smtp/client/connect.ts'
import type {
  ClientFailureFacts,
  ClientProtocol,
  ClientStage,
  ClientTls,
  ConnectSmtp,
  SmtpClientOptions,
  SmtpConnection,
} from '../../smtp/client/contract.ts'
import { SmtpClientFailure } from '../../smtp/client/smtp-client-failure.ts'
import type { Reply } from '../../smtp/reply.ts'
import { type DomainTlsPolicy, describePolicy, type TlsEvidence } from '../../tls-policy/server-policy.ts'
import type { PassedServer } from '../../trail/events.ts'
import type { NegativeOutcome } from '../outcome.ts'
import { deferredFrom, judgeFailure, judgeReply } from '../replies/diagnose.ts'
import type { Dialogue } from './dialogue.ts'
import {
  type ConnectionTry,
  demandOf,
  gatherEvidence,
  judgeUnderPolicy,
  noPolicy,
  noTlsWanted,
  type TlsDemand,
} from './tls-demand.ts'
import type { ServerOrder, UnresponsiveServers } from './unresponsive-servers.ts'

export interface OpenConnection {
  readonly kind: 'connected'
  readonly connection: SmtpConnection
  readonly server: RemoteServer
  /** Hosts in the order in which they were tried; the last one is connected. */
  readonly triedHosts: readonly string[]
  /** What was demanded of TLS, and what came of it, at each of them that came so far. */
  readonly tls: readonly TlsEvidence[]
  /** Those of the servers that could not be had, in their order, and those that were not asked because they could not lately. */
  readonly passed: readonly PassedServer[]
  /** Where the connection's lines go; each attempt on it brings its own. */
  readonly record: { dialogue: Dialogue | undefined }
}

export interface NoConnection {
  readonly kind: 'unreachable'
  readonly outcome: NegativeOutcome
  /** The TLS policy of the domain is in the way: that says nothing of other domains with the same servers. */
  readonly isPolicy: boolean
  readonly triedHosts: readonly string[]
  readonly tls: readonly TlsEvidence[]
  readonly passed: readonly PassedServer[]
}

export interface ConnectionTerms {
  /** Default 'smtp'. */
  readonly protocol?: ClientProtocol | undefined
  readonly tls: ClientTls
  readonly verifyCertificate: boolean
  readonly auth?: SmtpClientOptions['auth']
  readonly common: Pick<
    SmtpClientOptions,
    'helloName' | 'localAddress' | 'connectTimeoutMs' | 'greetingTimeoutMs' | 'commandTimeoutMs' | 'clock'
  >
  /** What the domain demands of TLS; without it nothing. */
  readonly findPolicy?: (() => Promise<DomainTlsPolicy>) | undefined
  /** For reports to the domain (RFC 8460). */
  readonly noteTls?: ((domain: string, evidence: TlsEvidence) => void) | undefined
  /** Default: over the network. */
  readonly connect?: ConnectSmtp | undefined
  /** Without it every server is asked as if nothing were known of it. */
  readonly unresponsive?: UnresponsiveServers | undefined
  /** Where MX records lead the way: as this server calls itself, and what it comes to when they lead to it. */
  readonly own?: OwnServer | undefined
  /** No connection is begun any more. */
  readonly isOver?: (() => boolean) | undefined
}

export interface OwnServer {
  readonly name: string
  readonly outcome: (host: string) => NegativeOutcome
}

/** `servers` must not be empty. Rejects on a fault of ours, and when the kept policies cannot be read. */
export async function openConnection(
  terms: ConnectionTerms,
  servers: readonly RemoteServer[],
  dialogue: Dialogue,
): Promise<OpenConnection | NoConnection> {
  const policies = await terms.findPolicy?.()
  if (policies?.stsFailure) dialogue.note(`the MTA-STS policy cannot be had: ${policies.stsFailure.detail}`)
  const triedHosts: string[] = []
  const tls: TlsEvidence[] = []
  const passed: PassedServer[] = []
  let worst: { outcome: NegativeOutcome; isPolicy: boolean; weight: number } | undefined
  const order = orderServers(terms, servers, dialogue)
  let end = servers.length
  for (const server of order.servers) {
    if (servers.indexOf(server) >= end) continue
    if (triedHosts.at(-1) !== server.host) triedHosts.push(server.host)
    const watched = terms.unresponsive?.begin(server, terms.common.localAddress)
    const attempt = await connectUnderPolicy(
      withPatience(terms, watched?.patienceMs),
      server,
      policies,
      dialogue,
    )
    if (attempt.evidence) {
      tls.push(attempt.evidence)
      // What our own settings rule out is no news for the receiver.
      if (policies && terms.tls !== 'never') terms.noteTls?.(policies.domain, attempt.evidence)
    }
    if ('connection' in attempt) {
      watched?.answered()
      const { connection, record } = attempt
      if (terms.own && calledSo(connection, terms.own)) {
        await connection.quit()
        // RFC 5321 §5.1: who goes on to those after it hands the mail back to itself. Not all addresses that lead here are this
        // machine's (find-servers.ts): some are a router's before it.
        end = servers.findIndex(({ host }) => host === server.host)
        const detail = `${server.host} is taken for this server itself: it calls itself ${terms.own.name}`
        dialogue.note(detail)
        passed.push({ host: server.host, detail })
        if (end === 0)
          worst = {
            outcome: terms.own.outcome(server.host),
            isPolicy: false,
            weight: Number.POSITIVE_INFINITY,
          }
        continue
      }
      passed.unshift(...notAsked(order, servers, server))
      return { kind: 'connected', server, triedHosts, tls, passed, connection, record }
    }
    const { outcome, facts, isPolicy } = attempt
    if (facts) watched?.failed(facts)
    const { detail, reply } = outcome.diagnosis
    passed.push({ host: server.host, detail, ...(reply ? { reply } : {}) })
    // What one host may do tomorrow counts for more than another's never: only when all refuse for good is it a
    // failure (RFC 5321 §5.1; for 554 and 521 instead of a greeting §3.1 and RFC 7504 §3). Of several reasons of one
    // kind a server's own words tell most.
    const weight = (outcome.kind === 'failed' ? 0 : 5) + (facts ? weightOf(facts) : policyWeight)
    if (!worst || weight > worst.weight) worst = { outcome, isPolicy, weight }
  }
  if (!worst) throw new RangeError('openConnection needs at least one server')
  return {
    kind: 'unreachable',
    outcome: worst.outcome,
    isPolicy: worst.isPolicy,
    triedHosts,
    tls,
    passed,
  }
}

function calledSo({ name }: SmtpConnection, own: OwnServer): boolean {
  return name !== undefined && name.toLowerCase() === own.name.toLowerCase()
}

function orderServers(
  { unresponsive, common: { localAddress } }: ConnectionTerms,
  servers: readonly RemoteServer[],
  dialogue: Dialogue,
): ServerOrder {
  if (!unresponsive || servers.length === 1) return { servers, last: [] }
  const order = unresponsive.order(servers, localAddress)
  for (const { server, until } of order.last)
    dialogue.note(
      `${server.host} at ${server.address} did not answer lately: until ${new Date(until).toISOString()} it is asked after the others`,
    )
  return order
}

/** Those that would have been asked before `connected`, but for what is remembered of them. */
function notAsked(
  { last }: ServerOrder,
  servers: readonly RemoteServer[],
  connected: RemoteServer,
): PassedServer[] {
  // It is one of them itself: those before it were asked in vain.
  if (last.some(({ server }) => server === connected)) return []
  const place = servers.indexOf(connected)
  return last
    .filter(({ server }) => servers.indexOf(server) < place)
    .map(({ server: { host }, detail, until }) => ({ host, detail, lastUntil: until }))
}

function withPatience(terms: ConnectionTerms, patienceMs: number | undefined): ConnectionTerms {
  if (patienceMs === undefined) return terms
  const { connectTimeoutMs = patienceMs, commandTimeoutMs = patienceMs } = terms.common
  return {
    ...terms,
    common: {
      ...terms.common,
      connectTimeoutMs: Math.min(patienceMs, connectTimeoutMs),
      greetingTimeoutMs: Math.min(patienceMs, commandTimeoutMs),
    },
  }
}

/** The host was not asked at all. */
const policyWeight = 3

function weightOf(facts: ClientFailureFacts): number {
  if (facts.kind === 'reply') return 4
  if (facts.kind === 'tls' || facts.kind === 'auth-unavailable') return 3
  // Many a machine has no IPv6: that says nothing of the destination.
  if (facts.kind === 'unreachable') return 0
  return facts.kind === 'refused-connection' ? 1 : 2
}

type Connected = { readonly connection: SmtpConnection; readonly record: OpenConnection['record'] }
type Attempted = (
  | Connected
  /** Without `facts` the policy forbade even to try. */
  | { readonly outcome: NegativeOutcome; readonly facts?: ClientFailureFacts; readonly isPolicy: boolean }
) & { readonly evidence?: TlsEvidence | undefined }

async function connectUnderPolicy(
  terms: ConnectionTerms,
  server: RemoteServer,
  policies: DomainTlsPolicy | undefined,
  dialogue: Dialogue,
): Promise<Attempted> {
  const policy = policies ? await policies.of(server) : noPolicy
  if (policy.kind !== 'none') dialogue.note(`${server.host}: ${describePolicy(policy)}`)
  const demand = demandOf(policy, server, policies?.domain, terms)
  if (demand.kind === 'not-at-all') {
    dialogue.note(demand.outcome.diagnosis.detail)
    return { outcome: demand.outcome, evidence: demand.evidence, isPolicy: true }
  }
  const attempt = await connectTo(terms, server, dialogue, demand)
  const evidence =
    demand.tls === 'never'
      ? 'connection' in attempt
        ? noTlsWanted(policy, server)
        : undefined
      : gatherEvidence(policy, server, policies, attempt)
  if (evidence?.failure && evidence.result !== 'verified' && policy.kind === 'sts' && 'connection' in attempt)
    dialogue.note(`the TLS policy is not kept, and not in force: ${evidence.failure.detail}`)
  if ('connection' in attempt) return { connection: attempt.connection, record: attempt.record, evidence }
  const { facts } = attempt
  const outcome = demand.isPolicy ? judgeUnderPolicy(server, facts, policy) : judgeFailure(server, facts)
  return { outcome, facts, evidence, isPolicy: demand.isPolicy && facts.stage === 'tls' }
}

async function connectTo(
  terms: ConnectionTerms,
  server: RemoteServer,
  dialogue: Dialogue,
  demand: TlsDemand,
): Promise<(Connected | { readonly facts: ClientFailureFacts }) & Pick<ConnectionTry, 'tlsFailure'>> {
  const first = await connectOnce(terms, server, dialogue, demand)
  // RFC 7435: opportunistic security never costs delivery. A server whose TLS is broken gets its mail without; but not
  // our password.
  if (demand.tls === 'opportunistic' && !terms.auth && 'facts' in first && first.facts.stage === 'tls') {
    dialogue.note(`TLS failed (${first.facts.detail}); once again without`)
    const second = await connectOnce(terms, server, dialogue, { ...demand, tls: 'never' })
    return { ...second, tlsFailure: first.facts }
  }
  return first
}

async function connectOnce(
  terms: ConnectionTerms,
  server: RemoteServer,
  dialogue: Dialogue,
  { tls, verifyCertificate, serverName, verifyChain }: TlsDemand,
): Promise<Connected | { readonly facts: ClientFailureFacts }> {
  if (terms.isOver?.()) return { facts: { kind: 'closed', stage: 'connect', detail: 'this server stops' } }
  const record: OpenConnection['record'] = { dialogue }
  const { localAddress } = terms.common
  const from = localAddress === undefined ? '' : ` from ${localAddress}`
  const place = server.path === undefined ? `${server.address} port ${server.port}` : server.path
  dialogue.note(`connecting to ${server.host} at ${place}${from}`)
  try {
    const connection = await (terms.connect ?? connectSmtp)({
      ...terms.common,
      protocol: terms.protocol,
      host: server.host,
      ...(server.path === undefined ? { address: server.address, port: server.port } : { path: server.path }),
      tls,
      verifyCertificate: verifyCertificate && tls !== 'never',
      serverName,
      verifyChain,
      ...(terms.auth ? { auth: terms.auth } : {}),
      onDialogue: line => record.dialogue?.add(line),
    })
    return { connection, record }
  } catch (cause) {
    if (!(cause instanceof SmtpClientFailure)) throw cause
    dialogue.note(cause.facts.detail)
    return { facts: cause.facts }
  }
}

/** The server offers TLS, there was to be some, and this kept it away: the next attempt may do better (RFC 3207 §4: 454). */
export function tlsTrouble({ connection, tls }: OpenConnection): TlsEvidence['failure'] {
  return connection.tls || !connection.extensions.has('STARTTLS') ? undefined : tls.at(-1)?.failure
}

/** What a negative reply on a connection comes to. That a server demands TLS whose own is in trouble is no word about this mail. */
export function judgeRefusal(open: OpenConnection, stage: ClientStage, reply: Reply): NegativeOutcome {
  const outcome = judgeReply(open.server, stage, reply)
  const { diagnosis } = outcome
  const trouble = diagnosis.cause === 'tls-failure' ? tlsTrouble(open) : undefined
  if (!trouble) return outcome
  const detail = `${diagnosis.detail}, for there was no TLS: ${trouble.detail}`
  return deferredFrom({ ...outcome, diagnosis: { ...diagnosis, detail } })
}
