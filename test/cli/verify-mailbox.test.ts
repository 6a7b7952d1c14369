// postrider verify and repair of one account, and of one mailbox of it: what is said and mended is theirs, and no other's.
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { type Filing, fileMessage } from '../../src/mailbox/file-message.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import type { StoredMailData } from '../../src/storage/mail-data.ts'
import { mailDataFile, openMailDataFiles } from '../../src/storage/mail-data-files.ts'
import { insertMailData } from '../../src/storage/mail-data-rows.ts'
import { createMailDataStore } from '../../src/storage/mail-data-store.ts'
import { defineWrite } from '../../src/storage/operation.ts'
import { addAccount, addDomain, at } from '../directory/open-directory.ts'
import { makeServerFolder, type Ran, runHere, succeed, succeedJson } from './run-postrider.ts'

const archive = 'Архив/2024'

const keep = defineWrite(
  'test.keep',
  async (tx, { mailData, ...filing }: Filing & { readonly mailData: StoredMailData }) => {
    await insertMailData(tx, filing.queueId, mailData)
    await fileMessage(tx, filing)
  },
)

interface Server {
  readonly folder: string
  readonly change: (sql: string) => void
  /** The file of a message. */
  readonly removeFile: (mailDataId: number) => void
}

/**
 * anna and boris with the same: ids 1 (small) and 2 (a file) in the archive, 3 in INBOX; boris 11, 12, 13. Their structures and words are
 * wanted.
 */
async function makeServer(context: TestContext): Promise<Server> {
  const folder = makeServerFolder(remove => context.after(remove))
  const dataFolder = join(folder, 'mail-data')
  const storage = await openLocalStorage(dataFolder)
  await addDomain(storage, 'example.test')
  const files = createMailDataStore(openMailDataFiles(dataFolder, systemRandom), storage)
  for (const [address, from] of [
    ['anna@example.test', 0],
    ['boris@example.test', 10],
  ] as const) {
    const accountId = await addAccount(storage, address)
    for (const [number, mailbox, size] of [
      [1, archive, 100],
      [2, archive, 100_000],
      [3, 'INBOX', 100],
    ] as const) {
      const writer = files.create()
      await writer.write(Buffer.from(`Subject: ${number}\r\n\r\n`.padEnd(size, 'x')))
      const mailData = await writer.finish()
      const queueId = from + number
      await storage.run(keep, { accountId, mailbox, queueId, traceFields: '', receivedAt: at, mailData })
    }
  }
  await storage.close()
  const inDatabase = <Result>(work: (database: DatabaseSync) => Result): Result => {
    const database = new DatabaseSync(join(dataFolder, 'postrider.sqlite'))
    try {
      return work(database)
    } finally {
      database.close()
    }
  }
  return {
    folder,
    change: sql => inDatabase(database => database.exec(sql)),
    removeFile(mailDataId) {
      const row = inDatabase(database =>
        database.prepare('SELECT file_name AS name FROM mail_data WHERE id = ?').get(mailDataId),
      )
      rmSync(mailDataFile(dataFolder, String(row?.['name'])))
    },
  }
}

/** What is the same of both of them. */
function damage({ change, removeFile }: Server): void {
  change(`UPDATE mailbox SET unseen = 7 WHERE name = '${archive}'`)
  change("UPDATE mailbox SET uid_next = 1 WHERE name = 'INBOX'")
  change('UPDATE account SET used_bytes = 1')
  change('DELETE FROM words_wanted WHERE mail_data_id IN (1, 11)')
  change('DELETE FROM structure_wanted WHERE mail_data_id IN (3, 13)')
  removeFile(2)
  removeFile(12)
}

const verify = async ({ folder }: Server, ...parameters: readonly string[]): Promise<Ran> =>
  await runHere(folder, ['verify', ...parameters])

test('verify of an account, and of a mailbox of it, names what is wrong there, and says how much it has read', async context => {
  const server = await makeServer(context)
  assert.match((await verify(server, 'anna@example.test')).stdout, /in order: 3 messages read \(98 KB\)\.\n$/)
  damage(server)
  const whole = await verify(server)
  assert.equal(whole.exitCode, 1)
  assert.equal(whole.stdout.split('boris@example.test').length, 5)

  const account = await verify(server, 'anna@example.test')
  assert.equal(account.exitCode, 1)
  assert.doesNotMatch(account.stdout, /boris/)
  assert.deepEqual(account.stdout.replaceAll(/mail\/\S+/g, 'mail/x').split('\n'), [
    'The mailbox INBOX of anna@example.test is not in order: it would give UID 1 next, and has given 1.',
    '  Its messages are there: "postrider repair anna@example.test" makes what was derived from them anew.',
    'The mailbox Архив/2024 of anna@example.test is not in order: it counts wrong: unseen.',
    '  Its messages are there: "postrider repair anna@example.test" makes what was derived from them anew.',
    'The account anna@example.test counts otherwise than its mailboxes what it has in them.',
    '  Its quota is judged by that: "postrider repair anna@example.test" counts anew.',
    'The structure of 1 message in mailboxes is not there, or not theirs: programs that list them are answered late, or not at all.',
    '  "postrider repair anna@example.test" has them read anew: all whose mail is not damaged itself.',
    '1 message in mailboxes cannot be found by words: the index has lost them.',
    '  "postrider repair anna@example.test" has them indexed anew: all whose mail is not damaged itself.',
    'The file mail/x is not there. It is UID 2 in Архив/2024 of anna@example.test.',
    '  Restore this file or row from a backup.',
    'The mail of anna@example.test is damaged: see above. 3 messages read (200 B).',
    '',
  ])

  const mailbox = await verify(server, 'Anna@example.test', '--mailbox', 'inbox')
  assert.match(mailbox.stdout, /"postrider repair Anna@example\.test --mailbox INBOX"/)
  assert.match(
    mailbox.stdout,
    /^The mail in INBOX of Anna@example\.test is damaged: .* 1 message read \(100 B\)\.$/m,
  )
  assert.doesNotMatch(mailbox.stdout, /Архив|by words|boris/)
  const json = await verify(server, 'boris@example.test', '--mailbox', 'Архив', '--json')
  assert.equal(json.exitCode, 1)
  const { findings, ...summary } = JSON.parse(json.stdout) as {
    findings: { kind: string; problem: string }[]
  }
  assert.deepEqual(summary, {
    folder: join(server.folder, 'mail-data'),
    account: 'boris@example.test',
    mailboxes: ['Архив'],
    messages: 2,
    bytes: 100,
    damaged: 4,
  })
  assert.deepEqual(
    findings.map(({ kind }) => kind),
    ['row', 'row', 'row', 'mail-data'],
  )
  assert.doesNotMatch(json.stdout, /anna|INBOX/)
})

test('repair of a mailbox, and of an account, mends what is theirs', async context => {
  const server = await makeServer(context)
  const { folder } = server
  damage(server)
  const repair = (...parameters: readonly string[]): Promise<string> =>
    succeed(folder, 'repair', 'anna@example.test', ...parameters)
  assert.equal(
    await repair('--mailbox', archive),
    'The mailbox Архив/2024 of anna@example.test: it counts wrong: unseen.\n' +
      '1 mailbox repaired.\n1 message will be indexed anew by the server, to be found by words.\n',
  )
  assert.match(
    await repair('--mailbox', archive),
    /^The mail in Архив\/2024 of anna@example\.test is in order: nothing to repair\.\n$/,
  )
  assert.deepEqual(await succeedJson(folder, 'repair', 'anna@example.test'), {
    account: 'anna@example.test',
    mailboxes: null,
    repaired: [
      {
        account: 'anna@example.test',
        mailbox: 'INBOX',
        problem: 'it would give UID 1 next, and has given 1',
      },
    ],
    lost: [],
    recounted: [],
    reread: 1,
    reindexed: 0,
  })
  const { stdout } = await verify(server)
  assert.deepEqual(
    stdout.match(/[^\n]*anna[^\n]*/g)?.map(line => line.replace(/^The file \S+ /, '')),
    ['is not there. It is UID 2 in Архив/2024 of anna@example.test.'],
  )
  for (const left of [
    /unseen/,
    /UID 1 next/,
    /account boris/,
    /structure of 1 message/,
    /^1 message .* by words/m,
  ])
    assert.match(stdout, left)
  // The first message has been read, and is read again.
  assert.match(await repair('--words'), /3 messages will be indexed anew/)
  await succeed(folder, 'repair')
  assert.doesNotMatch((await verify(server)).stdout, /unseen|next|account|structure|words/)
})

test('what nothing makes anew is named by its UID, and repair does not claim it', async context => {
  const server = await makeServer(context)
  server.change('DELETE FROM mail_data WHERE id IN (1, 13)')
  server.change('UPDATE mail_data SET size = size + 1 WHERE id = 3')
  const verified = await verify(server, 'anna@example.test')
  assert.match(
    verified.stdout,
    /^The mail of UID 1 in Архив\/2024 of anna@example\.test is not there\.\n {2}Restore the data folder/,
  )
  assert.match(
    verified.stdout,
    /^Mail data 3 has 100 B, and its row says 101 B\. It is UID 1 in INBOX of anna/m,
  )
  assert.match(
    (await verify(server)).stdout,
    /^The mail of UID 1 in INBOX of boris@example\.test is not there\.$/m,
  )
  assert.equal(
    await succeed(server.folder, 'repair', 'boris@example.test'),
    'The mail of UID 1 in INBOX of boris@example.test is not there: it comes back only from a backup.\n' +
      'There is nothing that can be made anew.\n',
  )
  server.change(
    "INSERT INTO mailbox (id, account_id, name, uid_validity, uid_next) VALUES (99, 77, 'INBOX', 1, 1)",
  )
  assert.match(
    (await verify(server)).stdout,
    /^The mailbox with row id 99 refers to something that is not there\.$/m,
  )
})

test('the command that mends what is found can be typed as it is told', async context => {
  const server = await makeServer(context)
  server.change(
    `UPDATE account SET address = 'o''neil@example.test', address_key = 'o''neil@example.test' WHERE id = 1`,
  )
  damage(server)
  const { stdout } = await verify(server, "o'neil@example.test", '--mailbox', archive)
  assert.ok(
    stdout.includes(String.raw`"postrider repair 'o'\''neil@example.test' --mailbox '${archive}'"`),
    stdout,
  )
})

test('of mail that several accounts have, verify of one names its own places', async context => {
  const server = await makeServer(context)
  server.change('UPDATE mailbox_message SET mail_data_id = 2 WHERE mail_data_id = 12')
  server.removeFile(2)
  const places = async (...parameters: readonly string[]): Promise<readonly string[] | null> =>
    (await verify(server, ...parameters)).stdout.match(/It is UID 2 in Архив\/2024 of \w+/g)
  assert.deepEqual(await places('anna@example.test'), ['It is UID 2 in Архив/2024 of anna'])
  assert.deepEqual(await places(), [
    'It is UID 2 in Архив/2024 of anna',
    'It is UID 2 in Архив/2024 of boris',
  ])
})

test('an account or a mailbox that is not there is said to be so, and which there are', async context => {
  const { folder } = await makeServer(context)
  for (const command of ['verify', 'repair']) {
    const missing = await runHere(folder, [command, 'anna@example.test', '--mailbox', 'Архив/2023'])
    assert.equal(missing.exitCode, 1)
    assert.equal(missing.stdout, '')
    assert.match(
      missing.stderr,
      /^There is no mailbox Архив\/2023\. There are: INBOX, Archive, Drafts, .*, Архив\/2024\.\n$/,
    )
    const nobody = await runHere(folder, [command, 'nobody@example.test'])
    assert.equal(nobody.exitCode, 1)
    assert.match(nobody.stderr, /^There is no account nobody@example\.test\. "postrider account list" shows/)
    const nowhere = await runHere(folder, [command, '--mailbox', archive])
    assert.equal(nowhere.exitCode, 2)
    assert.match(nowhere.stderr, /^Say whose mailbox it is/)
  }
})
