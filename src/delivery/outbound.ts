// Mail that leaves this server: a lane to each destination that mail is waiting for.
import type { DeliverySettings } from '../config/settings.ts'
import type { Destination } from '../routing/destination.ts'
import type { ServerFinder } from '../routing/find-servers.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { ConnectionBudget } from './connection-budget.ts'
import { connectionTerms } from './connection-terms.ts'
import { idleConnectionMs, Lane } from './lane.ts'
import type { RemoteAttempt } from './remote-attempt.ts'
import type { UnwrittenOutcomes } from './unwritten-outcomes.ts'

export interface OutboundOptions {
  readonly clock: Clock
  readonly log: Log
  readonly hostname: string
  readonly settings: DeliverySettings
  readonly findServers: ServerFinder
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
    let lane = this.#lanes.get(destination.key)
    if (!lane) {
      lane = this.#createLane(destination)
      this.#lanes.set(destination.key, lane)
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

  #createLane(destination: Destination): Lane {
    const { clock, log, settings, findServers, unwritten } = this.#options
    return new Lane({
      clock,
      log,
      budget: this.#budget,
      unwritten,
      terms: connectionTerms(this.#options, destination),
      maxConnections: settings.maxConnectionsPerDestination,
      maxRecipientsPerTransaction: settings.maxRecipientsPerTransaction,
      findServers: () => findServers(destination),
    })
  }
}
