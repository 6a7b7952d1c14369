// Mail that leaves this server: a gate to each receiver that mail is waiting for, and the lanes behind it.
import { isIP } from 'node:net'
import type { DeliverySettings } from '../../config/settings.ts'
import { destinationGate, type GateKey } from '../../queue/gates.ts'
import { type Destination, domainOf } from '../../routing/destination.ts'
import type { ServerFinder } from '../../routing/find-servers.ts'
import type { Site, SiteFinder } from '../../routing/site.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { Log } from '../../runtime/log.ts'
import type { ConnectSmtp } from '../../smtp/client/contract.ts'
import type { Storage } from '../../storage/operation.ts'
import type { TlsPolicyFinder } from '../../tls-policy/find-policy.ts'
import {
  type ConnectionSharing,
  createConnectionSharing,
  policedDomain,
} from '../transfer/connection-sharing.ts'
import { connectionTerms, ownServerTo } from '../transfer/connection-terms.ts'
import type { ConnectionTerms } from '../transfer/open-connection.ts'
import type { RemoteAttempt } from '../transfer/remote-attempt.ts'
import { UnresponsiveServers } from '../transfer/unresponsive-servers.ts'
import type { UnwrittenOutcomes } from '../unwritten-outcomes.ts'
import { Allowance } from './allowance.ts'
import { ConnectionBudget } from './connection-budget.ts'
import { DestinationHealth } from './destination-health.ts'
import { Gate } from './gate.ts'
import type { HealthRecords } from './health-records.ts'
import { idleConnectionMs, Lane } from './lane.ts'
import { type LaneKey, laneKey, poolKey } from './lane-key.ts'
import { shapingOf } from './shaping.ts'
import {
  poolFor,
  type Source,
  type SourcePool,
  type Sources,
  serversFrom,
  sourcesTo,
} from './source-pools.ts'
import { WarmUp } from './warm-up.ts'

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
}

const sweepMs = 1000
/** From a line whose gate is gone so many come at a time, to find theirs. */
const roomWithoutGate = 50

/** A receiver, as it is reached by a pool, or by its addresses of one kind: 'destination gmail from newsletter by IPv4'. */
export function gateOf(site: Site, pool: SourcePool, sources: Sources): GateKey {
  const isPart = sources.length < pool.sources.length
  const kind = isPart ? ` by IPv${isIP(sources[0].address ?? '')}` : ''
  return destinationGate(`${poolKey(site.key, pool.name)}${kind}`)
}

export class Outbound {
  readonly #options: OutboundOptions
  readonly #gates = new Map<GateKey, Gate>()
  readonly #lanes = new Map<LaneKey, Lane>()
  readonly #budget: ConnectionBudget
  /** By address. */
  readonly #warmUps: ReadonlyMap<string | undefined, WarmUp>
  #doors: Doorkeeping = {
    hasLine: () => false,
    roomLeft: () => 1,
    roomAgain() {},
  }
  #sweep: Timer | undefined
  readonly #policies: OutboundOptions['policies']
  readonly #sharing: ConnectionSharing
  readonly #unresponsive: UnresponsiveServers
  #isDrained = false

  constructor(options: OutboundOptions) {
    const { clock, findServers, policies, settings, storage } = options
    this.#options = options
    this.#budget = new ConnectionBudget(settings.maxConnections)
    this.#warmUps = new Map(
      settings.sourcePools
        .flatMap(({ sources }) => sources)
        .map(source => [source.address, new WarmUp({ storage, clock, ...source })]),
    )
    this.#policies = settings.tls === 'never' ? undefined : policies
    this.#unresponsive = new UnresponsiveServers(clock)
    this.#sharing = createConnectionSharing({ policies: this.#policies, findServers, clock })
  }

  start(doors: Doorkeeping): void {
    this.#doors = doors
  }

  /** Never rejects. */
  findSite(destination: Destination): Promise<Site> {
    return this.#options.findSite(destination)
  }

  /**
   * Sends it, or has it stand in line. `from`: the gate at which it has stood. False: nothing is begun any more. Never
   * rejects.
   */
  async admit(attempt: RemoteAttempt, from: GateKey | undefined): Promise<boolean> {
    const { destination } = attempt
    const site = await this.findSite(destination)
    const { sourcePools } = this.#options.settings
    // From where mail leaves for others is no matter of a server of ours.
    const pools = destination.kind === 'lmtp' ? [] : sourcePools
    const pool = poolFor(pools, attempt.work.message, site, domainOf(destination))
    const sources = await this.#sourcesTo(pool, destination)
    if (this.#isDrained) return false
    const gate = this.#gateTo(gateOf(site, pool, sources), site, destination, sources)
    if (attempt.isAskedFor) gate.reopen()
    const isBefore = !attempt.isAskedFor && from !== gate.key && this.#doors.hasLine(gate.key)
    if (attempt.isSuspect || (gate.room > 0 && !isBefore)) gate.enqueue(attempt)
    else attempt.stand(gate.key, gate.closure)
    return true
  }

  roomBehind(gate: GateKey): number {
    return this.#gates.get(gate)?.roomForLine ?? roomWithoutGate
  }

  async #sourcesTo(pool: SourcePool, destination: Destination): Promise<Sources> {
    // One alone is no choice.
    return pool.sources.length === 1
      ? pool.sources
      : sourcesTo(pool, await this.#options.findServers(destination))
  }

  #gateTo(key: GateKey, site: Site, destination: Destination, sources: Sources): Gate {
    const known = this.#gates.get(key)
    if (known) return known
    const gate = new Gate(
      key,
      sources.map(source => this.#laneTo(site, destination, source)),
    )
    this.#gates.set(key, gate)
    this.#sweep ??= this.#options.clock.every(sweepMs, () => this.#sweepLanes())
    return gate
  }

  #laneTo(site: Site, destination: Destination, source: Source): Lane {
    const key = laneKey(site.key, source.address)
    const known = this.#lanes.get(key)
    if (known) return known
    const lane = this.#createLane(key, site, destination, source)
    this.#lanes.set(key, lane)
    return lane
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
    this.#gates.clear()
    await Promise.all(closed)
  }

  // One timer for all idle connections, not one for each message.
  #sweepLanes(): void {
    const now = this.#options.clock.now()
    for (const lane of this.#lanes.values()) lane.closeIdleSince(now - idleConnectionMs)
    for (const gate of this.#gates.values()) if (gate.isForgettable) this.#gates.delete(gate.key)
    const behindGates = new Set([...this.#gates.values()].flatMap(({ lanes }) => lanes))
    for (const [key, lane] of this.#lanes) {
      if (behindGates.has(lane)) continue
      this.#lanes.delete(key)
      void lane.giveBackAllowance()
    }
    // One that was closed may have opened by the time alone.
    this.#doors.roomAgain()
    if (this.#lanes.size > 0) return
    this.#sweep?.cancel()
    this.#sweep = undefined
  }

  #createLane(key: LaneKey, site: Site, destination: Destination, source: Source): Lane {
    const { clock, log, settings, findServers, healthRecords, storage, unwritten } = this.#options
    const rules = shapingOf(settings, site, domainOf(destination))
    const terms: ConnectionTerms = {
      ...connectionTerms(this.#options, destination, source),
      unresponsive: this.#unresponsive,
    }
    const warmUp = this.#warmUps.get(source.address)
    return new Lane({
      clock,
      log,
      budget: this.#budget,
      unwritten,
      termsOf: attempt => ({
        ...terms,
        ...ownServerTo(attempt.destination, this.#options.hostname),
        ...this.#policyTerms(attempt),
      }),
      sharing: this.#sharing,
      rules,
      health: new DestinationHealth({
        clock,
        maxConnections: rules.maxConnections,
        known: healthRecords.of(key),
        changed: record => healthRecords.keep(key, record),
      }),
      allowance: new Allowance({
        storage,
        clock,
        key: `destination ${key}`,
        name: site.key,
        limitsNow: async () => [...rules.limits, ...((await warmUp?.limits()) ?? [])],
      }),
      source,
      findServers: async wanted => serversFrom(source, await findServers(wanted)),
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
