// Finds a server of a destination that talks to us: each address of each mail host in order (RFC 5321 §5.1).

import type { RemoteServer } from '../routing/remote-server.ts'
import { connectSmtp } from '../smtp/client/connect.ts'
import type {
  ClientFailureFacts,
  ClientTls,
  ConnectSmtp,
  SmtpClientOptions,
  SmtpConnection,
} from '../smtp/client/contract.ts'
import { SmtpClientFailure } from '../smtp/client/smtp-client-failure.ts'
import { judgeFailure } from './diagnose.ts'
import type { Dialogue } from './dialogue.ts'
import type { NegativeOutcome } from './outcome.ts'

export interface OpenConnection {
  readonly kind: 'connected'
  readonly connection: SmtpConnection
  readonly server: RemoteServer
  /** Hosts in the order in which they were tried; the last one is connected. */
  readonly triedHosts: readonly string[]
  /** Where the connection's lines go; each attempt on it brings its own. */
  readonly record: { dialogue: Dialogue | undefined }
}

export interface NoConnection {
  readonly kind: 'unreachable'
  readonly outcome: NegativeOutcome
  readonly triedHosts: readonly string[]
}

export interface ConnectionTerms {
  readonly tls: ClientTls
  readonly verifyCertificate: boolean
  readonly auth?: SmtpClientOptions['auth']
  readonly common: Pick<SmtpClientOptions, 'helloName' | 'connectTimeoutMs' | 'commandTimeoutMs' | 'clock'>
  /** Default: over the network. */
  readonly connect?: ConnectSmtp | undefined
}

/** `servers` must not be empty. Rejects only on a fault of ours. */
export async function openConnection(
  terms: ConnectionTerms,
  servers: readonly RemoteServer[],
  dialogue: Dialogue,
): Promise<OpenConnection | NoConnection> {
  const triedHosts: string[] = []
  let worst: { outcome: NegativeOutcome; weight: number } | undefined
  for (const server of servers) {
    if (triedHosts.at(-1) !== server.host) triedHosts.push(server.host)
    const attempt = await connectTo(terms, server, dialogue)
    if ('connection' in attempt) return { kind: 'connected', server, triedHosts, ...attempt }
    const { facts } = attempt
    const outcome = judgeFailure(server, facts)
    // What one host may do tomorrow counts for more than another's never: only when all refuse for good is it a
    // failure (RFC 5321 §5.1; for 554 and 521 instead of a greeting §3.1 and RFC 7504 §3). Of several reasons of one
    // kind a server's own words tell most.
    const weight = (outcome.kind === 'failed' ? 0 : 5) + weightOf(facts)
    if (!worst || weight > worst.weight) worst = { outcome, weight }
  }
  if (!worst) throw new RangeError('openConnection needs at least one server')
  return {
    kind: 'unreachable',
    outcome: worst.outcome,
    triedHosts,
  }
}

function weightOf(facts: ClientFailureFacts): number {
  if (facts.kind === 'reply') return 4
  if (facts.kind === 'tls' || facts.kind === 'auth-unavailable') return 3
  // Many a machine has no IPv6: that says nothing of the destination.
  if (facts.kind === 'unreachable') return 0
  return facts.kind === 'refused-connection' ? 1 : 2
}

type Connected = { readonly connection: SmtpConnection; readonly record: OpenConnection['record'] }

async function connectTo(
  terms: ConnectionTerms,
  server: RemoteServer,
  dialogue: Dialogue,
): Promise<Connected | { readonly facts: ClientFailureFacts }> {
  const first = await connectOnce(terms, server, dialogue, terms.tls)
  // RFC 7435: opportunistic security never costs delivery. A server whose TLS is broken gets its mail without; but not
  // our password.
  if (terms.tls === 'opportunistic' && !terms.auth && 'facts' in first && first.facts.stage === 'tls') {
    dialogue.note(`TLS failed (${first.facts.detail}); once again without`)
    return await connectOnce(terms, server, dialogue, 'never')
  }
  return first
}

async function connectOnce(
  terms: ConnectionTerms,
  server: RemoteServer,
  dialogue: Dialogue,
  tls: ClientTls,
): Promise<Connected | { readonly facts: ClientFailureFacts }> {
  const record: OpenConnection['record'] = { dialogue }
  dialogue.note(`connecting to ${server.host} at ${server.address} port ${server.port}`)
  try {
    const connection = await (terms.connect ?? connectSmtp)({
      ...terms.common,
      host: server.host,
      address: server.address,
      port: server.port,
      tls,
      verifyCertificate: terms.verifyCertificate && tls !== 'never',
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
