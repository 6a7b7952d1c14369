// Messages that a client puts into a mailbox: all of them, or none (RFC 9051 §6.3.12, RFC 3502; RFC 8508 where one takes the place of another).
import type { StoredMailData } from '../storage/mail-data.ts'
import { insertMailData } from '../storage/mail-data-rows.ts'
import { defineWrite } from '../storage/operation.ts'
import { removeMessages } from './expunge.ts'
import { insertMessages } from './file-message.ts'
import { findOpenMailbox, lockAccounts, type OpenMailbox } from './mailbox-row.ts'

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
  readonly now: number
}

/** The UID of the first; those of the others follow it. */
export const appendMessages = defineWrite(
  'mailbox.append',
  async (
    tx,
    { to, messages, replaces, now }: Appending,
  ): Promise<{ readonly kind: 'appended'; readonly firstUid: number } | { readonly kind: 'gone' }> => {
    await lockAccounts(tx, to.accountId, ...(replaces ? [replaces.from.accountId] : []))
    const mailbox = await findOpenMailbox(tx, to)
    if (!mailbox) return { kind: 'gone' }
    for (const { id, mailData } of messages) await insertMailData(tx, id, mailData)
    const arrivals = messages.map(({ id, flags, keywords, receivedAt }) => ({
      queueId: id,
      traceFields: '',
      receivedAt,
      flags,
      keywords,
    }))
    const { firstUid } = await insertMessages(tx, mailbox, now, arrivals)
    if (replaces) {
      const source = await findOpenMailbox(tx, replaces.from)
      if (source) await removeMessages(tx, source, [{ first: replaces.uid, last: replaces.uid }], now)
    }
    return { kind: 'appended', firstUid }
  },
)
