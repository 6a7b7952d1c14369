// SEARCH, SORT and THREAD over real messages (RFC 9051 §6.4.4, RFC 5256).
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { SearchKey } from '../../src/imap/grammar/commands/search.ts'
import type { SortCriterion } from '../../src/imap/grammar/commands/sort.ts'
import { formatThreads } from '../../src/imap/responses/thread.ts'
import { isRefusal, type SelectedMailbox } from '../../src/imap/server/mailbox-services.ts'
import { AccountMailboxes } from '../../src/mail-access/account-mailboxes.ts'
import type { AccessParts } from '../../src/mail-access/parts.ts'
import type { RecentMessages } from '../../src/mail-access/recent-messages.ts'
import { searchMessages } from '../../src/mail-access/search-messages.ts'
import { MessageNumbers } from '../../src/mailbox/message-numbers.ts'
import { createMessageReader } from '../../src/main/message-reader.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { defineWrite, type Storage } from '../../src/storage/operation.ts'
import { openAccount, ranges, type TestAccount } from './open-account.ts'
import { openScene } from './open-scene.ts'

const day = (date: string): number => Date.parse(`${date}T00:00:00Z`)

const messages: readonly { text: string; flags?: readonly string[]; at?: number }[] = [
  {
    text: 'From: Anna <anna@example.test>\nSubject: =?koi8-r?B?8NLJ18XU?=\nDate: Wed, 1 Apr 2026 23:30:00 -0800\n\nplain Text here\n',
    flags: ['\\Seen', '$Work'],
    at: day('2026-04-02'),
  },
  {
    text:
      'From: boris@example.org\nTo: Анна <anna@example.test>\nSubject: Re: Offer\nDate: Thu, 2 Apr 2026 10:00:00 +0000\n' +
      'Content-Type: text/plain; charset=windows-1251\nContent-Transfer-Encoding: quoted-printable\n\n=CF=F0=E8=\n=E2=E5=F2 from 1251\n',
    flags: ['\\Flagged'],
    at: day('2026-04-03') + 1,
  },
  {
    text:
      'From: carl@example.net\nSubject: files\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>Straße</p>\n' +
      '--b\nContent-Type: application/pdf; name="bill.pdf"\nContent-Transfer-Encoding: base64\n\nc2VjcmV0\n--b--\n',
    at: day('2026-04-04'),
  },
]

async function openThree(t: TestContext): Promise<{ account: TestAccount; mailbox: SelectedMailbox }> {
  const account = await openAccount(t)
  for (const { text, flags, at } of messages)
    await account.append(text, { ...(flags ? { flags } : {}), ...(at === undefined ? {} : { at }) })
  return { account, mailbox: await account.select() }
}

async function search(mailbox: SelectedMailbox, key: SearchKey): Promise<string> {
  const found = await mailbox.search({ by: 'sequence', key, saves: undefined })
  assert.ok(!isRefusal(found))
  return found.numbers.join(' ')
}

const header = (field: string, text: string): SearchKey => ({ kind: 'header', field, text })
const flag = (name: string): SearchKey => ({ kind: 'flag', flag: name })
const not = (key: SearchKey): SearchKey => ({ kind: 'not', key })
const date = (of: 'internal' | 'sent', relation: 'before' | 'on' | 'since', on: string): SearchKey => ({
  kind: 'date',
  of,
  relation,
  day: day(on),
})

test('each key finds what it says', async t => {
  const { mailbox } = await openThree(t)
  for (const [key, expected] of [
    [{ kind: 'all' }, '1 2 3'],
    [flag('\\seen'), '1'],
    [not(flag('\\Seen')), '2 3'],
    [flag('$work'), '1'],
    [not(flag('$work')), '2 3'],
    [flag('unheard-of'), ''],
    [header('subject', 'ПРИВ'), '1'],
    [header('subject', ''), '1 2 3'],
    [header('to', ''), '2'],
    [header('to', 'анна'), '2'],
    [{ kind: 'body', text: 'text HERE' }, '1'],
    [{ kind: 'body', text: 'привет' }, '2'],
    [{ kind: 'body', text: 'STRASSE' }, '3'],
    // Markup is no text.
    [{ kind: 'body', text: '<p>' }, ''],
    [{ kind: 'body', text: 'straße' }, '3'],
    [{ kind: 'body', text: 'bill.pdf' }, '3'],
    [{ kind: 'body', text: 'secret' }, ''],
    [{ kind: 'body', text: 'carl@' }, ''],
    [{ kind: 'text', text: 'carl@' }, '3'],
    [{ kind: 'text', text: '1251' }, '2'],
    [date('internal', 'on', '2026-04-03'), '2'],
    [date('internal', 'before', '2026-04-03'), '1'],
    [date('internal', 'since', '2026-04-03'), '2 3'],
    // As it is written, whatever the zone; without a Date field, when it came.
    [date('sent', 'on', '2026-04-01'), '1'],
    [date('sent', 'since', '2026-04-04'), '3'],
    [{ kind: 'size', relation: 'larger', bytes: 200 }, '2 3'],
    [{ kind: 'messages', by: 'sequence', set: ranges({ first: 2, last: '*' }) }, '2 3'],
    [{ kind: 'messages', by: 'uid', set: ranges({ first: 1, last: 1 }) }, '1'],
    [{ kind: 'and', keys: [not(flag('\\Seen')), { kind: 'body', text: 'привет' }] }, '2'],
    [{ kind: 'or', left: flag('\\Flagged'), right: header('from', 'carl') }, '2 3'],
    [not({ kind: 'or', left: flag('\\Flagged'), right: header('from', 'carl') }), '1'],
    [{ kind: 'recent' }, ''],
  ] as const)
    assert.equal(await search(mailbox, key), expected, JSON.stringify(key))
})

test('by age, by mod-sequence, and in what a search before has saved', async t => {
  const { account, mailbox } = await openThree(t)
  account.clock.advance(day('2026-04-03') + 3_600_000 - account.clock.now())
  assert.equal(await search(mailbox, { kind: 'age', relation: 'younger', seconds: 3600 }), '2 3')
  assert.equal(await search(mailbox, { kind: 'age', relation: 'older', seconds: 3600 }), '1')
  const since = mailbox.facts.highestModSeq
  await mailbox.store({
    by: 'uid',
    set: ranges({ first: 2, last: 2 }),
    unchangedSince: undefined,
    action: 'add',
    silent: true,
    flags: ['\\Seen'],
  })
  const changed = await mailbox.search({
    by: 'uid',
    key: { kind: 'mod-seq', modSeq: since + 1 },
    saves: undefined,
  })
  assert.deepEqual(changed, { numbers: [2], modSeqs: [since + 1] })
  await mailbox.search({ by: 'sequence', key: not(header('from', 'anna')), saves: 'all' })
  const saved = { kind: 'messages', by: 'sequence', set: { kind: 'saved' } } as const
  assert.equal(await search(mailbox, { kind: 'and', keys: [saved, flag('\\Seen')] }), '2')
})

test('sorted by each criterion', async t => {
  const account = await openAccount(t)
  for (const [text, at] of [
    ['From: zoe@b\nSubject: Re: [list] beta\nDate: Fri, 3 Apr 2026 00:00:00 +0000\n\nlonger\n', 2],
    ['From: "Alpha" <mark@b>\nSubject: alpha\nDate: Thu, 2 Apr 2026 00:00:00 +0000\n\nx\n', 3],
    ['From: anna@b\nTo: yan@c\nCc: q@c\nSubject: Fwd: beta\nDate: Wed, 1 Apr 2026 00:00:00 +0000\n\nx\n', 1],
  ] as const)
    await account.append(text, { at })
  const sortIn = async (mailbox: SelectedMailbox, ...criteria: readonly Order[]) => {
    const found = await mailbox.sort({
      by: 'sequence',
      key: { kind: 'all' },
      saves: undefined,
      criteria: criteria.map(([key, reverse]) => ({ key, reverse: reverse !== undefined })),
    })
    assert.ok(!isRefusal(found))
    return found.numbers.join('')
  }
  await checkOrders(sortIn, await account.select())
  // Once they have been read, nothing is read again.
  await createMessageReader({
    ...account.parts,
    storage: { run: account.storage.run.bind(account.storage), onWake() {} },
    log: silentLog,
  }).look()
  const mailData = {
    read() {
      throw new Error('this was to be told by what is kept')
    },
  } as unknown as AccessParts['mailData']
  const unreadable = await account.select('INBOX', new AccountMailboxes({ ...account.parts, mailData }, 1))
  await checkOrders(sortIn, unreadable)
  assert.equal(await search(unreadable, date('sent', 'since', '2026-04-02')), '1 2')
  const threads = await unreadable.thread({ algorithm: 'ORDEREDSUBJECT', key: { kind: 'all' }, by: 'uid' })
  assert.ok(!isRefusal(threads))
  assert.equal(threads.length, 2)
})

type Order = readonly [SortCriterion['key'], 'reverse'?]

async function checkOrders(
  sortIn: (mailbox: SelectedMailbox, ...criteria: readonly Order[]) => Promise<string>,
  mailbox: SelectedMailbox,
): Promise<void> {
  const sort = (...criteria: readonly Order[]): Promise<string> => sortIn(mailbox, ...criteria)
  assert.equal(await sort(['ARRIVAL']), '312')
  assert.equal(await sort(['ARRIVAL', 'reverse']), '213')
  assert.equal(await sort(['DATE']), '321')
  assert.equal(await sort(['FROM']), '321')
  assert.equal(await sort(['DISPLAYFROM']), '231')
  assert.equal(await sort(['SUBJECT'], ['DATE']), '231')
  assert.equal(await sort(['SUBJECT'], ['DATE', 'reverse']), '213')
  assert.equal(await sort(['SUBJECT', 'reverse'], ['ARRIVAL']), '312')
  assert.equal(await sort(['CC']), '123')
  assert.equal(await sort(['TO', 'reverse']), '312')
  assert.equal(await sort(['SIZE']), '213')
}

test('threads by what messages refer to, and by their subjects', async t => {
  const account = await openAccount(t)
  const write = (id: string, subject: string, references: string, hour: number): Promise<void> =>
    account.append(
      `Message-ID: <${id}@x>\nSubject: ${subject}\n${references === '' ? '' : `References: ${references}\n`}Date: Wed, 1 Apr 2026 0${hour}:00:00 +0000\n\n`,
    )
  await write('a', 'one', '', 1)
  await write('b', 'Re: one', '<a@x>', 2)
  await write('c', 'Re: one', '<a@x>', 3)
  await write('d', 'Re: one', '<a@x> <b@x>', 4)
  // Two that answer a message which is not there.
  await write('e', 'two', '<missing@x>', 5)
  await write('f', 'three', '<missing@x>', 6)
  // No references: by the subject.
  await write('g', 'Re: one', '', 7)
  // In a circle.
  await write('h', 'four', '<i@x>', 8)
  await write('i', 'four', '<h@x>', 9)
  const mailbox = await account.select()
  const thread = async (algorithm: 'REFERENCES' | 'ORDEREDSUBJECT'): Promise<string> => {
    const threads = await mailbox.thread({ by: 'sequence', algorithm, key: { kind: 'all' } })
    assert.ok(!isRefusal(threads))
    return [...formatThreads(threads)].join('').trim()
  }
  assert.equal(await thread('REFERENCES'), '* THREAD (1 (2 4)(3)(7))((5)(6))(9 8)')
  assert.equal(await thread('ORDEREDSUBJECT'), '* THREAD (1 (2)(3)(4)(7))(5)(6)(8 9)')
})

test('a thousand messages, each the answer to the one before, are one thread', async t => {
  const account = await openAccount(t)
  const target = await account.mailboxes.append('INBOX', undefined)
  assert.ok(!isRefusal(target))
  for (let i = 0; i < 1000; i++) {
    await target.begin({ flags: [], internalDate: i, utf8: false }, 10)
    await target.write(Buffer.from(`Message-ID: <${i}@x>\nSubject: s\nReferences: <${i - 1}@x>\n\n`))
    await target.end()
  }
  assert.ok(!isRefusal(await target.commit()))
  const mailbox = await account.select()
  const threads = await mailbox.thread({ by: 'sequence', algorithm: 'REFERENCES', key: { kind: 'all' } })
  assert.ok(!isRefusal(threads))
  assert.match([...formatThreads(threads)].join(''), /^\* THREAD \(1 2 3 .* 999 1000\)\r\n$/)
})

const damage = defineWrite('test.damage', async (tx, id: number) => {
  await tx.run('UPDATE mail_data SET checksum = ? WHERE id = ?', new Uint8Array(32), id)
})

test('a message that is damaged hides none of the others', async t => {
  const { account, mailbox } = await openThree(t)
  await account.storage.run(damage, 2)
  assert.equal(await search(mailbox, header('from', 'carl')), '3')
  assert.equal(await search(mailbox, { kind: 'body', text: 'text' }), '1')
  const all = { by: 'sequence', key: { kind: 'all' } } as const
  const sorted = await mailbox.sort({ ...all, criteria: [{ key: 'FROM', reverse: false }], saves: undefined })
  assert.deepEqual(!isRefusal(sorted) && sorted.numbers, [2, 1, 3])
  const threads = await mailbox.thread({ ...all, algorithm: 'REFERENCES' })
  assert.ok(!isRefusal(threads) && threads.length === 3)
})

test('a search of many messages, by a set of many ranges, leaves other sessions their turns', async t => {
  const account = await openAccount(t)
  const numbers = new MessageNumbers([])
  for (let uid = 1; uid <= 200_000; uid++) numbers.add(uid)
  const odd = Array.from({ length: 10_000 }, (_, at) => ({ first: 2 * at + 1, last: 2 * at + 1 }))
  const key: SearchKey = { kind: 'messages', by: 'uid', set: { kind: 'ranges', ranges: odd } }
  let [turns, isOver] = [0, false]
  const count = (): void => {
    turns++
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  const id = { accountId: 1, mailboxId: 1, uidValidity: 1 }
  const recent = { has: () => false } as unknown as RecentMessages
  const found = await searchMessages({ ...account.parts, id, numbers, saved: [], recent }, key, 'uid')
  isOver = true
  assert.deepEqual([found.numbers.length, found.numbers.at(-1)], [10_000, 19_999])
  assert.ok(turns >= 100, `${turns} turns`)
})

test('of an account one SORT or THREAD is worked on at a time, and none for a session that has ended', async t => {
  const { account } = await openThree(t)
  const held = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const read: number[] = []
  const open = (accountId: number, name: number, waits?: Promise<void>): AccountMailboxes => {
    const run: Storage['run'] = async (operation, input) => {
      if (operation.name.endsWith('-messages')) {
        read.push(name)
        begun.resolve()
        await waits
      }
      return await account.storage.run(operation, input)
    }
    return new AccountMailboxes({ ...account.parts, storage: { run } }, accountId)
  }
  const sessions = [open(1, 1, held.promise), open(1, 2), open(1, 3), open(2, 4)] as const
  const [first, second, third, others] = await Promise.all(
    sessions.map(async session => await account.select('INBOX', session)),
  )
  assert.ok(first && second && third && others)
  const all = { by: 'uid', key: { kind: 'all' } } as const
  const sort = { ...all, criteria: [{ key: 'SUBJECT', reverse: false }], saves: undefined } as const
  const sorting = [first, second].map(async mailbox => await mailbox.sort(sort))
  const threading = third.thread({ ...all, algorithm: 'REFERENCES' })
  await begun.promise
  // Another account does not wait for this one.
  assert.ok(!isRefusal(await others.sort(sort)))
  assert.deepEqual(read, [1])
  sessions[1].close()
  held.resolve()
  const [sorted, late] = await Promise.all(sorting)
  const threads = await threading
  assert.deepEqual(sorted && !isRefusal(sorted) && sorted.numbers, [3, 2, 1])
  assert.ok(isRefusal(late))
  assert.ok(!isRefusal(threads) && threads.length === 3)
  assert.deepEqual(read, [1, 3])
})

test('SAVE keeps what is told of MIN, MAX and PARTIAL, and everything beside COUNT (RFC 5182 §2.4, RFC 9394 §3.2)', async t => {
  const { say, append } = await openScene(t, 'anna')
  for (const subject of ['d', 'c', 'b', 'a'])
    await append('anna', 'INBOX', { text: `Subject: ${subject}\r\n\r\ntext\r\n` })
  await say('anna', 'SELECT INBOX')
  for (const [command, saved] of [
    ['SEARCH RETURN (SAVE PARTIAL 2:3) ALL', [2, 3]],
    ['UID SEARCH RETURN (SAVE PARTIAL -1:-2) ALL', [3, 4]],
    ['SEARCH RETURN (SAVE PARTIAL 2:3 MAX) ALL', [2, 3, 4]],
    ['SEARCH RETURN (SAVE MIN MAX) ALL', [1, 4]],
    ['SEARCH RETURN (SAVE PARTIAL 1:1 COUNT) ALL', [1, 2, 3, 4]],
    ['SORT RETURN (SAVE MIN) (SUBJECT) UTF-8 ALL', [4]],
    ['SORT RETURN (SAVE PARTIAL 1:2) (SUBJECT) UTF-8 ALL', [3, 4]],
    ['SEARCH RETURN (SAVE PARTIAL 5:6) ALL', []],
  ] as const) {
    assert.match((await say('anna', command)).at(-1) ?? '', /^OK /)
    assert.deepEqual(await say('anna', 'FETCH $ UID'), [
      ...saved.map(uid => `* ${uid} FETCH (UID ${uid})`),
      'OK FETCH completed',
    ])
  }
})
