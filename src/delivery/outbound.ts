// Mail that leaves this server: a lane to each destination that mail is waiting for.
import type { DeliverySettings } from '../config/settings.ts'
import type { Destination } from '../routing/destination.ts'
import type { ServerFinder } from '../routing/find-servers.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { TlsPolicyFinder } from '../tls-policy/find-policy.ts'
import { ConnectionBudget } from './connection-budget.ts'
import { idleConnectionMs, Lane } from './lane.ts'
import type { ConnectionTerms } from './open-connection.ts'
import type { RemoteAttempt } from './remote-attempt.ts'
import type { UnwrittenOutcomes } from './unwritten-outcomes.ts'

export interface OutboundOptions {
  readonly clock: Clock
  readonly log: Log
  readonly hostname: string
  readonly settings: DeliverySettings
  readonly findServers: ServerFinder
  readonly policies?: Pick<TlsPolicyFinder, 'find'> | undefined
  /** For reports to the domain (RFC 8460). */
  readonly noteTls?: ConnectionTerms['noteTls']
  readonly unwritten: Pick<UnwrittenOutcomes, 'room'>
}

const sweepMs = 1000

export class Outbound {
  readonly #options: OutboundOptions
  readonly #lanes = new Map<string, Lane>()
  readonly #budget: ConnectionBudget
  #sweep: Timer | undefined

  constructor(options: OutboundOptions) {
    this.#options = options
    this.#budget = new ConnectionBudget(options.settings.maxConnections)
  }

  enqueue(destination: Destination, attempt: RemoteAttempt): void {
    // RFC 8689 §4.1: "TLS-Required: No" goes against a policy too, so over connections of its own.
    const heedsPolicy = attempt.work.message.tls !== 'optional'
    const key = heedsPolicy ? destination.key : `${destination.key} whatever its TLS policy`
    let lane = this.#lanes.get(key)
    if (!lane) {
      lane = this.#createLane(destination, heedsPolicy)
      this.#lanes.set(key, lane)
      this.#sweep ??= this.#options.clock.every(sweepMs, () => this.#sweepLanes())
    }
    lane.enqueue(attempt)
  }

  /** No destination counts as unreachable before it has been tried again. */
  forgetUnreachable(): void {
    for (const lane of this.#lanes.values()) lane.forgetUnreachable()
  }

  /** Begins nothing more and returns what was not begun; what is under way goes on. */
  drain(): RemoteAttempt[] {
    return [...this.#lanes.values()].flatMap(lane => {
      lane.closeIdleSince(Infinity)
      return lane.abandonWaiting()
    })
  }

  /** Closes every connection, in the middle of a transaction too. Resolves when each of these has come to its end. */
  async close(): Promise<void> {
    this.#sweep?.cancel()
    this.#sweep = undefined
    const closed = [...this.#lanes.values()].map(lane => lane.closeAll())
    this.#lanes.clear()
    await Promise.all(closed)
  }

  // One timer for all idle connections, not one for each message.
  #sweepLanes(): void {
    const now = this.#options.clock.now()
    for (const [key, lane] of this.#lanes) {
      lane.closeIdleSince(now - idleConnectionMs)
      if (lane.isForgettable(now)) this.#lanes.delete(key)
    }
    if (this.#lanes.size > 0) return
    this.#sweep?.cancel()
    this.#sweep = undefined
  }

  #createLane(destination: Destination, heedsPolicy: boolean): Lane {
    const { clock, log, settings, findServers, unwritten } = this.#options
    return new Lane({
      clock,
      log,
      budget: this.#budget,
      unwritten,
      terms: this.#terms(destination, heedsPolicy),
      maxConnections: settings.maxConnectionsPerDestination,
      maxRecipientsPerTransaction: settings.maxRecipientsPerTransaction,
      findServers: () => findServers(destination),
    })
  }

  #terms(destination: Destination, heedsPolicy: boolean): ConnectionTerms {
    const { clock, hostname, noteTls, policies, settings } = this.#options
    const common: ConnectionTerms['common'] = {
      helloName: hostname,
      connectTimeoutMs: settings.connectTimeoutSeconds * 1000,
      commandTimeoutMs: settings.commandTimeoutSeconds * 1000,
      clock,
    }
    if (destination.kind !== 'smart-host') {
      const { tls } = settings
      const isPoliced = policies && heedsPolicy && destination.kind === 'domain' && tls !== 'never'
      return {
        common,
        tls,
        verifyCertificate: false,
        ...(isPoliced ? { findPolicy: () => policies.find(destination.domain), noteTls } : {}),
      }
    }
    const { smartHost } = destination
    const { username, password } = smartHost
    return {
      common,
      tls: smartHost.tls,
      // Opportunistic TLS takes what there is; a demanded one is worth its name only with a name that is checked.
      verifyCertificate: smartHost.verifyCertificate && smartHost.tls !== 'opportunistic',
      ...(username !== undefined && password !== undefined ? { auth: { username, password } } : {}),
    }
  }
}
