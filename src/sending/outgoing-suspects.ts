// What becomes of an account whose mail a scanner does not let out: an alert, and for spam a hold (docs/adr/0025).
import { raiseAlert } from '../alert/operations.ts'
import { readAccountHold, writeAccountHold } from '../queue/account-holds.ts'
import { defineWrite } from '../storage/operation.ts'
import { trustedForMs } from './sending-counts.ts'

export interface OutgoingSuspect {
  readonly accountId: number
  /** Its address. */
  readonly account: string
  /** 'it looks like spam (12 points; 8 are too many)' */
  readonly because: string
  readonly now: number
}

/**
 * The mail of the account is on hold from now on, and an alert is raised, in one transaction. 'trusted': an administrator has
 * let it go a while ago, and is not overruled.
 */
export const holdSpammer = defineWrite(
  'sending.hold-spammer',
  async (
    tx,
    { accountId, account, because, now }: OutgoingSuspect,
  ): Promise<'held' | 'held-before' | 'trusted'> => {
    const last = await readAccountHold(tx, accountId)
    if (last?.releasedAt !== undefined && now - last.releasedAt < trustedForMs) return 'trusted'
    const reason = `of what it sends a scanner says: ${because}`
    const isNew = await writeAccountHold(tx, { accountId, since: now, reason })
    if (isNew)
      await raiseAlert.run(tx, {
        kind: 'account-held',
        subject: account,
        at: now,
        evidence: { detail: reason, sort: 'spam' },
      })
    return isNew ? 'held' : 'held-before'
  },
)

export const outgoingOperations = [holdSpammer] as const
