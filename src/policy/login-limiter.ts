// Brakes on guessing passwords. Failed log-ins count per network, per account as tried from one network, and per account as
// tried from anywhere. Where an account has logged in lately only what comes from that very address counts against it: else
// anybody could lock anybody out. For the same reason an account that is tried from everywhere is not closed to networks that
// have never been seen, but each of them has two tries (docs/adr/0029).
import { addressKey } from '../address/address-key.ts'
import { hostNetworkOf, neighbourhoodOf, siteOf } from '../address/networks.ts'
import { parseAddress } from '../address/parse-address.ts'
import { networkKnownForMs } from '../directory/known-networks.ts'
import type { Clock } from '../runtime/clock.ts'
import type { LoginRoom } from './login-turns.ts'
import {
  createSharedCountTable,
  type SharedCount,
  SharedCounts,
  type SharedCountTable,
} from './shared-counts.ts'

export interface LoginLimits {
  readonly windowMs: number
  /** From one network, whatever the names; and for one account, from wherever. */
  readonly maxPerNetwork: number
  /** For one account, from one network. */
  readonly maxPerAccount: number
  /** The longest that a refusal is held back; 0: none is. */
  readonly maxDelayMs: number
}

/** What fronts share. */
export interface LoginTables {
  readonly failures: SharedCountTable
  readonly successes: SharedCountTable
}

export function createLoginTables(): LoginTables {
  return { failures: createSharedCountTable(), successes: createSharedCountTable() }
}

export interface LoginBlock {
  /** ms since 1970 */
  readonly until: number
  /** What there was too much of: from the network; for the account from there; for the account from everywhere. */
  readonly by: 'network' | 'account-from-network' | 'account'
}

/** What failures are counted against. */
interface Measure {
  readonly by: LoginBlock['by']
  readonly key: string
  readonly most: number
  /** No longer than this. */
  readonly until?: number
}

const secondMs = 1000
/** Who logs in each minute is noted once in so long. */
const renewAfterMs = 86_400_000
/** Typing errors cost no time, and are forgiven while others guess. */
const freeFailures = 2
const firstDelayMs = 250

export class LoginLimiter {
  readonly #clock: Clock
  readonly #limits: LoginLimits
  readonly #failures: SharedCounts
  /** Networks from which accounts log in, as far as this server has seen it since its start. */
  readonly #successes: SharedCounts

  constructor(clock: Clock, limits: LoginLimits, tables: LoginTables = createLoginTables()) {
    this.#clock = clock
    this.#limits = limits
    this.#failures = new SharedCounts(tables.failures, limits.windowMs)
    this.#successes = new SharedCounts(tables.successes, networkKnownForMs)
  }

  /**
   * While it holds the answer is that of a wrong password, whatever the password is: hashing costs us more than asking costs
   * them. undefined: it may be tried. Where no name was given ('') only the network counts.
   */
  blockOf(remoteAddress: string, name: string): LoginBlock | undefined {
    for (const measure of this.#measuresFor(remoteAddress, name)) {
      const block = this.#blockBy(measure)
      if (block) return block
    }
    return undefined
  }

  /** How many more wrong passwords there may be, by what they count against. */
  roomsOf(remoteAddress: string, name: string): readonly LoginRoom[] {
    return this.#measuresFor(remoteAddress, name).map(({ key, most }) => ({
      key,
      left: most - (this.#read(key)?.count ?? 0),
    }))
  }

  #measuresFor(remoteAddress: string, name: string): readonly Measure[] {
    const network = neighbourhoodOf(remoteAddress)
    const { maxPerAccount, maxPerNetwork } = this.#limits
    const ofNetwork = { by: 'network', key: network, most: maxPerNetwork } as const
    if (name === '') return [ofNetwork]
    const isKnown = this.knows(remoteAddress, name)
    const place = isKnown ? hostNetworkOf(remoteAddress) : network
    const ofAccount = {
      by: 'account-from-network',
      key: accountKey(place, name),
      most: maxPerAccount,
    } as const
    if (isKnown) return [ofAccount]
    const everywhere = this.#everywhere(name)
    if (!everywhere) return [ofAccount, ofNetwork]
    // Of an account that is tried from everywhere, one place has no more tries than somebody who mistypes needs.
    const ofSite = {
      by: 'account',
      key: accountKey(siteOf(remoteAddress), name),
      most: Math.min(freeFailures, maxPerAccount),
      until: everywhere.until,
    } as const
    return [ofAccount, ofNetwork, ofSite]
  }

  /** How long the refusal of this attempt is to be held back: the longer, the more there have been. */
  delayOf(remoteAddress: string, name: string): number {
    const counts = keysOf(remoteAddress, name).map(key => this.#read(key)?.count ?? 0)
    const beyond = Math.max(...counts) - freeFailures
    return beyond > 0 ? Math.min(this.#limits.maxDelayMs, firstDelayMs * 2 ** Math.min(beyond - 1, 20)) : 0
  }

  /** `password`: where it is known, it or what stands for it; the same one again, from the same address with the same name, is no other guess. */
  failed(remoteAddress: string, name: string, password?: string): void {
    if (password !== undefined && this.#isRepeated(remoteAddress, name, password)) return
    for (const key of keysOf(remoteAddress, name)) this.#failures.add(key, this.#clock.now())
  }

  /**
   * Forgets the failures with this name from there; those of the network stay, or one account of his own would reset a guesser.
   * Returns whether that it logs in from there is news, to be kept.
   */
  succeeded(remoteAddress: string, name: string): boolean {
    for (const place of placesOf(remoteAddress)) this.#failures.forget(accountKey(place, name))
    const key = accountKey(neighbourhoodOf(remoteAddress), name)
    const now = this.#clock.now()
    const before = this.#successes.read(key, now)
    if (before && now - before.since < renewAfterMs) return false
    this.#successes.restart(key, now)
    return true
  }

  /** What failed with this name from there until then counts no more. */
  forgive(remoteAddress: string, name: string, until: number): void {
    for (const place of placesOf(remoteAddress)) {
      const key = accountKey(place, name)
      const failures = this.#read(key)
      // When they began is known to the second: what has failed within this one counts, or it would be forgiven again and again.
      if (failures && failures.since + secondMs <= until) this.#failures.forget(key)
    }
  }

  /** Whether the account has logged in from there lately, as far as this server has seen it or was told. */
  knows(remoteAddress: string, name: string): boolean {
    const key = accountKey(neighbourhoodOf(remoteAddress), name)
    return this.#successes.read(key, this.#clock.now()) !== undefined
  }

  /** It was seen elsewhere, or before this server was started; ms since 1970. */
  tell(remoteAddress: string, name: string, lastAt: number): void {
    this.#successes.restart(accountKey(neighbourhoodOf(remoteAddress), name), lastAt)
  }

  /** Somebody guesses the password of this account from many places. */
  isTriedEverywhere(name: string): boolean {
    return this.#everywhere(name) !== undefined
  }

  #everywhere(name: string): LoginBlock | undefined {
    return this.#blockBy({
      by: 'account',
      key: accountKey(anywhere, name),
      most: this.#limits.maxPerNetwork,
    })
  }

  /** Of the password only a keyed hash is kept, in memory. So many times, since each costs us as much as the first. */
  #isRepeated(remoteAddress: string, name: string, password: string): boolean {
    const key = accountKey(hostNetworkOf(remoteAddress), name)
    const now = this.#clock.now()
    const isFirst = this.#failures.add(`password ${key} ${password}`, now) === 1
    return !isFirst && this.#failures.add(`again ${key}`, now) <= this.#limits.maxPerNetwork
  }

  #blockBy({ by, key, most, until = Number.POSITIVE_INFINITY }: Measure): LoginBlock | undefined {
    const failures = this.#read(key)
    return failures && failures.count >= most
      ? { by, until: Math.min(until, failures.since + this.#limits.windowMs) }
      : undefined
  }

  #read(key: string): SharedCount | undefined {
    return this.#failures.read(key, this.#clock.now())
  }
}

/** No network's name. */
const anywhere = '*'
const maxNameCharacters = 320

function keysOf(remoteAddress: string, name: string): readonly string[] {
  const network = neighbourhoodOf(remoteAddress)
  if (name === '') return [network]
  return [network, ...[...placesOf(remoteAddress), anywhere].map(place => accountKey(place, name))]
}

/** The host, its network and the site, smallest first; some are the same. */
function placesOf(remoteAddress: string): readonly string[] {
  return [...new Set([hostNetworkOf(remoteAddress), neighbourhoodOf(remoteAddress), siteOf(remoteAddress)])]
}

/** However the name is written: else each spelling of it, with quotes, a final dot, a U-label, would have guesses of its own. */
function accountKey(network: string, name: string): string {
  const address = parseAddress(name)
  return `${network} ${address ? addressKey(address) : name.slice(0, maxNameCharacters).toLowerCase()}`
}
