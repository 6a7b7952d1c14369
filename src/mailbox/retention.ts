// What has been in Trash or Junk for its time leaves them, as if its owner had expunged it.
import { defineRead, defineWrite } from '../storage/operation.ts'
import { removeMessages } from './expunge.ts'
import { lockOpenMailbox, type OpenMailbox } from './mailbox-row.ts'
import { rangesOf } from './uid-ranges.ts'

/** Days, as the settings say, for whom nothing else is said; 0: for ever. */
export interface UsualRetention {
  readonly keepTrashDays: number
  readonly keepJunkDays: number
}

export interface OutdatedMailbox extends OpenMailbox {
  /** What came into it before this. */
  readonly before: number
}

export interface RetentionPage {
  /** The first messages of some of these mailboxes have been there for their time. */
  readonly outdated: readonly OutdatedMailbox[]
  /** For the next page; undefined: it is the last. */
  readonly after: number | undefined
}

interface Row {
  readonly id: number
  readonly account_id: number
  readonly uid_validity: number
  readonly days: number
  readonly oldest: number | null
}

const dayMs = 24 * 3_600_000

/** Of the mailboxes for Trash and Junk after this id, `limit` at most. */
export const findOutdated = defineRead(
  'mailbox.find-outdated',
  async (
    tx,
    {
      usual,
      now,
      after,
      limit,
    }: {
      readonly usual: UsualRetention
      readonly now: number
      readonly after: number
      readonly limit: number
    },
  ): Promise<RetentionPage> => {
    const rows = await tx.all<Row>(
      // Within a mailbox the times of saving ascend with the UIDs: the first is the oldest.
      `SELECT mailbox.id, account_id, uid_validity,
              CASE WHEN special_use = 'Trash' THEN COALESCE(keep_trash_days, ?) ELSE COALESCE(keep_junk_days, ?) END AS days,
              (SELECT saved_at FROM mailbox_message WHERE mailbox_id = mailbox.id ORDER BY uid LIMIT 1) AS oldest
         FROM mailbox ${tx.byIndex('mailbox_of_passing_use')} JOIN account ON account.id = account_id
        WHERE special_use IN ('Trash', 'Junk') AND mailbox.id > ? ORDER BY mailbox.id LIMIT ?`,
      usual.keepTrashDays,
      usual.keepJunkDays,
      after,
      limit,
    )
    const outdated = rows.flatMap(
      ({ id, account_id: accountId, uid_validity: uidValidity, days, oldest }) => {
        const before = now - days * dayMs
        return days > 0 && oldest !== null && oldest < before
          ? [{ mailboxId: id, accountId, uidValidity, before }]
          : []
      },
    )
    return { outdated, after: rows.length < limit ? undefined : rows.at(-1)?.id }
  },
)

/** The number of those that have left, `limit` at most. */
export const expungeOutdated = defineWrite(
  'mailbox.expunge-outdated',
  async (
    tx,
    { limit, now, before, ...open }: OutdatedMailbox & { readonly limit: number; readonly now: number },
  ): Promise<number> => {
    const mailbox = await lockOpenMailbox(tx, open)
    if (!mailbox) return 0
    const rows = await tx.all<{ uid: number; saved_at: number }>(
      'SELECT uid, saved_at FROM mailbox_message WHERE mailbox_id = ? ORDER BY uid LIMIT ?',
      mailbox.id,
      limit,
    )
    const uids = rows.filter(({ saved_at: savedAt }) => savedAt < before).map(({ uid }) => uid)
    await removeMessages(tx, mailbox, rangesOf(uids), now)
    return uids.length
  },
)
