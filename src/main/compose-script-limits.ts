// How much the script of an account may send elsewhere: as much as its owner, by the same counts.
import { formatAddress } from '../address/format-address.ts'
import { parseAddress } from '../address/parse-address.ts'
import type { Settings } from '../config/settings.ts'
import type { LimitSending } from '../delivery/script-delivery.ts'
import { addressOfAccount } from '../directory/accounts.ts'
import { resolveRecipient } from '../directory/resolve-recipient.ts'
import { findHeldAccount } from '../queue/account-holds.ts'
import type { Clock } from '../runtime/clock.ts'
import { limitRecipient } from '../sending/limit-recipients.ts'
import type { SendingWatch } from '../sending/sending-watch.ts'
import type { Storage } from '../storage/operation.ts'

export interface ScriptLimitsOptions {
  readonly settings: Pick<Settings, 'hostname' | 'submission'>
  readonly storage: Pick<Storage, 'run'>
  readonly clock: Clock
  readonly watch: Pick<SendingWatch, 'note'>
}

export function composeScriptLimits({ settings, ...parts }: ScriptLimitsOptions): LimitSending {
  const { hostname, submission } = settings
  const { storage } = parts
  return async (accountId, to) => {
    const text = await storage.run(addressOfAccount, { id: accountId })
    const own = text === undefined ? undefined : parseAddress(text)
    if (text === undefined || !own) return 'the account is not there any more'
    const held = await storage.run(findHeldAccount, { address: own, limit: 0 })
    if (held) return `the mail of ${formatAddress(own)} is on hold`
    const resolved = await storage.run(resolveRecipient, { address: to, hostname })
    if (resolved.kind !== 'foreign-domain') return undefined
    const refusal = await limitRecipient(
      { ...parts, settings: submission },
      { id: accountId, address: text },
      to,
    )
    return refusal && 'the account has written to too many new addresses today (newRecipientsPerDay)'
  }
}
