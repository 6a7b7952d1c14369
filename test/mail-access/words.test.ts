// SEARCH by the index of words (docs/adr/0035): what it finds, and that it need not read; and what the index knows while it is made.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { SearchKey } from '../../src/imap/grammar/commands/search.ts'
import { isRefusal, type SelectedMailbox } from '../../src/imap/server/mailbox-services.ts'
import { AccountMailboxes } from '../../src/mail-access/account-mailboxes.ts'
import { createMailboxChanges } from '../../src/mail-access/mailbox-changes.ts'
import { copyMessages } from '../../src/mailbox/copy-messages.ts'
import { forgetExpunged } from '../../src/mailbox/expunged.ts'
import { countLostReadings, restoreReadings } from '../../src/mailbox/lost-readings.ts'
import { findWantedReadings } from '../../src/mailbox/message-readings.ts'
import { findUnindexed, findWords } from '../../src/mailbox/message-words.ts'
import { noLimit } from '../../src/mailbox/quota.ts'
import { createMessageReader } from '../../src/main/message-reader.ts'
import { SoughtText } from '../../src/message/words/sought-text.ts'
import { firstQueueIdAt } from '../../src/queue/queue-id.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { OneByOne } from '../../src/runtime/one-by-one.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { defineRead, defineWrite } from '../../src/storage/operation.ts'
import { eventually } from '../harness/eventually.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { at, openMailboxes, type TestMailboxes } from '../mailbox/open-mailboxes.ts'

/** So many that the index is asked. */
const others = 520

interface Words extends TestMailboxes {
  /** Ids of mail data that somebody has read since it was last asked. */
  takeReads(): number[]
  /** Indexes what is there. */
  index(): Promise<void>
  select(mailbox?: string): Promise<SelectedMailbox>
}

async function openWords(t: TestContext): Promise<Words> {
  const mailboxes = await openMailboxes(t)
  const { storage } = mailboxes
  let reads: number[] = []
  const mailData = {
    ...mailboxes.mailData,
    read(id: number) {
      reads.push(id)
      return mailboxes.mailData.read(id)
    },
  }
  const clock = createManualClock()
  const changes = createMailboxChanges(storage)
  return {
    ...mailboxes,
    mailData,
    takeReads() {
      const taken = reads
      reads = []
      return taken
    },
    async index() {
      await createMessageReader({ storage, mailData, clock, log: silentLog }).look()
      reads = []
    },
    async select(mailbox = 'INBOX') {
      const parts = { storage, mailData, clock, changes, hostname: 'mail.example.test', random: systemRandom }
      const account = new AccountMailboxes(
        { ...parts, usualQuota: noLimit, sorting: new OneByOne(), nextQueueId: () => 0 },
        1,
      )
      const selected = await account.select(mailbox, {
        access: 'read-only',
        quickResync: undefined,
        tellsRecent: false,
      })
      assert.ok(!isRefusal(selected))
      return selected
    },
  }
}

/** UIDs from 1, then `others` messages about nothing. */
async function fill(words: Words, texts: readonly string[]): Promise<void> {
  const dull = Array.from({ length: others }, (_, at) => `Subject: dull ${at}\r\n\r\nnothing here\r\n`)
  const all = [...texts.map(text => text.replaceAll('\n', '\r\n')), ...dull]
  await Promise.all(all.map((text, at) => words.store(at + 1, text)))
  await words.file(...all.map((_, at) => ({ queueId: at + 1 })))
}

async function search(mailbox: SelectedMailbox, key: SearchKey): Promise<string> {
  const found = await mailbox.search({ by: 'uid', key, saves: undefined })
  assert.ok(!isRefusal(found))
  return found.numbers.join(' ')
}

const header = (field: string, text: string): SearchKey => ({ kind: 'header', field, text })
const body = (text: string): SearchKey => ({ kind: 'body', text })
const text = (text: string): SearchKey => ({ kind: 'text', text })
const not = (key: SearchKey): SearchKey => ({ kind: 'not', key })

const messages = [
  'From: Anna Schmidt <anna@mail.example.com>\nSubject: Three invoices\nMessage-ID: <1@example.com>\nX-Score: low\n\nplease pay INV-2024-0042 today\n',
  'From: boris@example.org\nTo: anna@mail.example.com\nSubject: =?koi8-r?B?88634dQ=?=\n\nit is about the invoice, pay now\n',
  'From: carl@example.net\nSubject: files\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html; charset=windows-1251\n' +
    'Content-Transfer-Encoding: quoted-printable\n\n<p class=3D"hidden">=C4=EE=E3=EE=E2=EE=F0=FB</p>\n' +
    '--b\nContent-Type: application/pdf; name="annual report.pdf"\nContent-Transfer-Encoding: base64\n\nc2VjcmV0\n' +
    "--b\nContent-Disposition: attachment;\n filename*0*=utf-8''%D0%9E%D1;\n filename*1*=%82%D1%87%D1%91%D1%82.xlsx\n\n--b--\n",
  'From: dora@example.net\nSubject: \u6771\u4eac\u90fd\n\n\u79c1\u306f\u6771\u4eac\u90fd\u306b\u4f4f\u3080\n',
] as const

test('words, stems, beginnings, phrases and addresses are found, and read is only what has to be, and what is new', async t => {
  const words = await openWords(t)
  await fill(words, messages)
  await words.index()
  const mailbox = await words.select()
  for (const [key, expected, reads] of [
    [text('invoice'), '1 2', []],
    [text('INVOI'), '1 2', []],
    [body('invoices'), '2', []],
    [header('subject', 'invoice'), '1', []],
    [header('from', 'anna'), '1', []],
    [header('from', '@mail.example.com'), '1', []],
    [header('from', 'example.com'), '1', []],
    [header('to', 'anna@mail'), '2', []],
    [header('cc', 'anna'), '', []],
    [header('from', 'anna schmidt'), '1', [1]],
    [header('message-id', '<1@example.com>'), '1', [1]],
    [header('list-id', ''), '', []],
    [body('INV-2024'), '1', []],
    [body('pay now'), '2', [2]],
    [body('договор'), '3', []],
    [body('hidden'), '', []],
    [body('report.pdf'), '3', []],
    [body('annual report.pdf'), '3', [3]],
    [body('отчет.xlsx'), '3', []],
    [body('secret'), '', []],
    [text('東京'), '4', []],
    [body('東京都に'), '4', [4]],
    [body('nosuchword'), '', []],
    [{ kind: 'and', keys: [text('pay'), not(text('inv-2024-0042'))] }, '2', []],
    [{ kind: 'or', left: body('договоры'), right: header('from', 'boris') }, '2 3', []],
    [{ kind: 'and', keys: [body('pay'), { kind: 'size', relation: 'larger', bytes: 130 }] }, '1', []],
  ] as const) {
    assert.equal(await search(mailbox, key), expected, JSON.stringify(key))
    assert.deepEqual(words.takeReads(), reads, JSON.stringify(key))
  }
  // Any field may stand above the mail data: it is read.
  assert.equal(await search(mailbox, header('x-score', 'low')), '1')
  assert.equal(words.takeReads().length, messages.length + others)
  await findsNew(words)
})

/** What is not indexed yet is read. */
async function findsNew(words: Words): Promise<void> {
  await words.store(1001, 'Subject: new\r\n\r\nan invoice came\r\n')
  await words.file({ queueId: 1001 })
  const mailbox = await words.select()
  const uid = messages.length + others + 1
  assert.equal(await search(mailbox, text('invoice')), `1 2 ${uid}`)
  assert.deepEqual(words.takeReads(), [1001])
  assert.equal(await search(mailbox, not(text('nothing'))), `1 2 3 4 ${uid}`)
  await words.index()
  assert.equal(await search(mailbox, text('invoice')), `1 2 ${uid}`)
  assert.deepEqual(words.takeReads(), [])
}

const find = async (words: Words, accountId: number, wanted: string, limit = 100): Promise<number[]> => {
  const query = new SoughtText(wanted).ask(['b'])?.candidates
  assert.ok(query)
  const open = await words.open(accountId)
  const uids: number[] = []
  let after: number | undefined
  do {
    const found = await words.storage.run(findWords, { ...open, query, after, limit })
    uids.push(...found.uids)
    after = found.next
  } while (after !== undefined)
  return uids
}

test('an account finds its own messages, also what came from a mailbox of another, page by page', async t => {
  const words = await openWords(t)
  for (const id of [1, 2, 3]) await words.store(id, `Subject: ${id}\r\n\r\nshared word ${id}\r\n`)
  await words.file({ queueId: 1 }, { queueId: 1, accountId: 2 }, { queueId: 2 }, { queueId: 3, accountId: 2 })
  await words.file({ queueId: 2 })
  await words.index()
  assert.deepEqual(await find(words, 1, 'shared'), [1, 2, 3])
  assert.deepEqual(await find(words, 1, 'shared', 1), [1, 2, 3])
  assert.deepEqual(await find(words, 2, 'shared'), [1, 2])
  const from = await words.open(1)
  const copying = { from, ranges: [{ first: 2, last: 2 }], to: { accountId: 2, name: 'INBOX' }, now: at }
  await words.storage.run(copyMessages, copying)
  assert.deepEqual(await words.storage.run(findWantedReadings, { limit: 10 }), { structures: [], words: [2] })
  await words.index()
  assert.deepEqual(await find(words, 2, 'shared'), [1, 2, 3])
  assert.deepEqual(await find(words, 2, '2'), [3])
})

test('what is not in the index yet is found, page by page, among what others want', async t => {
  const words = await openWords(t)
  for (const id of [1, 2, 3, 4, 5, 6]) await words.store(id, `Subject: ${id}\r\n\r\nnew\r\n`)
  await words.file({ queueId: 1, accountId: 2 }, { queueId: 2 }, { queueId: 3, accountId: 2 })
  await words.file({ queueId: 4 }, { queueId: 4, accountId: 2 }, { queueId: 5, mailbox: 'Archive' })
  await words.file({ queueId: 6 }, { queueId: 6 })
  const open = await words.open(1)
  for (const limit of [1, 2, 3, 100]) {
    const uids: number[] = []
    for (let after: number | undefined; ; ) {
      const page = await words.storage.run(findUnindexed, { ...open, after, limit })
      uids.push(...page.uids)
      after = page.next
      if (after === undefined) break
    }
    assert.deepEqual(uids.toSorted(), [1, 2, 3, 4])
  }
})

const countIndex = defineRead('test.count-index', async tx => {
  const count = async (sql: string): Promise<number> => (await tx.all(sql)).length
  return [
    await count('SELECT id FROM indexed_message'),
    await count(tx.words.ids),
    await count('SELECT * FROM words_wanted'),
  ]
})

test('the words go with the mail data; and what has been expunged and comes back is found', async t => {
  const words = await openWords(t)
  for (const id of [1, 2, 3]) await words.store(id, `Subject: ${id}\r\n\r\nword\r\n`)
  await words.file({ queueId: 1 }, { queueId: 2 })
  await words.index()
  await words.file({ queueId: 3 })
  assert.deepEqual(await words.storage.run(countIndex, undefined), [2, 2, 1])
  await words.expunge([1, 3])
  await words.file({ queueId: 1 })
  assert.deepEqual((await find(words, 1, 'word')).sort(), [2, 4])
  await words.expunge([4])
  await words.storage.run(forgetExpunged, { before: at + 1, limit: 10 })
  assert.deepEqual(await words.storage.run(countIndex, undefined), [1, 1, 0])
  assert.deepEqual(await find(words, 1, 'word'), [2])
})

const lose = defineWrite('test.lose', async (tx, ids: { readonly row: number; readonly words: number }) => {
  await tx.run('DELETE FROM indexed_message WHERE mail_data_id = ?', ids.row)
  const row = await tx.get<{ id: number }>('SELECT id FROM indexed_message WHERE mail_data_id = ?', ids.words)
  await tx.words.remove(row?.id ?? 0)
})

test('what the index has lost is noticed and made again', async t => {
  const words = await openWords(t)
  for (const id of [1, 2, 3]) await words.store(id, `Subject: ${id}\r\n\r\nword\r\n`)
  await words.file({ queueId: 1 }, { queueId: 2 }, { queueId: 3 })
  assert.equal(await countLostReadings(words.storage, 'words'), 0)
  await words.index()
  assert.equal(await countLostReadings(words.storage, 'words'), 0)
  await words.storage.run(lose, { row: 1, words: 2 })
  assert.deepEqual(await find(words, 1, 'word'), [3])
  assert.equal(await countLostReadings(words.storage, 'words'), 2)
  assert.equal(await restoreReadings(words.storage, 'words'), 2)
  assert.equal(await countLostReadings(words.storage, 'words'), 0)
  await words.index()
  assert.deepEqual((await find(words, 1, 'word')).sort(), [1, 2, 3])
})

test('a message that is damaged is passed over, and one of many words takes a bounded room', async t => {
  const words = await openWords(t)
  await words.store(
    1,
    `Subject: many\r\n\r\n${Array.from({ length: 150_000 }, (_, n) => `w${n}`).join(' ')}\r\n`,
  )
  await words.store(2, 'Subject: damaged\r\n\r\nword\r\n')
  await words.store(3, 'Subject: whole\r\n\r\nword\r\n')
  await words.file({ queueId: 1 }, { queueId: 2 }, { queueId: 3 })
  const damage = defineWrite('test.damage', async (tx, id: number) => {
    await tx.run('UPDATE mail_data SET checksum = ? WHERE id = ?', new Uint8Array(32), id)
  })
  await words.storage.run(damage, 2)
  await words.index()
  assert.deepEqual(await find(words, 1, 'word'), [3])
  assert.deepEqual(await find(words, 1, 'w77'), [1])
  assert.equal(await countLostReadings(words.storage, 'words'), 0)
})

test('a start notices what an older server has filed without a note, indexes it, and goes on with what comes', async t => {
  const words = await openWords(t)
  const id = firstQueueIdAt(at) + 1
  for (const next of [id, id + 1]) await words.store(next, 'Subject: new\r\n\r\nword\r\n')
  await words.file({ queueId: id })
  const forget = defineWrite('test.forget', async tx => {
    await tx.run('DELETE FROM words_wanted')
  })
  await words.storage.run(forget, undefined)
  const clock = createManualClock(at + 1000)
  const reader = createMessageReader({ ...words, clock, log: silentLog })
  words.beforeClose(() => reader.stop())
  reader.start()
  const isFound = (uid: number) =>
    eventually(`the message ${uid} is found`, async () =>
      (await find(words, 1, 'word')).includes(uid) ? true : undefined,
    )
  await isFound(1)
  await words.file({ queueId: id + 1 })
  await words.storage.run(wakeMailbox, undefined)
  await isFound(2)
})

const wakeMailbox = defineWrite('test.wake-mailbox', async tx => {
  tx.wake('mailbox', 1)
})
