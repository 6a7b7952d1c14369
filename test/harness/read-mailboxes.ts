// Every message in mailboxes, from the storage itself.
import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { parseAddress } from '../../src/address/parse-address.ts'
import { findAccount } from '../../src/directory/accounts.ts'
import type { MailboxMessage } from '../../src/mailbox/message-row.ts'
import { listMailboxMessages } from '../../src/mailbox/operations.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import type { MailDataStore } from '../../src/storage/mail-data.ts'
import { openMailDataFiles } from '../../src/storage/mail-data-files.ts'
import { createMailDataStore } from '../../src/storage/mail-data-store.ts'
import type { Storage } from '../../src/storage/operation.ts'
import { SqliteReader } from '../../src/storage/sqlite-reader.ts'

export async function* readMailboxes(
  storage: Pick<Storage, 'run'>,
  mailData: MailDataStore,
  addresses: readonly string[],
): AsyncIterable<string> {
  for (const address of addresses) {
    const account = await storage.run(findAccount, {
      address: parseAddress(address) ?? assert.fail(address),
    })
    for (let beforeUid: number | undefined; ; ) {
      const page: readonly MailboxMessage[] = await storage.run(listMailboxMessages, {
        accountId: account?.id ?? 0,
        mailbox: 'INBOX',
        beforeUid,
        limit: 500,
      })
      for (const { mailDataId } of page) yield await text(mailData.read(mailDataId))
      beforeUid = page.at(-1)?.uid
      if (beforeUid === undefined) break
    }
  }
}

/** Of a data folder on which no server writes. */
export async function* readFolderMailboxes(
  dataFolder: string,
  addresses: readonly string[],
): AsyncIterable<string> {
  const reader = new SqliteReader(dataFolder)
  const mailData = createMailDataStore(openMailDataFiles(dataFolder, systemRandom), reader)
  try {
    yield* readMailboxes(reader, mailData, addresses)
  } finally {
    reader.close()
  }
}
