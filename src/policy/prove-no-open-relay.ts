// At start the server proves that it is no open relay: a stranger must not be able to send through it to a stranger.
import type { Address } from '../address/address.ts'
import { isInNetworks, type Network, parseNetwork } from '../address/networks.ts'
import { formatListener } from '../connection/format-listener.ts'
import type { ConnectSmtp, SmtpConnection } from '../smtp/client/contract.ts'
import type { Reply } from '../smtp/reply.ts'
import type { BoundListener } from '../smtp/server/options.ts'
import type { Client, ListenerRole, Refusal } from '../smtp/server/services.ts'

// RFC 2606 and RFC 5737: names and an address that are nobody's, so they can be no domain and no network of ours.
const stranger: Address = { localPart: 'relay-test', domain: 'postrider-self-test.invalid' }
const otherStranger: Address = { localPart: 'relay-test', domain: 'postrider-relay-test.invalid' }
const strangerAddress = '192.0.2.1'

export interface RelayProofOptions {
  readonly hostname: string
  readonly localNetworks: readonly string[]
  readonly listeners: readonly (BoundListener & { readonly proxyFrom?: readonly string[] })[]
  readonly connect: ConnectSmtp
  /** The verdict of RCPT, as the sessions ask for it: asked here for a client that is certainly a stranger. */
  readonly acceptForwardPath: (client: Client, forwardPath: Address) => Promise<Reply | undefined>
}

export type RelayProblem =
  /** The rules themselves would let a stranger relay. */
  | { readonly kind: 'open-policy' }
  /** A real session was allowed to relay. */
  | { readonly kind: 'open-listener'; readonly listener: BoundListener }
  /** Nothing is known to be wrong, but this listener could not be tried. */
  | { readonly kind: 'untested'; readonly listener: BoundListener; readonly reason: string }

/** Everything but 'untested' is a reason not to serve. */
export async function proveNoOpenRelay(options: RelayProofOptions): Promise<RelayProblem[]> {
  const problems: RelayProblem[] = []
  for (const role of ['relay', 'lmtp'] as const)
    if (!refuses(await options.acceptForwardPath(strangerClient(options, role), otherStranger)))
      problems.push({ kind: 'open-policy' })
  for (const listener of options.listeners) {
    const problem = await tryToRelay(options, listener)
    if (problem) problems.push(problem)
  }
  return problems
}

/** Of the proof itself, on this machine: no mail, and nobody's attack. From elsewhere the same addresses are a stranger's. */
export function isRelayProof(
  { loopback, remoteAddress, localAddress }: Pick<Client, 'loopback' | 'remoteAddress' | 'localAddress'>,
  { reversePath, forwardPath }: Pick<Refusal, 'reversePath' | 'forwardPath'>,
): boolean {
  if (!loopback && remoteAddress !== localAddress) return false
  return reversePath?.domain === stranger.domain && forwardPath?.domain === otherStranger.domain
}

/** One sentence for the log and the administrator. */
export function describeRelayProblem(problem: RelayProblem): string {
  switch (problem.kind) {
    case 'open-policy':
      return 'This server would relay for strangers. This is a bug: please report it. It does not start like this.'
    case 'open-listener':
      return `The listener ${formatListener(problem.listener)} relays for strangers: a session without AUTH was allowed to send to a foreign domain. It does not serve like this; look at localNetworks.`
    case 'untested':
      return `Whether the listener ${formatListener(problem.listener)} is an open relay was not tried: ${problem.reason}`
    default:
      return problem satisfies never
  }
}

export function isReasonNotToServe(problem: RelayProblem): boolean {
  return problem.kind !== 'untested'
}

function refuses(reply: Reply | undefined): boolean {
  return reply !== undefined && reply.code >= 400
}

function strangerClient({ hostname }: RelayProofOptions, role: ListenerRole): Client {
  return {
    sessionId: 'self-test',
    role,
    remoteAddress: strangerAddress,
    remotePort: 25,
    localAddress: strangerAddress,
    localPort: 25,
    connectedAt: 0,
    heloName: hostname,
    extended: true,
    local: false,
    loopback: false,
  }
}

/** A session as any stranger's, to the address and port of the listener. undefined: it may not relay. */
export async function tryToRelay(
  options: Pick<RelayProofOptions, 'hostname' | 'localNetworks' | 'connect'>,
  listener: RelayProofOptions['listeners'][number],
): Promise<RelayProblem | undefined> {
  const untested = (reason: string): RelayProblem => ({ kind: 'untested', listener, reason })
  const address = reachableAddress(listener.address)
  if (isInNetworks(address, parseAll(options.localNetworks))) {
    return untested(
      `this machine's own address ${address} is in localNetworks, so a session from here may relay.`,
    )
  }
  if (isInNetworks(address, parseAll(listener.proxyFrom ?? [])))
    return untested('it expects a PROXY header from this machine.')
  let connection: SmtpConnection
  try {
    connection = await options.connect({
      host: address,
      port: listener.port,
      helloName: options.hostname,
      tls: listener.role === 'submissions' ? 'implicit' : 'never',
      verifyCertificate: false,
      connectTimeoutMs: 5000,
      commandTimeoutMs: 5000,
    })
  } catch (cause) {
    return untested(cause instanceof Error ? cause.message : String(cause))
  }
  return (await mayRelay(connection)) ? { kind: 'open-listener', listener } : undefined
}

// The client asks for mail data only when a recipient was accepted. It gets none: the connection is cut instead, so that
// nothing is ever sent, even when the answer is bad news.
async function mayRelay(connection: SmtpConnection): Promise<boolean> {
  let asked = false
  try {
    const results = await connection.send({
      reversePath: stranger,
      body: '7BIT',
      smtpUtf8: false,
      recipients: [{ forwardPath: otherStranger }],
      mailData: {
        size: 0,
        open() {
          asked = true
          throw new Error('the self-test sends no mail data')
        },
      },
    })
    await connection.quit()
    return asked || results.some(({ result }) => result.kind === 'accepted')
  } catch (cause) {
    if (!asked) throw cause
    return true
  } finally {
    connection.close()
  }
}

function parseAll(networks: readonly string[]): Network[] {
  return networks.flatMap(network => parseNetwork(network) ?? [])
}

function reachableAddress(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1'
  return address === '::' ? '::1' : address
}
