// Brakes on guessing passwords. Failed log-ins count per network, per account as tried from one network, and per account as
// tried from anywhere. Where an account has logged in lately it still gets in while strangers try it: else anybody could lock
// anybody out.
import { neighbourhoodOf } from '../address/networks.ts'
import type { Clock } from '../runtime/clock.ts'
import { createLoginCountTable, type LoginCount, LoginCounts, type LoginCountTable } from './login-counts.ts'

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
  readonly failures: LoginCountTable
  readonly successes: LoginCountTable
}

export function createLoginTables(): LoginTables {
  return { failures: createLoginCountTable(), successes: createLoginCountTable() }
}

export interface LoginBlock {
  /** ms since 1970 */
  readonly until: number
  /** What there was too much of: from the network; for the account from there; for the account from everywhere. */
  readonly by: 'network' | 'account-from-network' | 'account'
}

/** So long a network is known as one from which an account logs in. */
const knownMs = 30 * 86_400_000
/** Typing errors cost no time. */
const freeFailures = 2
const firstDelayMs = 250

export class LoginLimiter {
  readonly #clock: Clock
  readonly #limits: LoginLimits
  readonly #failures: LoginCounts
  readonly #successes: LoginCounts

  constructor(clock: Clock, limits: LoginLimits, tables: LoginTables = createLoginTables()) {
    this.#clock = clock
    this.#limits = limits
    this.#failures = new LoginCounts(tables.failures, limits.windowMs)
    this.#successes = new LoginCounts(tables.successes, knownMs)
  }

  /**
   * While it holds the answer is that of a wrong password, whatever the password is: hashing costs us more than asking costs
   * them. undefined: it may be tried. Where no name was given ('') only the network counts.
   */
  blockOf(remoteAddress: string, name: string): LoginBlock | undefined {
    const network = neighbourhoodOf(remoteAddress)
    const { maxPerAccount, maxPerNetwork } = this.#limits
    if (name === '') return this.#blockBy('network', network, maxPerNetwork)
    const own = this.#blockBy('account-from-network', accountKey(network, name), maxPerAccount)
    if (own || this.#successes.read(accountKey(network, name), this.#clock.now())) return own
    return (
      this.#blockBy('network', network, maxPerNetwork) ??
      this.#blockBy('account', accountKey(anywhere, name), maxPerNetwork)
    )
  }

  /** How long the refusal of this attempt is to be held back: the longer, the more there have been. */
  delayOf(remoteAddress: string, name: string): number {
    const counts = keysOf(remoteAddress, name).map(key => this.#read(key)?.count ?? 0)
    const beyond = Math.max(...counts) - freeFailures
    return beyond > 0 ? Math.min(this.#limits.maxDelayMs, firstDelayMs * 2 ** Math.min(beyond - 1, 20)) : 0
  }

  failed(remoteAddress: string, name: string): void {
    for (const key of keysOf(remoteAddress, name)) this.#failures.add(key, this.#clock.now())
  }

  /** Forgets the failures with this name from there; those of the network stay, or one account of his own would reset a guesser. */
  succeeded(remoteAddress: string, name: string): void {
    const key = accountKey(neighbourhoodOf(remoteAddress), name)
    this.#failures.forget(key)
    this.#successes.restart(key, this.#clock.now())
  }

  #blockBy(by: LoginBlock['by'], key: string, most: number): LoginBlock | undefined {
    const failures = this.#read(key)
    return failures && failures.count >= most
      ? { by, until: failures.since + this.#limits.windowMs }
      : undefined
  }

  #read(key: string): LoginCount | undefined {
    return this.#failures.read(key, this.#clock.now())
  }
}

/** No network's name. */
const anywhere = '*'
const maxNameCharacters = 320

function keysOf(remoteAddress: string, name: string): readonly string[] {
  const network = neighbourhoodOf(remoteAddress)
  return name === '' ? [network] : [network, accountKey(network, name), accountKey(anywhere, name)]
}

function accountKey(network: string, name: string): string {
  return `${network} ${name.slice(0, maxNameCharacters).toLowerCase()}`
}
