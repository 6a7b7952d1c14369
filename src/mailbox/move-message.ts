// Moves a message from one mailbox of an account to another.
import { defineWrite } from '../storage/operation.ts'
import { takeUid } from './file-message.ts'

export interface MailboxMove {
  readonly accountId: number
  readonly mailbox: string
  readonly uid: number
  /** Made, when there is none of this name. */
  readonly to: string
  readonly now: number
}

/** Its UID in the other mailbox; undefined: it is not there. */
export const moveMailboxMessage = defineWrite(
  'mailbox.move-message',
  async (tx, { accountId, mailbox, uid, to, now }: MailboxMove): Promise<number | undefined> => {
    const message = await tx.get<{ id: number }>(
      `SELECT mailbox_message.id FROM mailbox_message JOIN mailbox ON mailbox.id = mailbox_id
        WHERE account_id = ? AND name = ? AND uid = ?`,
      accountId,
      mailbox,
      uid,
    )
    if (!message) return undefined
    const target = await takeUid(tx, { accountId, mailbox: to, receivedAt: now })
    await tx.run(
      'UPDATE mailbox_message SET mailbox_id = ?, uid = ? WHERE id = ?',
      target.id,
      target.uid,
      message.id,
    )
    return target.uid
  },
)
