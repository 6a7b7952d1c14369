// The world outside, as it can be asked: what observations are made with. A test gives it servers of its own by their addresses
// and ports.
import type { Inspector } from '../dns/inspector.ts'
import type { Resolver } from '../dns/resolver.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { ConnectSmtp } from '../smtp/client/contract.ts'
import type { FetchStsPolicy } from '../tls-policy/fetch-sts-policy.ts'

export interface World {
  readonly resolver: Resolver
  readonly inspector: Inspector
  readonly connect: ConnectSmtp
  readonly fetchStsPolicy: FetchStsPolicy
  readonly clock: Clock
  readonly random: Random
  /** Where name servers answer: 53 everywhere but in tests. */
  readonly nameServerPort: number
}
