// RFC 5321 §6.3: a message that an alias, group or catch-all has sent on before, and that is back at it.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { defineRead, type Tx } from '../storage/operation.ts'
import { type ResolvedRecipient, resolveRecipient } from './resolve-recipient.ts'

export interface LoopQuestion {
  readonly recipients: readonly Address[]
  /** Those that its Delivered-To fields name. */
  readonly passed: readonly Address[]
  /** As in `RecipientQuestion`. */
  readonly hostname: string
}

/** So many addresses are looked at for a message; the rest is left to the limit on Received fields. */
const maxLookups = 1000

/**
 * The first of the recipients that leads, by itself or by others, to an address that the message has passed and that
 * would send it out of this server again. What stays here goes round no further: a mailbox may get it once more.
 */
export const findLoop = defineRead(
  'directory.find-loop',
  async (tx, { recipients, passed, hostname }: LoopQuestion): Promise<Address | undefined> => {
    // Nearly always it is elsewhere that a message has been before.
    if (!(await hasOwnDomain(tx, passed, hostname))) return undefined
    const passedKeys = new Set(passed.map(addressKey))
    const expansion = new Expansion(tx, hostname)
    for (const recipient of recipients) {
      for await (const { address, resolved } of expansion.follow(recipient)) {
        if (resolved.kind !== 'redirection' || !passedKeys.has(addressKey(address))) continue
        for await (const target of expansion.follow(address)) if (leavesHere(target)) return recipient
      }
    }
    return undefined
  },
)

async function hasOwnDomain(tx: Tx, addresses: readonly Address[], hostname: string): Promise<boolean> {
  for (const domain of new Set(addresses.map(address => address.domain))) {
    if (domain === hostname.toLowerCase()) return true
    if (await tx.get('SELECT 1 AS found FROM domain WHERE name = ?', domain)) return true
  }
  return false
}

interface Followed {
  readonly address: Address
  readonly resolved: ResolvedRecipient
}

function leavesHere({ resolved: { kind } }: Followed): boolean {
  return kind === 'foreign-domain' || kind === 'relay-domain'
}

class Expansion {
  readonly #tx: Tx
  readonly #hostname: string
  #lookups = 0

  constructor(tx: Tx, hostname: string) {
    this.#tx = tx
    this.#hostname = hostname
  }

  /** The address, and all to which it leads, each once. */
  async *follow(start: Address): AsyncIterable<Followed> {
    const addresses = new Map([[addressKey(start), start]])
    for (const address of addresses.values()) {
      if (this.#lookups++ >= maxLookups) return
      const resolved = await resolveRecipient.run(this.#tx, { address, hostname: this.#hostname })
      yield { address, resolved }
      if (resolved.kind !== 'redirection') continue
      for (const target of resolved.targets)
        if (addresses.size < maxLookups) addresses.set(addressKey(target), target)
    }
  }
}
