// A delivery as far as it goes without a message: route, servers, connection, MAIL and RCPT, and then RSET. By the same parts as
// delivery itself, so that it meets what a message would meet.
import type { Address, ReversePath } from '../../address/address.ts'
import { needsSmtpUtf8 } from '../../address/scan-mailbox.ts'
import type { GateKey } from '../../queue/gates.ts'
import type { Destination } from '../../routing/destination.ts'
import type { ServerFinder, ServerLookup } from '../../routing/find-servers.ts'
import type { RemoteServer } from '../../routing/remote-server.ts'
import type { Route, Router } from '../../routing/route.ts'
import type { SmtpConnection } from '../../smtp/client/contract.ts'
import type { Reply } from '../../smtp/reply.ts'
import type { TlsEvidence } from '../../tls-policy/server-policy.ts'
import type { PassedServer } from '../../trail/events.ts'
import type { NegativeOutcome } from '../outcome.ts'
import { type Source, serversFrom } from '../pacing/source-pools.ts'
import { judgeFailure } from '../replies/diagnose.ts'
import { Dialogue } from './dialogue.ts'
import { lacksSmtpUtf8 } from './lacks-smtp-utf8.ts'
import { type ConnectionTerms, judgeRefusal, type OpenConnection, openConnection } from './open-connection.ts'

export interface ProbeParts {
  readonly router: Router
  readonly findServers: ServerFinder
  /** Where a message that is no bulk mail would leave from, and the gate at which it might have to wait. */
  readonly findWay: (
    destination: Destination,
    lookup: ServerLookup,
    probe: Probe,
  ) => Promise<{ readonly source: Source; readonly gate: GateKey }>
  readonly terms: (destination: Destination, source: Source) => ConnectionTerms
  /** Each line of the dialogue when it is said: the answer to the last may be waited for minutes. */
  readonly onDialogue?: ((line: string) => void) | undefined
}

export interface Probe {
  readonly forwardPath: Address
  readonly reversePath: ReversePath
}

/** How far it came; each step has what the one before it led to. */
export interface ProbeFindings {
  /** Of the address, and of those to which aliases and groups lead. */
  readonly routes: readonly ProbedRoute[]
  readonly lookup?: ServerLookup | undefined
  /** The address of ours from which it connects, where the settings say one. */
  readonly source?: string | undefined
  /** Where mail for it stands in line. */
  readonly gate?: GateKey | undefined
  /** Hosts in the order in which they were tried. */
  readonly triedHosts?: readonly string[] | undefined
  readonly server?: RemoteServer | undefined
  readonly tls?: SmtpConnection['tls']
  /** What came of TLS at `server`. */
  readonly tlsEvidence?: TlsEvidence | undefined
  /** Why each of the others that were asked did not do. */
  readonly passed?: readonly PassedServer[] | undefined
  readonly extensions?: readonly string[] | undefined
  readonly verdict: ProbeVerdict
  readonly dialogue: readonly string[]
}

export interface ProbedRoute {
  readonly address: Address
  /** How many redirections led to it. */
  readonly depth: number
  readonly route: Route
}

export type ProbeVerdict =
  /** The server would have taken a message for this address from this sender, as far as it says before it has it. */
  | { readonly kind: 'accepted'; readonly reply: Reply }
  /** An address of ours, and there is somebody behind it. */
  | { readonly kind: 'own' }
  | NegativeOutcome

/** So many addresses behind an alias or a group are looked at. */
const maxRoutes = 50
/** What a small message has. */
const probedBytes = 1000

/** Rejects with a StorageFault when the directory cannot be read. */
export async function probeAddress(parts: ProbeParts, probe: Probe): Promise<ProbeFindings> {
  const routes = await findRoutes(parts.router, probe.forwardPath)
  const [first] = routes
  if (first?.route.kind !== 'remote') return { routes, verdict: judgeOwn(routes), dialogue: [] }
  const { destination } = first.route
  const found = await parts.findServers(destination)
  const { source: from, gate } = await parts.findWay(destination, found, probe)
  const source = from.address
  const lookup = serversFrom(from, found)
  if (lookup.kind !== 'servers') return { routes, lookup, source, gate, verdict: lookup, dialogue: [] }
  const dialogue = new Dialogue(parts.onDialogue)
  const asked = await askServers(parts.terms(destination, from), lookup.servers, probe, dialogue)
  return { routes, lookup, source, gate, ...asked }
}

/** The first that answers; and where it lacks what the addresses need, the others as well. */
async function askServers(
  terms: ConnectionTerms,
  servers: readonly RemoteServer[],
  probe: Probe,
  dialogue: Dialogue,
): Promise<Omit<ProbeFindings, 'routes'>> {
  const triedHosts: string[] = []
  let asked: Pick<ProbeFindings, 'server' | 'tls' | 'tlsEvidence' | 'extensions'> = {}
  const passed: PassedServer[] = []
  let verdict: ProbeVerdict | undefined
  for (let left = servers; left.length > 0; ) {
    const opened = await openConnection(terms, left, dialogue)
    triedHosts.push(...opened.triedHosts.filter(host => !triedHosts.includes(host)))
    passed.push(...opened.passed)
    if (opened.kind === 'unreachable') {
      // A server that is down today may have what the one before will never have.
      if (opened.outcome.kind === 'deferred') verdict = opened.outcome
      verdict ??= opened.outcome
      break
    }
    const { connection, server } = opened
    asked = {
      server,
      tls: connection.tls,
      tlsEvidence: opened.tls.at(-1),
      extensions: [...connection.extensions.keys()],
    }
    const lack = lacksSmtpUtf8(opened, probe.reversePath, probe.forwardPath)
    verdict = lack ? { kind: 'failed', diagnosis: lack } : await askFor(opened, probe)
    await connection.quit()
    left = lack ? left.slice(left.indexOf(server) + 1) : []
    if (lack && left.length > 0) passed.push({ host: server.host, detail: lack.detail })
  }
  if (!verdict) throw new RangeError('a probe needs at least one server')
  return { triedHosts, passed: withoutTold(passed, verdict), ...asked, verdict, dialogue: dialogue.take() }
}

/** The verdict speaks of that one itself. */
function withoutTold(passed: readonly PassedServer[], verdict: ProbeVerdict): readonly PassedServer[] {
  if (!('diagnosis' in verdict)) return passed
  const { remoteMta, detail } = verdict.diagnosis
  return passed.filter(one => one.host !== remoteMta || one.detail !== detail)
}

async function askFor(open: OpenConnection, { forwardPath, reversePath }: Probe): Promise<ProbeVerdict> {
  const { connection, server } = open
  const [answer] = await connection.probe({
    reversePath,
    body: '7BIT',
    smtpUtf8: needsSmtpUtf8(forwardPath) || (reversePath !== null && needsSmtpUtf8(reversePath)),
    recipients: [{ forwardPath }],
    size: probedBytes,
  })
  const result = answer?.result
  switch (result?.kind) {
    case 'accepted':
      return { kind: 'accepted', reply: result.reply }
    case 'refused':
      return judgeRefusal(open, result.stage, result.reply)
    case 'failed':
      return judgeFailure(server, result.failure)
    default:
      throw new RangeError('the SMTP client gave no result for the recipient')
  }
}

/** Breadth first: what an alias leads to stands behind it. */
async function findRoutes(router: Router, forwardPath: Address): Promise<ProbedRoute[]> {
  const routes: ProbedRoute[] = []
  const waiting: { readonly address: Address; readonly from: readonly Address[] }[] = [
    { address: forwardPath, from: [] },
  ]
  for (let next = waiting.shift(); next && routes.length < maxRoutes; next = waiting.shift()) {
    const { address, from } = next
    const route = await router.route({ forwardPath: address, expandedFrom: from })
    routes.push({ address, depth: from.length, route })
    if (route.kind === 'expansion')
      for (const target of route.targets) waiting.push({ address: target, from: [...from, address] })
  }
  return routes
}

function judgeOwn(routes: readonly ProbedRoute[]): ProbeVerdict {
  if (routes.some(({ route }) => route.kind === 'mailbox' || route.kind === 'remote')) return { kind: 'own' }
  const nowhere = routes.find(({ route }) => route.kind === 'unroutable')
  return nowhere?.route.kind === 'unroutable'
    ? { kind: 'failed', diagnosis: nowhere.route.diagnosis }
    : { kind: 'own' }
}
