// Aliases and groups that lead to one another: a chain that comes back to itself, or is longer than delivery follows,
// brings its mail to nobody.

import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { displayAddress } from './display.ts'
import { splitSubaddress, subaddressSeparator } from './keys.ts'

/** RFC 5321 §6.3: so many redirections delivery follows, one after the other. */
export const maxExpansions = 10

/** All of it by `addressKey`: what `resolveRecipient` asks the database for. */
export interface RedirectionGraph {
  /** Those of a catch-all stand under '@example.test'. */
  readonly targets: ReadonlyMap<string, readonly string[]>
  /** The accounts, at least those that targets name. */
  readonly accounts: ReadonlySet<string>
  /** By domain, where one was chosen. */
  readonly postmasters: ReadonlyMap<string, string>
}

/** The keys of what leads from one to the next; a loop ends with what it starts with. */
export interface ChainProblem {
  readonly kind: 'loop' | 'too-long'
  readonly chain: readonly string[]
}

export class RedirectionChains {
  readonly #targets: Map<string, readonly string[]>
  readonly #accounts: ReadonlySet<string>
  readonly #predecessors = new Map<string, string[]>()

  constructor({ targets, accounts, postmasters }: RedirectionGraph) {
    this.#targets = new Map(targets)
    this.#accounts = accounts
    for (const [domain, postmaster] of postmasters) this.#addRole(`postmaster@${domain}`, [postmaster])
    // abuse@ goes where postmaster@ goes.
    for (const [key, itsTargets] of this.#targets)
      if (key.startsWith('postmaster@')) this.#addRole(key.replace('postmaster', 'abuse'), itsTargets)
    for (const key of this.#targets.keys()) {
      for (const next of this.#next(key)) {
        const known = this.#predecessors.get(next)
        if (known) known.push(key)
        else this.#predecessors.set(next, [key])
      }
    }
  }

  /** Of the chains through this redirection. */
  problemOf(key: string): ChainProblem | undefined {
    const after = follow(key, from => this.#next(from))
    if (after.at(-1) === key) return { kind: 'loop', chain: [key, ...after] }
    const before = follow(key, from => this.#predecessors.get(from) ?? [])
    const chain = [...before.toReversed(), key, ...after]
    return chain.length > maxExpansions ? { kind: 'too-long', chain } : undefined
  }

  /** The redirection that takes the mail of a target; undefined: an account does, or another server, or nobody. */
  redirectionOf(target: string): string | undefined {
    if (this.#accounts.has(target)) return undefined
    if (this.#targets.has(target)) return target
    const catchAll = target.slice(target.lastIndexOf('@'))
    const base = target.includes(subaddressSeparator) ? splitSubaddress(addressOf(target))?.base : undefined
    if (base) {
      const key = addressKey(base)
      if (this.#accounts.has(key)) return undefined
      if (this.#targets.has(key)) return key
    }
    return this.#targets.has(catchAll) ? catchAll : undefined
  }

  #next(key: string): string[] {
    const targets = this.#targets.get(key) ?? []
    return targets.map(target => this.redirectionOf(target)).filter(next => next !== undefined)
  }

  #addRole(key: string, targets: readonly string[]): void {
    if (!this.#targets.has(key) && !this.#accounts.has(key)) this.#targets.set(key, targets)
  }
}

/** The longest way from `start`, without it, as far as delivery would go; the shortest way back to it if there is one. */
function follow(start: string, next: (key: string) => readonly string[]): readonly string[] {
  let longest: readonly string[] = []
  let ways = new Map<string, readonly string[]>([[start, []]])
  for (let step = 1; step <= maxExpansions; step++) {
    const further = new Map<string, readonly string[]>()
    for (const [key, way] of ways)
      for (const following of next(key))
        if (!further.has(following)) further.set(following, [...way, following])
    const back = further.get(start)
    if (back) return back
    ways = further
    longest = further.values().next().value ?? longest
  }
  return longest
}

function addressOf(key: string): Address {
  const at = key.lastIndexOf('@')
  return { localPart: key.slice(0, at), domain: key.slice(at + 1) }
}

/** What is wrong and what to do; `addresses`: those of the chain. */
export function describeChainProblem(kind: ChainProblem['kind'], addresses: readonly Address[]): string {
  const chain = addresses.map(displayAddress).join(' → ')
  return kind === 'loop'
    ? `This closes a loop in which mail would go round and never arrive: ${chain}. Leave one of these steps out.`
    : `More than ${maxExpansions} aliases and groups would lead from one to the next, and delivery follows no more: ${chain}. ` +
        'Let the first lead straight to where its mail is to go.'
}
