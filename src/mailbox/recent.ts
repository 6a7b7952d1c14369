// \Recent (RFC 3501 §2.3.2): of each message one session is told that it is new, the first that has the mailbox open for writing.
import { defineRead, defineWrite } from '../storage/operation.ts'
import { lockOpenMailbox, type OpenMailbox } from './mailbox-row.ts'
import { inOpenMailbox, openMailboxValues } from './read-mailbox.ts'
import type { UidRange } from './uid-ranges.ts'

/** UIDs that are this caller's to tell of, of those up to `lastUid`; undefined: others were told of all. */
export const claimRecent = defineWrite(
  'mailbox.claim-recent',
  async (
    tx,
    { lastUid, ...open }: OpenMailbox & { readonly lastUid: number },
  ): Promise<UidRange | undefined> => {
    const mailbox = await lockOpenMailbox(tx, open)
    if (!mailbox || mailbox.recentFrom > lastUid) return undefined
    await tx.run('UPDATE mailbox SET recent_from = ? WHERE id = ?', lastUid + 1, open.mailboxId)
    return { first: mailbox.recentFrom, last: lastUid }
  },
)

/** Messages of which nobody has been told. */
export const countRecent = defineRead(
  'mailbox.count-recent',
  async (tx, open: OpenMailbox): Promise<number> => {
    const row = await tx.get<{ readonly count: number }>(
      `SELECT count(*) AS count FROM mailbox_message JOIN mailbox ON mailbox.id = mailbox_id
        WHERE ${inOpenMailbox} AND uid >= recent_from`,
      ...openMailboxValues(open),
    )
    return row?.count ?? 0
  },
)
