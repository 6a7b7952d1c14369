// Which connection that is open already may carry a message: a lane serves all domains with the same mail hosts, and each has
// a TLS policy of its own, or none (docs/adr/0014).
import type { Destination } from '../../routing/destination.ts'
import type { ServerFinder } from '../../routing/find-servers.ts'
import type { Clock } from '../../runtime/clock.ts'
import { ForAWhile } from '../../runtime/for-a-while.ts'
import type { TlsPolicyFinder } from '../../tls-policy/find-policy.ts'
import type { RemoteAttempt } from './remote-attempt.ts'

type PolicedAttempt = Pick<RemoteAttempt, 'destination' | 'work'>
type Domain = Extract<Destination, { kind: 'domain' }>

/** What a connection was checked for: the policy of this domain. undefined: for nothing. */
export type PolicyKey = string | undefined

export interface ConnectionSharing {
  /** May it go over a connection that was opened with `key`? Never rejects. */
  fits(key: PolicyKey, attempt: PolicedAttempt): Promise<boolean>
}

export interface ConnectionSharingParts {
  readonly policies: Pick<TlsPolicyFinder, 'find'> | undefined
  readonly findServers: ServerFinder
  readonly clock: Clock
}

/** So long mail of a domain that has just published a policy may still go over connections of others. */
const heldForMs = 60_000

/** Whose policy its connection has to satisfy. RFC 8689 §4.1: "TLS-Required: No" goes against a policy too. */
export function policedDomain({ destination, work }: PolicedAttempt): PolicyKey {
  return destination.kind === 'domain' && work.message.tls !== 'optional' ? destination.domain : undefined
}

export function createConnectionSharing(parts: ConnectionSharingParts): ConnectionSharing {
  const { clock, policies } = parts
  const known = new ForAWhile<boolean>()

  const isPoliced = async (destination: Domain): Promise<boolean> => {
    const { domain } = destination
    if (!policies) return false
    const told = known.find(domain, clock.now())
    if (told !== undefined) return told
    try {
      const demands = await demandsSomething({ ...parts, policies }, destination)
      known.keep(domain, demands, clock.now() + heldForMs)
      return demands
    } catch {
      // Nobody knows what it demands: whoever opens a connection for it finds out, and says why not.
      return true
    }
  }

  return {
    async fits(key, attempt) {
      const { destination, work } = attempt
      const own = policedDomain(attempt)
      if (own === undefined || own === key || destination.kind !== 'domain') return true
      // RFC 8689 §4.2.1: that the server is the right one was proven for the other domain.
      return work.message.tls !== 'required' && !(await isPoliced(destination))
    },
  }
}

/** Rejects when the kept policies cannot be read. */
async function demandsSomething(
  { policies, findServers }: ConnectionSharingParts & { readonly policies: Pick<TlsPolicyFinder, 'find'> },
  destination: Domain,
): Promise<boolean> {
  const policy = await policies.find(destination.domain)
  if (policy.sts || policy.stsFailure) return true
  const found = await findServers(destination)
  if (found.kind !== 'servers') return true
  const ofServers = await Promise.all(found.servers.map(server => policy.of(server)))
  return ofServers.some(({ kind }) => kind !== 'none')
}
