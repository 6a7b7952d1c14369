// Mailboxes over real storage in a folder of its own: mail data, and what is filed of it.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { changeFlags } from '../../src/mailbox/change-flags.ts'
import { expungeMessages } from '../../src/mailbox/expunge.ts'
import { type Filing, fileMessage } from '../../src/mailbox/file-message.ts'
import type { OpenMailbox } from '../../src/mailbox/mailbox-row.ts'
import type { MailboxMessage } from '../../src/mailbox/message-row.ts'
import { flags } from '../../src/mailbox/message-state.ts'
import { findMailbox, listMailboxes } from '../../src/mailbox/name-operations.ts'
import { listMailboxMessages } from '../../src/mailbox/operations.ts'
import { rangesOf } from '../../src/mailbox/uid-ranges.ts'
import type { StoredMailData } from '../../src/storage/mail-data.ts'
import { insertMailData } from '../../src/storage/mail-data-rows.ts'
import { defineWrite } from '../../src/storage/operation.ts'
import { openTestStorage, type TestStorage } from '../harness/test-storage.ts'

export const at = Date.UTC(2026, 0, 1)

export interface TestMailboxes extends TestStorage {
  /** Stores mail data under an id, referred to by nothing yet; resolves with its file, if it is one. */
  store(id: number, text?: string): Promise<string | undefined>
  /** Into INBOX of account 1, unless it says otherwise; all in one transaction. */
  file(...filings: readonly (Partial<Filing> & { readonly queueId: number })[]): Promise<void>
  /** Each mailbox of an account with its messages and bytes: 'INBOX 2 46'. */
  summaries(accountId: number): Promise<string[]>
  list(accountId: number, mailbox?: string): Promise<MailboxMessage[]>
  /** A mailbox as a session has it open. */
  open(accountId?: number, name?: string): Promise<OpenMailbox>
  /** From INBOX of account 1, unless it says otherwise. */
  expunge(uids: readonly number[], open?: OpenMailbox): Promise<void>
  /** The text of mail data; rejects when it is gone. */
  read(id: number): Promise<string>
}

const storeMailData = defineWrite(
  'test.store-mail-data',
  async (tx, { id, mailData }: { readonly id: number; readonly mailData: StoredMailData }) => {
    await insertMailData(tx, id, mailData)
  },
)

const fileMessages = defineWrite('test.file-messages', async (tx, filings: readonly Filing[]) => {
  for (const filing of filings) await fileMessage(tx, filing)
})

/** An empty mailbox, with messages that have rows and nothing else. */
export const fillMailbox = defineWrite(
  'test.fill-mailbox',
  async (tx, { mailboxId, count }: { readonly mailboxId: number; readonly count: number }) => {
    await tx.run(
      `INSERT INTO mailbox_message (mailbox_id, uid, mail_data_id, queue_id, trace_fields, received_at, size)
         WITH RECURSIVE n (uid) AS (SELECT 1 UNION ALL SELECT uid + 1 FROM n WHERE uid < ?)
         SELECT CAST(? AS BIGINT), uid, 1, 1, '', 1, 1 FROM n`,
      count,
      mailboxId,
    )
    await tx.run(
      'UPDATE mailbox SET messages = ?, unseen = ?, bytes = ?, uid_next = ? WHERE id = ?',
      count,
      count,
      count,
      count + 1,
      mailboxId,
    )
  },
)

export async function openMailboxes(t: TestContext): Promise<TestMailboxes> {
  const opened = await openTestStorage(t)
  const { storage, mailData } = opened
  const open = async (accountId = 1, name = 'INBOX'): Promise<OpenMailbox> => {
    const mailbox = await storage.run(findMailbox, { accountId, name })
    assert.ok(mailbox, `${name} of ${accountId} is there`)
    return { accountId, mailboxId: mailbox.id, uidValidity: mailbox.uidValidity }
  }
  return {
    ...opened,
    async store(id, text = 'Subject: Test\r\n\r\nText\r\n') {
      const writer = mailData.create()
      await writer.write(Buffer.from(text))
      const stored = await writer.finish()
      await storage.run(storeMailData, { id, mailData: stored })
      return stored.location.kind === 'file' ? stored.location.name : undefined
    },
    async file(...filings) {
      const usual = { accountId: 1, mailbox: 'INBOX', traceFields: '', receivedAt: at }
      await storage.run(
        fileMessages,
        filings.map(filing => ({ ...usual, ...filing })),
      )
    },
    async summaries(accountId) {
      const all = await storage.run(listMailboxes, { accountId })
      return all.map(({ name, messages, bytes }) => `${name} ${messages} ${bytes}`)
    },
    list: async (accountId, mailbox = 'INBOX') =>
      (await storage.run(listMailboxMessages, { accountId, mailbox, limit: 1000 })).toReversed(),
    open,
    async expunge(uids, mailbox) {
      const opened = mailbox ?? (await open())
      const ranges = rangesOf(uids)
      const change = { mode: 'add', flags: flags.deleted, keywords: [] } as const
      await storage.run(changeFlags, { ...opened, ...change, ranges })
      await storage.run(expungeMessages, { ...opened, ranges, limit: 1000, now: at })
    },
    async read(id) {
      const chunks: Uint8Array[] = []
      for await (const chunk of mailData.read(id)) chunks.push(chunk)
      return Buffer.concat(chunks).toString('utf8')
    },
  }
}
