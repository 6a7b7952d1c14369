// RCPT: to how many addresses to which it has never written an account may write in a day. Whoever goes through a stolen
// list of addresses is stopped there, before the mail is here; who answers, and who writes to the same people, never notices.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { parseAddress } from '../address/parse-address.ts'
import type { AccountLimitSettings, SenderLimitSettings } from '../config/settings.ts'
import { matchesSender } from '../delivery/pacing/match-mail.ts'
import { isBulkAccount } from '../delivery/pacing/sender-limits.ts'
import type { Clock } from '../runtime/clock.ts'
import { replies } from '../smtp/replies.ts'
import type { Reply } from '../smtp/reply.ts'
import type { AuthenticatedAccount } from '../smtp/server/services.ts'
import type { Storage } from '../storage/operation.ts'
import { knowsCorrespondent, noteCorrespondent } from './sending-counts.ts'
import type { SendingWatch } from './sending-watch.ts'

export interface RecipientLimits {
  /** The first that means the account, and says something of this, counts. */
  readonly limits: readonly SenderLimitSettings[]
  readonly accountLimits: AccountLimitSettings
  readonly bulkSenders: readonly string[]
}

/** A recipient elsewhere, of mail that the account sends. */
export async function limitRecipient(
  parts: {
    readonly storage: Pick<Storage, 'run'>
    readonly clock: Clock
    readonly watch: Pick<SendingWatch, 'note'>
    readonly settings: RecipientLimits
  },
  account: AuthenticatedAccount,
  forwardPath: Address,
): Promise<Reply | undefined> {
  const { storage, clock, watch, settings } = parts
  const accountId = account.id
  const question = { accountId, addressKey: addressKey(forwardPath), now: clock.now() }
  if ((await storage.run(knowsCorrespondent, question)) !== 'known') {
    const most = newRecipientsPerDay(settings, account.address)
    const noted = await storage.run(noteCorrespondent, { ...question, most })
    if (noted.kind === 'too-many') return replies.tooManyNewRecipients(most, noted.until)
  }
  watch.note({ accountId, recipients: 1 })
  return undefined
}

/** 0: without limit. */
export function newRecipientsPerDay(
  { limits, accountLimits, bulkSenders }: RecipientLimits,
  account: string,
): number {
  const reversePath = parseAddress(account) ?? null
  const rule = limits.find(
    ({ match, newRecipientsPerDay: most }) =>
      most !== undefined && match.some(text => matchesSender(text, { reversePath })),
  )
  if (rule?.newRecipientsPerDay !== undefined) return rule.newRecipientsPerDay
  return isBulkAccount(bulkSenders, account) ? 0 : accountLimits.newRecipientsPerDay
}
