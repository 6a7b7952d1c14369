// Brakes on guessing passwords: failed log-ins count per network, and per account as tried from one network. An account
// alone is never blocked, or anybody could lock anybody out. Counts are of this thread and of the last quarter of an hour.
import { isIPv4 } from 'node:net'
import { hostNetworkOf } from '../address/networks.ts'
import type { Clock } from '../runtime/clock.ts'

export interface LoginLimits {
  readonly windowMs: number
  readonly maxPerNetwork: number
  readonly maxPerAccount: number
}

const defaultLimits: LoginLimits = { windowMs: 15 * 60_000, maxPerNetwork: 100, maxPerAccount: 10 }

// A stranger chooses names and addresses, so what is remembered of them is bounded; the oldest is forgotten first.
const maxRemembered = 20_000

interface Failures {
  count: number
  readonly since: number
}

export class LoginLimiter {
  readonly #clock: Clock
  readonly #limits: LoginLimits
  readonly #failures = new Map<string, Failures>()

  constructor(clock: Clock, limits: LoginLimits = defaultLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  /**
   * Until then, ms since 1970, the answer is that of a wrong password, whatever the password is: hashing costs us more
   * than asking costs them. undefined: it may be tried.
   */
  blockedUntil(remoteAddress: string, name: string): number | undefined {
    const network = networkOf(remoteAddress)
    const { maxPerAccount, maxPerNetwork } = this.#limits
    const ends = [
      this.#endOf(network, maxPerNetwork),
      this.#endOf(accountKey(network, name), maxPerAccount),
    ].filter(end => end !== undefined)
    return ends.length > 0 ? Math.max(...ends) : undefined
  }

  failed(remoteAddress: string, name: string): void {
    const network = networkOf(remoteAddress)
    this.#add(network)
    this.#add(accountKey(network, name))
  }

  /** Forgets the failures with this name; those of the network stay, or one account of his own would reset a guesser. */
  succeeded(remoteAddress: string, name: string): void {
    this.#failures.delete(accountKey(networkOf(remoteAddress), name))
  }

  #endOf(key: string, most: number): number | undefined {
    if (this.#count(key) < most) return undefined
    return (this.#failures.get(key)?.since ?? 0) + this.#limits.windowMs
  }

  #count(key: string): number {
    const failures = this.#failures.get(key)
    return failures && this.#clock.now() - failures.since < this.#limits.windowMs ? failures.count : 0
  }

  #add(key: string): void {
    const count = this.#count(key)
    const since = count > 0 ? (this.#failures.get(key)?.since ?? 0) : this.#clock.now()
    // Removed and set again, so that the order of the map is the order of the last failure.
    this.#failures.delete(key)
    this.#failures.set(key, { count: count + 1, since })
    const oldest = this.#failures.keys().next()
    if (this.#failures.size > maxRemembered && !oldest.done) this.#failures.delete(oldest.value)
  }
}

// Whoever guesses from an IPv4 address may change it within its /24.
function networkOf(remoteAddress: string): string {
  const host = hostNetworkOf(remoteAddress)
  return isIPv4(host) ? host.slice(0, host.lastIndexOf('.')) : host
}

const maxNameCharacters = 320

function accountKey(network: string, name: string): string {
  return `${network} ${name.slice(0, maxNameCharacters).toLowerCase()}`
}
