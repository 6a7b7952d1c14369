// Imports into the mailboxes of an account over real storage, and what is in them afterwards, as lines.
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { flagNames } from '../../src/mail-access/flag-names.ts'
import { MessageText } from '../../src/mail-access/message-text.ts'
import type { MailboxMessage } from '../../src/mailbox/message-row.ts'
import { listMailboxes, listSubscriptions } from '../../src/mailbox/name-operations.ts'
import { listMailboxMessages } from '../../src/mailbox/operations.ts'
import { type ExportReport, exportMail, type MailFiles } from '../../src/message-stores/export-mail.ts'
import { type ImportReport, type ImportTerms, importMail } from '../../src/message-stores/import-mail.ts'
import type { MessageStore } from '../../src/message-stores/message-store.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import type { TestStorage } from '../harness/test-storage.ts'

export interface Imports extends TestStorage {
  /** A path in the folder of the test. */
  at(path: string): string
  /** Into account 1, unless it says otherwise. */
  bring(store: MessageStore, terms?: Partial<ImportTerms>): Promise<ImportReport>
  take(files: MailFiles, accountId?: number): Promise<ExportReport>
  messages(mailbox: string, accountId?: number): Promise<readonly MailboxMessage[]>
  text(message: MailboxMessage): Promise<string>
  /** Each message, oldest UID first: '2024-01-01T00:00:00.000Z \\Seen work | Subject: a\r\n\r\n'. */
  lines(mailbox: string, accountId?: number): Promise<readonly string[]>
  /** Of all mailboxes that have messages. */
  everything(accountId?: number): Promise<Readonly<Record<string, readonly string[]>>>
  subscriptions(accountId?: number): Promise<readonly string[]>
}

export function openImports(opened: TestStorage): Imports {
  const { storage, mailData, folder } = opened
  const clock = createManualClock()
  const messages = async (mailbox: string, accountId = 1): Promise<readonly MailboxMessage[]> =>
    (await storage.run(listMailboxMessages, { accountId, mailbox, limit: 100_000 })).toReversed()
  const text = async (message: MailboxMessage): Promise<string> => {
    const whole = new MessageText(mailData, message)
    return (await whole.bytes(whole.whole)).toString('latin1')
  }
  const lines = async (mailbox: string, accountId = 1): Promise<readonly string[]> => {
    const found: string[] = []
    for (const message of await messages(mailbox, accountId)) {
      const at = new Date(message.receivedAt).toISOString()
      const words = flagNames(message.flags, message.keywords).join(' ')
      found.push(`${at} ${words} | ${await text(message)}`)
    }
    return found
  }
  return {
    ...opened,
    at: path => join(folder, path),
    async bring(store, terms = {}) {
      const usual = {
        accountId: 1,
        isDryRun: false,
        isInterrupted: () => false,
        onProgress: () => {},
      }
      try {
        return await importMail({ storage, mailData, clock }, store, await store.folders(), {
          ...usual,
          ...terms,
        })
      } finally {
        await store.close()
      }
    },
    async take(files, accountId = 1) {
      const terms = { accountId, isWanted: () => true, isInterrupted: () => false, onProgress: () => {} }
      try {
        return await exportMail({ storage, mailData }, files, terms)
      } finally {
        await files.close()
      }
    },
    messages,
    text,
    lines,
    async everything(accountId = 1) {
      const all: Record<string, readonly string[]> = {}
      for (const { name, messages: count } of await storage.run(listMailboxes, { accountId }))
        if (count > 0) all[name] = await lines(name, accountId)
      return all
    },
    subscriptions: async (accountId = 1) => await storage.run(listSubscriptions, { accountId }),
  }
}

/** 'INBOX 2 brought, 1 there, 0 refused', for each folder. */
export function counts({ folders }: ImportReport): readonly string[] {
  return folders.map(
    ({ folder, mailbox, brought, alreadyThere, refused }) =>
      `${folder} → ${mailbox ?? '–'}: ${brought} brought, ${alreadyThere} there, ${refused} refused`,
  )
}

export function writeMessage(file: string, text: string | Buffer, at?: number): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, typeof text === 'string' ? Buffer.from(text, 'latin1') : text)
  if (at !== undefined) utimesSync(file, at / 1000, at / 1000)
}
