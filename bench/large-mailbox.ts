// A mailbox of a million messages: how long SELECT takes, and how soon a session in IDLE is told of one that is delivered.
//
//   npx node bench/large-mailbox.ts [--messages 1000000] [--folder /var/tmp]
//
// The rows are put into the database directly, all of them with the same mail data; the server is the one that is run.
import { parseArgs } from 'node:util'
import { parseAddress } from '../src/address/parse-address.ts'
import { findAccount } from '../src/directory/accounts.ts'
import { findMailbox } from '../src/mailbox/name-operations.ts'
import { mendUse } from '../src/mailbox/quota-operations.ts'
import { rebuildBlocks } from '../src/mailbox/rebuild-blocks.ts'
import { openLocalStorage } from '../src/storage/local-storage.ts'
import { insertMailData } from '../src/storage/mail-data-rows.ts'
import { defineWrite } from '../src/storage/operation.ts'
import { findDiskFolder } from './environment.ts'
import { ImapConnection } from './mailboxes/imap-connection.ts'
import { LmtpConnection } from './mailboxes/lmtp-connection.ts'
import { composeMessage } from './mailboxes/messages.ts'
import { startPostriderSubject, userName } from './mailboxes/subjects.ts'
import { formatTable } from './report.ts'

const { values } = parseArgs({
  options: { messages: { type: 'string', default: '1000000' }, folder: { type: 'string' } },
})
const messages = Number(values.messages)
const rounds = 20

const fill = defineWrite('bench.fill', async (tx, { mailboxId }: { readonly mailboxId: number }) => {
  await insertMailData(tx, 1, {
    size: 2000,
    checksum: new Uint8Array(32),
    location: { kind: 'inline', bytes: new Uint8Array(2000) },
  })
  await tx.run(
    `WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)
     INSERT INTO mailbox_message (mailbox_id, uid, mail_data_id, queue_id, trace_fields, received_at, saved_at, size, flags, keywords, mod_seq)
     SELECT ?, n, 1, 1, 'Return-Path: <someone@example.org>' || char(13, 10), 1, 1, 2038, n % 2, '', 1 FROM number`,
    messages,
    mailboxId,
  )
  await tx.run('UPDATE mailbox SET uid_next = ? WHERE id = ?', messages + 1, mailboxId)
})

async function fillMailbox(dataFolder: string): Promise<void> {
  const storage = await openLocalStorage(dataFolder)
  const address = parseAddress(userName(0))
  const account = address && (await storage.run(findAccount, { address }))
  const mailbox = account && (await storage.run(findMailbox, { accountId: account.id, name: 'INBOX' }))
  if (!account || !mailbox) throw new Error('there is no INBOX to fill')
  await storage.run(fill, { mailboxId: mailbox.id })
  await storage.run(rebuildBlocks, { mailboxId: mailbox.id })
  await storage.run(mendUse, { accountId: account.id })
  await storage.close()
}

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}
const middle = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0

const show = (times: readonly number[]): string[] =>
  [times[0] ?? 0, middle(times), Math.max(...times)].map(time => time.toFixed(1))

const server = await startPostriderSubject(1, values.folder ?? findDiskFolder(), fillMailbox)
try {
  const selects: number[] = []
  for (let round = 0; round < rounds; round++) {
    const session = await ImapConnection.open(server.imapPort, userName(0), server.password)
    selects.push(await timed(() => session.command('SELECT INBOX')))
    session.close()
  }
  const waiting = await ImapConnection.open(server.imapPort, userName(0), server.password)
  await waiting.command('SELECT INBOX')
  await waiting.idle()
  const lmtp = await LmtpConnection.open(server.lmtpSocket)
  const news: number[] = []
  for (let round = 0; round < rounds; round++) {
    const told = waiting.told()
    const delivered = lmtp.deliver(userName(0), composeMessage(round))
    news.push(await timed(() => told))
    await delivered
  }
  console.log(`A mailbox of ${messages} messages, ${rounds} times each, ms`)
  console.log(
    formatTable([
      ['', 'first', 'median', 'longest', 'goal'],
      ['SELECT', ...show(selects), '100'],
      ['LMTP to EXISTS in IDLE', ...show(news), '50'],
    ]),
  )
  waiting.close()
  lmtp.close()
} finally {
  await server.stop()
}
