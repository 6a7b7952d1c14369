// Mail that leaves this server: a lane to each receiver that mail is waiting for.
import type { DeliverySettings } from '../config/settings.ts'
import { destinationGate, type GateKey } from '../queue/gates.ts'
import type { Destination } from '../routing/destination.ts'
import type { ServerFinder } from '../routing/find-servers.ts'
import type { Site, SiteFinder } from '../routing/site.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { ConnectSmtp } from '../smtp/client/contract.ts'
import type { Storage } from '../storage/operation.ts'
import type { TlsPolicyFinder } from '../tls-policy/find-policy.ts'
import { Allowance } from './allowance.ts'
import { ConnectionBudget } from './connection-budget.ts'
import { type ConnectionSharing, createConnectionSharing, policedDomain } from './connection-sharing.ts'
import { connectionTerms } from './connection-terms.ts'
import { DestinationHealth } from './destination-health.ts'
import type { HealthRecords } from './health-records.ts'
import { idleConnectionMs, Lane } from './lane.ts'
import type { ConnectionTerms } from './open-connection.ts'
import type { RemoteAttempt } from './remote-attempt.ts'
import { shapingOf } from './shaping.ts'
import type { UnwrittenOutcomes } from './unwritten-outcomes.ts'

export interface OutboundOptions {
  readonly clock: Clock
  readonly log: Log
  readonly hostname: string
  readonly settings: DeliverySettings
  /** Default: over the network. */
  readonly connect?: ConnectSmtp | undefined
  readonly findServers: ServerFinder
  readonly findSite: SiteFinder
  readonly storage: Pick<Storage, 'run'>
  readonly healthRecords: HealthRecords
  readonly policies?: Pick<TlsPolicyFinder, 'find'> | undefined
  /** For reports to the domain (RFC 8460). */
  readonly noteTls?: ConnectionTerms['noteTls']
  readonly unwritten: Pick<UnwrittenOutcomes, 'room'>
}

/** What the lanes need of whoever lets mail in. */
export interface Doorkeeping {
  /** Somebody stands in line there, and is before all who come. */
  readonly hasLine: (gate: GateKey) => boolean
  /** 0 … 1: how much of all room for what is under way is left. */
  readonly roomLeft: () => number
  readonly roomAgain: () => void
  /** The part of the queue that mail for it belongs to, where that is another server's. */
  readonly shardElsewhere: (site: Site) => number | undefined
}

const sweepMs = 1000
/** From a line whose lane is gone so many come at a time, to find theirs. */
const roomWithoutLane = 50

export function gateOf(site: Pick<Site, 'key'>): GateKey {
  return destinationGate(site.key)
}

export class Outbound {
  readonly #options: OutboundOptions
  readonly #lanes = new Map<GateKey, Lane>()
  readonly #budget: ConnectionBudget
  #doors: Doorkeeping = {
    hasLine: () => false,
    roomLeft: () => 1,
    roomAgain() {},
    shardElsewhere: () => undefined,
  }
  #sweep: Timer | undefined
  readonly #policies: OutboundOptions['policies']
  readonly #sharing: ConnectionSharing
  #isDrained = false

  constructor(options: OutboundOptions) {
    const { clock, findServers, policies, settings } = options
    this.#options = options
    this.#budget = new ConnectionBudget(settings.maxConnections)
    this.#policies = settings.tls === 'never' ? undefined : policies
    this.#sharing = createConnectionSharing({ policies: this.#policies, findServers, clock })
  }

  start(doors: Doorkeeping): void {
    this.#doors = doors
  }

  /**
   * Sends it, or has it stand in line. `from`: the gate at which it has stood. False: nothing is begun any more. Never
   * rejects.
   */
  async admit(attempt: RemoteAttempt, from: GateKey | undefined): Promise<boolean> {
    const { destination } = attempt
    const site = await this.#options.findSite(destination)
    if (this.#isDrained) return false
    const elsewhere = this.#doors.shardElsewhere(site)
    if (elsewhere !== undefined) {
      attempt.moveTo(elsewhere)
      return true
    }
    const lane = this.#laneTo(site, destination)
    const isBefore = from !== lane.gate && this.#doors.hasLine(lane.gate)
    if (attempt.isSuspect || (lane.room > 0 && !isBefore)) lane.enqueue(attempt)
    else lane.stand(attempt)
    return true
  }

  roomBehind(gate: GateKey): number {
    return this.#lanes.get(gate)?.room ?? roomWithoutLane
  }

  #laneTo(site: Site, destination: Destination): Lane {
    const gate = gateOf(site)
    const known = this.#lanes.get(gate)
    if (known) return known
    const lane = this.#createLane(site, destination)
    this.#lanes.set(gate, lane)
    this.#sweep ??= this.#options.clock.every(sweepMs, () => this.#sweepLanes())
    return lane
  }

  /** No destination counts as unreachable before it has been tried again. */
  forgetUnreachable(): void {
    for (const lane of this.#lanes.values()) lane.forgetUnreachable()
  }

  /** Begins nothing more and returns what was not begun; what is under way goes on. */
  drain(): RemoteAttempt[] {
    this.#isDrained = true
    return [...this.#lanes.values()].flatMap(lane => {
      lane.closeIdleSince(Infinity)
      return lane.abandonWaiting()
    })
  }

  /** Closes every connection, in the middle of a transaction too. Resolves when each of these has come to its end. */
  async close(): Promise<void> {
    this.#sweep?.cancel()
    this.#sweep = undefined
    this.#isDrained = true
    const closed = [...this.#lanes.values()].map(lane => lane.closeAll())
    this.#lanes.clear()
    await Promise.all(closed)
  }

  // One timer for all idle connections, not one for each message.
  #sweepLanes(): void {
    const now = this.#options.clock.now()
    for (const [gate, lane] of this.#lanes) {
      lane.closeIdleSince(now - idleConnectionMs)
      if (!lane.isForgettable) continue
      this.#lanes.delete(gate)
      void lane.giveBackAllowance()
    }
    // One that was closed may have opened by the time alone.
    this.#doors.roomAgain()
    if (this.#lanes.size > 0) return
    this.#sweep?.cancel()
    this.#sweep = undefined
  }

  #createLane(site: Site, destination: Destination): Lane {
    const { clock, log, settings, findServers, healthRecords, storage, unwritten } = this.#options
    const domain = 'domain' in destination ? destination.domain : ''
    const rules = shapingOf(settings, site, domain)
    const gate = gateOf(site)
    const terms = connectionTerms(this.#options, destination)
    return new Lane({
      clock,
      log,
      budget: this.#budget,
      unwritten,
      termsOf: attempt => ({ ...terms, ...this.#policyTerms(attempt) }),
      sharing: this.#sharing,
      gate,
      rules,
      health: new DestinationHealth({
        clock,
        maxConnections: rules.maxConnections,
        known: healthRecords.of(site.key),
        changed: record => healthRecords.keep(site.key, record),
      }),
      allowance: new Allowance({ storage, clock, key: gate, name: site.key, limits: rules.limits }),
      findServers,
      roomLeft: () => this.#doors.roomLeft(),
      roomAgain: () => this.#doors.roomAgain(),
    })
  }

  #policyTerms(attempt: RemoteAttempt): Pick<ConnectionTerms, 'findPolicy' | 'noteTls'> {
    const { noteTls } = this.#options
    const domain = policedDomain(attempt)
    const policies = this.#policies
    return domain === undefined || !policies ? {} : { findPolicy: () => policies.find(domain), noteTls }
  }
}
