// How much strangers may bring in a time, by the network that they come from. From where wanted mail comes there may be more of
// it, and after a day as much as there is, so that no large provider meets a limit, and nobody who is new floods this server;
// but whoever it is, he names hardly more recipients that do not exist than such as do.
import {
  isInNetworks,
  isPrivateAddress,
  type Network,
  neighbourhoodOf,
  parseNetwork,
  siteOf,
} from '../address/networks.ts'
import type { StrangerLimitSettings } from '../config/settings.ts'
import { remember } from '../mail-authentication/remember.ts'
import type { Clock } from '../runtime/clock.ts'
import { replies } from '../smtp/replies.ts'
import type { Reply } from '../smtp/reply.ts'
import type { Client } from '../smtp/server/services.ts'
import { isStranger } from './check-strangers.ts'
import { createSharedCountTable, SharedCounts, type SharedCountTable } from './shared-counts.ts'

export type StrangersBring = 'connections' | 'messages' | 'recipients' | 'refusedRecipients'

/** For the trail. */
export interface ReachedLimit {
  readonly what: StrangersBring
  /** '192.0.2.0/24' */
  readonly network: string
  readonly most: number
  readonly per: Span
  /** ms since 1970 */
  readonly until: number
}

/** What fronts share. */
export interface StrangerTables {
  readonly minute: SharedCountTable
  readonly hour: SharedCountTable
  readonly standing: SharedCountTable
}

export function createStrangerTables(): StrangerTables {
  return {
    minute: createSharedCountTable(),
    hour: createSharedCountTable(),
    standing: createSharedCountTable(),
  }
}

type Span = 'minute' | 'hour'

const spans = ['minute', 'hour'] as const
const hourMs = 3_600_000
const spanMs: Readonly<Record<Span, number>> = { minute: 60_000, hour: hourMs }
const standingMs = 30 * 24 * hourMs
/** Of so many messages that were wanted, and of one that was not at most for so many that were, a network is known. */
const knownAfter = 20
const wantedForEach = 4
/** Then it may bring so many times as much, and when the first of them is so old without limit. */
const timesOfKnown = 10
const trustedAfterMs = 24 * hourMs

const most = {
  connections: { minute: 'connectionsPerMinute', hour: 'connectionsPerHour' },
  messages: { minute: 'messagesPerMinute', hour: 'messagesPerHour' },
  recipients: { minute: 'recipientsPerMinute', hour: 'recipientsPerHour' },
  refusedRecipients: { minute: 'refusedRecipientsPerMinute', hour: 'refusedRecipientsPerHour' },
} as const satisfies Record<StrangersBring, Record<Span, keyof StrangerLimitSettings>>

/** 'limits.strangers.connectionsPerMinute' */
export function settingOf({ what, per }: Pick<ReachedLimit, 'what' | 'per'>): string {
  return `limits.strangers.${most[what][per]}`
}

export class StrangerLimits {
  readonly #settings: StrangerLimitSettings
  readonly #clock: Clock
  readonly #counts: Readonly<Record<Span, SharedCounts>>
  readonly #standing: SharedCounts
  /** Of an address; asked several times for each message. */
  readonly #countedNetworksOf: (address: string) => readonly string[]

  constructor(
    settings: StrangerLimitSettings,
    clock: Clock,
    tables: StrangerTables = createStrangerTables(),
  ) {
    this.#settings = settings
    const exempt = settings.exempt.flatMap(text => parseNetwork(text) ?? [])
    this.#countedNetworksOf = remember(address => countedNetworksOf(address, exempt))
    this.#clock = clock
    this.#counts = {
      minute: new SharedCounts(tables.minute, spanMs.minute),
      hour: new SharedCounts(tables.hour, spanMs.hour),
    }
    this.#standing = new SharedCounts(tables.standing, standingMs)
  }

  /** Of one more of these: the limit that it would go beyond. */
  find(client: Client, what: StrangersBring): ReachedLimit | undefined {
    let times = 1
    for (const network of this.#networksOf(client)) {
      // Whose own mail is wanted does not answer for the others of its site.
      times = Math.max(times, this.#timesAsMuch(network, what))
      const limit = this.#findOf(network, what, times)
      if (limit) return limit
    }
    return undefined
  }

  #findOf(network: string, what: StrangersBring, times: number): ReachedLimit | undefined {
    for (const per of spans) {
      const setting = this.#settings[most[what][per]]
      if (setting === 0) continue
      const limit = setting * times
      const counted = this.#counts[per].read(keyOf(network, what), this.#clock.now())
      if (!counted || counted.count < limit + this.#allowance(network, what, per)) continue
      return {
        what,
        network,
        most: limit,
        per,
        until: counted.since + spanMs[per],
      }
    }
    return undefined
  }

  count(client: Client, what: StrangersBring): void {
    const now = this.#clock.now()
    for (const network of this.#networksOf(client))
      for (const per of spans) this.#counts[per].add(keyOf(network, what), now)
  }

  /** Half of what is too much: its answers are to be held back. */
  isGuessing(client: Client): boolean {
    return this.#networksOf(client).some(network =>
      spans.some(per => {
        const limit = this.#settings[most.refusedRecipients[per]]
        const refused = this.#counts[per].read(keyOf(network, 'refusedRecipients'), this.#clock.now())
        const allowance = this.#allowance(network, 'refusedRecipients', per)
        return limit > 0 && refused !== undefined && refused.count > limit / 2 + allowance
      }),
    )
  }

  /** What came of a message, once that is known for good. */
  note(client: Client, isWanted: boolean): void {
    const now = this.#clock.now()
    for (const network of this.#networksOf(client)) this.#standing.add(standingKey(network, isWanted), now)
  }

  /** A server with many users here names some that have gone; who guesses names hardly any other. */
  #allowance(network: string, what: StrangersBring, per: Span): number {
    if (what !== 'refusedRecipients') return 0
    return this.#counts[per].read(keyOf(network, 'recipients'), this.#clock.now())?.count ?? 0
  }

  #timesAsMuch(network: string, what: StrangersBring): number {
    if (what === 'refusedRecipients') return 1
    const now = this.#clock.now()
    const wanted = this.#standing.read(standingKey(network, true), now)
    if (!wanted || wanted.count < knownAfter) return 1
    const unwanted = this.#standing.read(standingKey(network, false), now)?.count ?? 0
    if (wanted.count < wantedForEach * unwanted) return 1
    return now - wanted.since < trustedAfterMs ? timesOfKnown : Number.POSITIVE_INFINITY
  }

  /**
   * The narrowest first; none: nobody who is counted. Of IPv6 a /64 costs nothing, so who has a /48 is counted by that too.
   * Addresses that are none of the internet are those of neighbours, or of a proxy that everybody comes through.
   */
  #networksOf(client: Client): readonly string[] {
    return isStranger(client) ? this.#countedNetworksOf(client.remoteAddress) : []
  }
}

function countedNetworksOf(address: string, exempt: readonly Network[]): readonly string[] {
  if (isPrivateAddress(address) || isInNetworks(address, exempt)) return []
  return [...new Set([neighbourhoodOf(address), siteOf(address)])]
}

/** `hostname`: of this server, where the connection ends with it. */
export function replyTo(limit: ReachedLimit, hostname: string): Reply {
  const { what, network, most: count, per, until } = limit
  switch (what) {
    case 'connections':
      return replies.tooManyConnectionsInTime(hostname, count, per, network, until)
    case 'refusedRecipients':
      return replies.tooManyUnknownRecipients(hostname, count, per, network, until)
    case 'messages':
    case 'recipients':
      return replies.tooMuchInTime(what, count, per, network, until)
    default:
      return what satisfies never
  }
}

function keyOf(network: string, what: StrangersBring): string {
  return `${what} ${network}`
}

function standingKey(network: string, isWanted: boolean): string {
  return `${isWanted ? 'wanted' : 'unwanted'} ${network}`
}
