// The open-relay test: a stranger's session through our own port 25, as others reach it. Whoever stands between (a proxy of
// Docker, a load balancer) may make strangers look like neighbours.
import { formatEndpoint } from '../../address/format-endpoint.ts'
import { type RelayProblem, tryToRelay } from '../../policy/prove-no-open-relay.ts'
import { Fault } from '../../runtime/fault.ts'
import { allWell, error, found, notChecked, type Verdict } from '../finding.ts'
import type { OwnServer } from '../own-server.ts'
import type { World } from '../world.ts'
import type { Door } from './doors.ts'

export interface RelayView extends Door {
  /** undefined: it refused. */
  readonly problem: RelayProblem | undefined
}

export async function observeRelaying(
  { connect }: Pick<World, 'connect'>,
  { hostname, localNetworks }: Pick<OwnServer, 'hostname' | 'localNetworks'>,
  door: Door,
): Promise<RelayView> {
  // Mail of strangers comes by this one alone.
  const listener = { ...door, role: 'relay' } as const
  try {
    return { ...door, problem: await tryToRelay({ hostname, localNetworks, connect }, listener) }
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause
    return { ...door, problem: { kind: 'untested', listener, reason: cause.message } }
  }
}

export function judgeRelaying({ address, port, problem }: RelayView): Verdict {
  if (!problem) return allWell
  if (problem.kind === 'untested') return notChecked(`${formatEndpoint(address, port)}: ${problem.reason}`)
  return found(
    error(
      'open-relay',
      `${formatEndpoint(address, port)} is an open relay: a session without AUTH was allowed to send to a foreign domain.`,
      'Spammers find it within hours, and then nobody takes your mail.',
      'Stop it at once. See localNetworks, and what stands between the internet and this server: a proxy whose own address is in localNetworks makes everybody a neighbour. Have it speak the PROXY protocol (proxyFrom), or take its address out.',
    ),
  )
}
