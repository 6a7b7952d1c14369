// Messages that a client puts into a mailbox: all of them, or none (RFC 9051 §6.3.12, RFC 3502; RFC 8508 where one takes the place of another).
import type { StoredMailData } from '../storage/mail-data.ts'
import { insertMailData } from '../storage/mail-data-rows.ts'
import { defineWrite, type Tx } from '../storage/operation.ts'
import { removeMessages } from './expunge.ts'
import { insertMessages } from './file-message.ts'
import { findOpenMailbox, lockAccounts, type OpenMailbox } from './mailbox-row.ts'
import { type Extent, takeRoom } from './quota.ts'

export interface AppendedMail {
  /** A queue id of its own, though it never was in a queue: by it the trail knows the message. */
  readonly id: number
  readonly mailData: StoredMailData
  /** Bits as in message-state.ts. */
  readonly flags: number
  readonly keywords: readonly string[]
  readonly receivedAt: number
}

export interface Appending {
  readonly to: OpenMailbox
  readonly messages: readonly AppendedMail[]
  /** What leaves when they come: of the same account. */
  readonly replaces?: { readonly from: OpenMailbox; readonly uid: number } | undefined
  /** What an account may have, where nothing else is said of it; undefined: they come whether or not there is room. */
  readonly usual?: Extent | undefined
  readonly now: number
}

export type AppendOutcome =
  | { readonly kind: 'appended'; readonly firstUid: number }
  | { readonly kind: 'gone' | 'over-quota' }

/** The UID of the first; those of the others follow it. */
export const appendMessages = defineWrite(
  'mailbox.append',
  async (tx, { to, messages, replaces, usual, now }: Appending): Promise<AppendOutcome> => {
    await lockAccounts(tx, to.accountId, ...(replaces ? [replaces.from.accountId] : []))
    const mailbox = await findOpenMailbox(tx, to)
    if (!mailbox) return { kind: 'gone' }
    const source = replaces && (await findOpenMailbox(tx, replaces.from))
    // Before the others come: what they take the place of makes room for them.
    const leaves = source && replaces ? await findSize(tx, source.id, replaces.uid) : undefined
    if (usual) {
      const bytes = messages.reduce((sum, { mailData }) => sum + mailData.size, 0)
      const isSameOwner = source?.accountId === to.accountId
      const extent = {
        bytes: bytes - (isSameOwner ? (leaves ?? 0) : 0),
        messages: messages.length - (isSameOwner && leaves !== undefined ? 1 : 0),
      }
      const room = await takeRoom(tx, { accountId: to.accountId, extent, usual, now })
      if (room !== 'there') return { kind: 'over-quota' }
    }
    for (const { id, mailData } of messages) await insertMailData(tx, id, mailData)
    const arrivals = messages.map(({ id, flags, keywords, receivedAt }) => ({
      queueId: id,
      traceFields: '',
      receivedAt,
      flags,
      keywords,
    }))
    const { firstUid } = await insertMessages(tx, mailbox, now, arrivals)
    if (source && replaces && leaves !== undefined)
      await removeMessages(tx, source, [{ first: replaces.uid, last: replaces.uid }], now)
    return { kind: 'appended', firstUid }
  },
)

async function findSize(tx: Tx, mailboxId: number, uid: number): Promise<number | undefined> {
  const row = await tx.get<{ size: number }>(
    'SELECT size FROM mailbox_message WHERE mailbox_id = ? AND uid = ?',
    mailboxId,
    uid,
  )
  return row?.size
}
