// RFC 5321 §6.3: a message that an alias, group or catch-all has sent on before, and that is back at it.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { defineRead } from '../storage/operation.ts'
import { resolveRecipient } from './resolve-recipient.ts'

export interface LoopQuestion {
  readonly recipients: readonly Address[]
  /** By `addressKey`: those that its Delivered-To fields name. */
  readonly passed: ReadonlySet<string>
  /** As in `RecipientQuestion`. */
  readonly hostname: string
}

/** So many addresses are followed; the rest is left to the limit on Received fields. */
const maxFollowed = 1000

/**
 * The first address, among the recipients and those to whom they lead, that would send the message on again. A mailbox
 * sends nothing on: what it has had before, it may have once more.
 */
export const findLoop = defineRead(
  'directory.find-loop',
  async (tx, { recipients, passed, hostname }: LoopQuestion): Promise<Address | undefined> => {
    const followed = new Map(recipients.map(address => [addressKey(address), address]))
    for (const [key, address] of followed) {
      const resolved = await resolveRecipient.run(tx, { address, hostname })
      if (resolved.kind !== 'redirection') continue
      if (passed.has(key)) return address
      for (const target of resolved.targets)
        if (followed.size < maxFollowed) followed.set(addressKey(target), target)
    }
    return undefined
  },
)
