// RFC 5321 §6.3: a message that an alias, group or catch-all has sent on before, and that is back at it.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { defineRead } from '../storage/operation.ts'
import { resolveRecipient } from './resolve-recipient.ts'

export interface LoopQuestion {
  readonly recipients: readonly Address[]
  /** Those that its Delivered-To fields name. */
  readonly passed: readonly Address[]
  /** As in `RecipientQuestion`. */
  readonly hostname: string
}

/** So many addresses are followed; the rest is left to the limit on Received fields. */
const maxFollowed = 1000

/**
 * The first of the recipients that would be sent on once more, by itself or by an address to which it leads, and with
 * others out of this server. What stays here goes round no further: a mailbox may get once more what it has had before.
 */
export const findLoop = defineRead(
  'directory.find-loop',
  async (tx, { recipients, passed, hostname }: LoopQuestion): Promise<Address | undefined> => {
    const resolve = (address: Address) => resolveRecipient.run(tx, { address, hostname })
    const redirections = new Set<string>()
    // Nearly always it is elsewhere that a message has been before: that is soon known.
    for (const address of passed)
      if ((await resolve(address)).kind === 'redirection') redirections.add(addressKey(address))
    if (redirections.size === 0) return undefined
    const followed = new Map(recipients.map(address => [addressKey(address), { address, from: address }]))
    let loop: Address | undefined
    for (const [key, { address, from }] of followed) {
      const resolved = await resolve(address)
      // A target elsewhere: from there it may come back.
      if (resolved.kind === 'foreign-domain' && address !== from && loop) return loop
      if (resolved.kind !== 'redirection') continue
      if (redirections.has(key)) loop ??= from
      for (const target of resolved.targets) {
        const targetKey = addressKey(target)
        if (followed.size < maxFollowed && !followed.has(targetKey))
          followed.set(targetKey, { address: target, from })
      }
    }
    return undefined
  },
)
