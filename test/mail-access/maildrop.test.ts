// INBOX as a maildrop over real storage: what a POP3 session sees of it, what it changes, and who else may have it meanwhile.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openMaildrop } from '../../src/mail-access/maildrop.ts'
import { MaildropLeases } from '../../src/mail-access/maildrop-leases.ts'
import { changeFlags } from '../../src/mailbox/change-flags.ts'
import { copyMessages, moveMessages } from '../../src/mailbox/copy-messages.ts'
import { listExpunged } from '../../src/mailbox/expunged.ts'
import { updateMaildrop } from '../../src/mailbox/maildrop-locks.ts'
import { flags } from '../../src/mailbox/message-state.ts'
import { createMailbox, findMailbox } from '../../src/mailbox/name-operations.ts'
import { rangesOf } from '../../src/mailbox/uid-ranges.ts'
import type { Maildrop, MessageForm } from '../../src/pop3/server/maildrop-services.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import type { StoredMailData } from '../../src/storage/mail-data.ts'
import { insertMailData } from '../../src/storage/mail-data-rows.ts'
import { defineWrite, type Storage } from '../../src/storage/operation.ts'
import { createManualClock, type ManualClock } from '../harness/manual-clock.ts'
import { at, openMailboxes, type TestMailboxes } from '../mailbox/open-mailboxes.ts'

interface Drops {
  readonly mailboxes: TestMailboxes
  readonly clock: ManualClock
  /** As another thread, or server, would; with its storage, if that is another. */
  readonly thread: (storage?: Pick<Storage, 'run'>) => Thread
}

interface Thread {
  readonly leases: MaildropLeases
  readonly open: (accountId?: number) => Promise<Maildrop | 'in-use'>
  /** One that is there. */
  readonly take: (accountId?: number) => Promise<Maildrop>
}

async function openDrops(t: TestContext, texts: readonly string[] = []): Promise<Drops> {
  const mailboxes = await openMailboxes(t)
  const clock = createManualClock(at)
  for (const [index, text] of texts.entries()) await mailboxes.store(index + 1, text)
  await mailboxes.file(...texts.map((_, index) => ({ queueId: index + 1 })))
  return {
    mailboxes,
    clock,
    thread(storage = mailboxes.storage) {
      const leases = new MaildropLeases({ storage, clock, random: systemRandom, log: silentLog })
      const parts = { storage, mailData: mailboxes.mailData, clock, leases }
      const open = (accountId = 1): Promise<Maildrop | 'in-use'> => openMaildrop(parts, accountId)
      return {
        leases,
        open,
        async take(accountId) {
          const maildrop = await open(accountId)
          assert.ok(maildrop !== 'in-use')
          return maildrop
        },
      }
    },
  }
}

const nothing = { deleted: [], retrieved: [] }

async function sizes(maildrop: Maildrop): Promise<string[]> {
  const lines: string[] = []
  for await (const batch of maildrop.sizes())
    lines.push(...batch.map(({ message, size }) => `${message} ${size}`))
  return lines
}

async function uniqueIds(maildrop: Maildrop): Promise<Map<number, string>> {
  const ids = new Map<number, string>()
  for await (const batch of maildrop.uniqueIds())
    for (const { message, uniqueId } of batch) ids.set(message, uniqueId)
  return ids
}

async function read(maildrop: Maildrop, message: number, form: MessageForm = 'utf-8'): Promise<string> {
  const content = await maildrop.open(message, form)
  if (typeof content === 'string') return content
  const chunks: Uint8Array[] = []
  for await (const chunk of content.octets) chunks.push(chunk)
  const octets = Buffer.concat(chunks)
  assert.equal(octets.length, content.size)
  return octets.toString('utf8')
}

test('what a session sees: numbers, sizes, unique-ids and texts, with what delivery put above them', async t => {
  const { mailboxes, thread } = await openDrops(t, [
    'Subject: one\r\n\r\n1\r\n',
    'Subject: two\r\n\r\nzwei\r\n',
  ])
  const large = 'Subject: large\r\n\r\n'.padEnd(100_000, 'x')
  await mailboxes.store(3, large)
  await mailboxes.file({ queueId: 3, traceFields: 'Return-Path: <>\r\n' })
  const maildrop = await thread().take()
  assert.deepEqual([maildrop.count, maildrop.octets], [3, 19 + 22 + 100_017])
  assert.deepEqual(await sizes(maildrop), ['1 19', '2 22', '3 100017'])
  assert.equal(await maildrop.sizeOf(2), 22)
  assert.equal(await read(maildrop, 2), 'Subject: two\r\n\r\nzwei\r\n')
  assert.ok((await read(maildrop, 3)) === `Return-Path: <>\r\n${large}`)
  const ids = await uniqueIds(maildrop)
  assert.deepEqual([...ids.keys()], [1, 2, 3])
  for (const id of ids.values()) assert.match(id, /^[!-~]{1,70}$/)
  assert.equal(await maildrop.uniqueIdOf(2), ids.get(2))
  await maildrop.update(nothing)
})

test('INBOX is made for an account that has none yet', async t => {
  const { mailboxes, thread } = await openDrops(t)
  const maildrop = await thread().take(7)
  assert.deepEqual([maildrop.count, maildrop.octets, await sizes(maildrop)], [0, 0, []])
  assert.deepEqual(await mailboxes.summaries(7), ['INBOX 0 0'])
  await maildrop.update(nothing)
})

test('an update removes what was deleted, marks what was retrieved, and can be undone for a while', async t => {
  const { mailboxes, thread } = await openDrops(t, ['a', 'b', 'c', 'd'])
  const maildrop = await thread().take()
  assert.equal(await maildrop.update({ deleted: [1, 3], retrieved: [2] }), 'updated')
  assert.deepEqual(
    (await mailboxes.list(1)).map(message => [message.uid, message.flags]),
    [
      [2, flags.seen],
      [4, 0],
    ],
  )
  const kept = await mailboxes.storage.run(listExpunged, { accountId: 1, limit: 10 })
  assert.deepEqual(kept.map(({ uid }) => uid).sort(), [1, 3])
  assert.deepEqual(await mailboxes.summaries(1), ['INBOX 2 2'])
})

test('unique-ids stay over sessions and other programs, and come back for nobody else', async t => {
  const { mailboxes, thread } = await openDrops(t, ['a', 'b', 'c'])
  const first = await thread().take()
  const before = await uniqueIds(first)
  await first.update({ deleted: [1, 3], retrieved: [] })
  await mailboxes.store(4, 'd')
  await mailboxes.file({ queueId: 4 })
  const second = await thread().take()
  const after = await uniqueIds(second)
  assert.equal(after.get(1), before.get(2))
  assert.equal(new Set([...before.values(), ...after.values()]).size, 4)
  second.close()
})

test('one session of an account at a time, on whichever thread; another account is free', async t => {
  const { thread } = await openDrops(t, ['a'])
  const [here, there] = [thread(), thread()]
  const first = await here.take()
  assert.equal(await here.open(), 'in-use')
  assert.equal(await there.open(), 'in-use')
  const other = await there.take(2)
  await first.update(nothing)
  const second = await there.take()
  assert.equal(await here.open(), 'in-use')
  second.close()
  await there.leases.close()
  const third = await here.take()
  third.close()
  // What was closed already gives nothing back that is somebody else's by now.
  const fourth = await thread().take()
  third.close()
  first.close()
  await here.leases.close()
  assert.equal(await there.open(), 'in-use')
  fourth.close()
  other.close()
})

test('only one of many who come at once gets in', async t => {
  const { thread } = await openDrops(t, ['a'])
  const opened = await Promise.all(Array.from({ length: 8 }, () => thread().open()))
  assert.equal(opened.filter(maildrop => maildrop !== 'in-use').length, 1)
})

test('a lock lives as long as its session', async t => {
  const { clock, mailboxes, thread } = await openDrops(t, ['a'])
  const writes: Promise<unknown>[] = []
  const { leases, take } = thread({
    run(operation, input) {
      const write = mailboxes.storage.run(operation, input)
      writes.push(write)
      return write
    },
  })
  const maildrop = await take()
  for (let time = 0; time < 20; time++) {
    clock.advance(10_000)
    await Promise.all(writes)
    assert.equal(await thread().open(), 'in-use')
  }
  maildrop.close()
  await leases.close()
  const next = await thread().take()
  next.close()
})

test('a thread that dies keeps its maildrops for a quarter of a minute', async t => {
  const { clock, mailboxes, thread } = await openDrops(t, ['a'])
  const life = { isOver: false }
  const dying = thread({
    run: async (operation, input) => {
      if (life.isOver) throw new Error('the thread is dead')
      return await mailboxes.storage.run(operation, input)
    },
  })
  const held = await dying.take()
  life.isOver = true
  clock.advance(15_000)
  assert.equal(await thread().open(), 'in-use')
  clock.advance(2000)
  const next = await thread().take()
  // It lives after all, and finds its maildrop taken: nothing is done behind the other one's back.
  life.isOver = false
  assert.equal(await held.update({ deleted: [1], retrieved: [1] }), 'lock-lost')
  assert.deepEqual(
    (await mailboxes.list(1)).map(message => [message.uid, message.flags]),
    [[1, 0]],
  )
  assert.equal(await thread().open(), 'in-use')
  assert.equal(await next.update({ deleted: [1], retrieved: [] }), 'updated')
  assert.deepEqual(await mailboxes.list(1), [])
})

test('who has lost a maildrop and taken it again has another lock', async t => {
  const { clock, mailboxes, thread } = await openDrops(t, ['a'])
  const same = thread({
    run: async (operation, input) => {
      if (operation.name === 'mailbox.renew-maildrop-locks') throw new Error('out of touch')
      return await mailboxes.storage.run(operation, input)
    },
  })
  const first = await same.take()
  clock.advance(20_000)
  const second = await same.take()
  assert.equal(await first.update({ deleted: [1], retrieved: [] }), 'lock-lost')
  assert.equal(await second.update({ deleted: [1], retrieved: [] }), 'updated')
})

test('an update that fails leaves everything as it was, and the maildrop free', async t => {
  const { mailboxes, thread } = await openDrops(t, ['a', 'b'])
  const failing = thread({
    run: async (operation, input) => {
      if (operation === updateMaildrop) throw new Error('the disk is full')
      return await mailboxes.storage.run(operation, input)
    },
  })
  const maildrop = await failing.take()
  await assert.rejects(maildrop.update({ deleted: [1], retrieved: [2] }), /the disk is full/)
  assert.deepEqual(
    (await mailboxes.list(1)).map(message => [message.uid, message.flags]),
    [
      [1, 0],
      [2, 0],
    ],
  )
  const next = await thread().take()
  next.close()
})

test('a storage that cannot say at the log-in whether it has locked keeps nobody out', async t => {
  const { mailboxes, thread } = await openDrops(t, ['a'])
  const unsure = thread({
    run: async (operation, input) => {
      const output = await mailboxes.storage.run(operation, input)
      if (operation.name === 'mailbox.lock-maildrop') throw new Error('the connection broke')
      return output
    },
  })
  await assert.rejects(unsure.open(), /the connection broke/)
  await unsure.leases.close()
  const next = await thread().take()
  next.close()
})

test('what IMAP removes or moves meanwhile has left, and what comes has no number', async t => {
  const { mailboxes, clock, thread } = await openDrops(t, ['a', 'bb', 'ccc', 'dddd'])
  const maildrop = await thread().take()
  await mailboxes.expunge([2])
  const { storage } = mailboxes
  await storage.run(createMailbox, { accountId: 1, name: 'Archive', now: clock.now() })
  const from = await mailboxes.open()
  const moving = { from, to: { accountId: 1, name: 'Archive' }, now: clock.now() }
  await storage.run(moveMessages, { ...moving, ranges: rangesOf([4]) })
  await mailboxes.store(5, 'eeeee')
  await mailboxes.file({ queueId: 5 })
  assert.deepEqual([maildrop.count, maildrop.octets], [4, 10])
  assert.deepEqual(await sizes(maildrop), ['1 1', '3 3'])
  assert.deepEqual([...(await uniqueIds(maildrop)).keys()], [1, 3])
  for (const gone of [2, 4]) {
    assert.equal(await maildrop.sizeOf(gone), undefined)
    assert.equal(await maildrop.uniqueIdOf(gone), undefined)
    assert.equal(await read(maildrop, gone), 'has-left')
  }
  assert.equal(await read(maildrop, 3), 'ccc')
  assert.equal(await maildrop.update({ deleted: [1, 2, 4], retrieved: [3] }), 'updated')
  assert.deepEqual(
    (await mailboxes.list(1)).map(message => [message.uid, message.flags]),
    [
      [3, flags.seen],
      [5, 0],
    ],
  )
  assert.deepEqual(await mailboxes.summaries(1), ['Archive 1 4', 'INBOX 2 8'])
})

test('what is gone already changes nothing of the mailbox, not even its mod-sequence', async t => {
  const { mailboxes, thread } = await openDrops(t, ['a'])
  const maildrop = await thread().take()
  await mailboxes.expunge([1])
  const modSeq = async (): Promise<number | undefined> =>
    (await mailboxes.storage.run(findMailbox, { accountId: 1, name: 'INBOX' }))?.modSeq
  const before = await modSeq()
  assert.equal(await maildrop.update({ deleted: [1], retrieved: [] }), 'updated')
  assert.equal(await modSeq(), before)
})

test('more than one write takes: every second of 5,001 messages, some of them flagged', async t => {
  const { mailboxes, thread } = await openDrops(t, ['a'])
  const count = 5001
  const more = count - 1
  const open = await mailboxes.open()
  const copying = { from: open, to: { accountId: 1, name: 'INBOX' }, ranges: rangesOf([1]), now: at }
  for (let copies = 1; copies <= more; ) {
    const ranges = [{ first: 1, last: Math.min(copies, more + 1 - copies) }]
    await mailboxes.storage.run(copyMessages, { ...copying, ranges })
    copies += ranges[0]?.last ?? 0
  }
  await mailboxes.storage.run(changeFlags, {
    ...open,
    ranges: [{ first: 1, last: 3 }],
    mode: 'add',
    flags: flags.flagged,
    keywords: [],
  })
  const maildrop = await thread().take()
  assert.equal(maildrop.count, count)
  assert.equal((await sizes(maildrop)).length, count)
  assert.equal((await uniqueIds(maildrop)).size, count)
  const numbers = Array.from({ length: count }, (_, index) => index + 1)
  const outcome = await maildrop.update({
    deleted: numbers.filter(number => number % 2 === 1),
    retrieved: numbers.filter(number => number % 2 === 0),
  })
  assert.equal(outcome, 'updated')
  const inbox = await mailboxes.storage.run(findMailbox, { accountId: 1, name: 'INBOX' })
  assert.deepEqual([inbox?.messages, inbox?.unseen, inbox?.bytes], [2500, 0, 2500])
  const next = await thread().take()
  next.close()
})

test('a header section in UTF-8 is written in ASCII for whoever cannot read it', async t => {
  const { thread } = await openDrops(t, [
    'From: Анна <anna@example.test>\r\nSubject: привет\r\n\r\nПривет\r\n',
    'From: анна@example.test\r\nSubject: address\r\n\r\nПривет\r\n',
    'Subject: ascii\r\n\r\nПривет\r\n',
  ])
  const maildrop = await thread().take()
  assert.match(await read(maildrop, 1, 'utf-8'), /^From: Анна <.*\r\nSubject: привет\r\n\r\nПривет\r\n$/)
  const ascii = await read(maildrop, 1, 'ascii')
  assert.match(
    ascii,
    /^From: =\?utf-8\?[bq]\?\S+\?= <anna@example\.test>\r\nSubject: =\?utf-8\?[bq]\?\S+\?=\r\n/i,
  )
  assert.match(ascii, /\r\n\r\nПривет\r\n$/)
  assert.equal(await read(maildrop, 2, 'ascii'), 'needs-utf8')
  assert.equal(await read(maildrop, 3, 'ascii'), 'Subject: ascii\r\n\r\nПривет\r\n')
  maildrop.close()
})

test('what is no UTF-8 in a header section becomes ASCII too', async t => {
  const { mailboxes, thread } = await openDrops(t)
  const writer = mailboxes.mailData.create()
  await writer.write(Buffer.from('Subject: \xf0\xf2\xe9\r\n\r\n8 bits\r\n', 'latin1'))
  await mailboxes.storage.run(storeRaw, await writer.finish())
  await mailboxes.file({ queueId: 1 })
  const maildrop = await thread().take()
  assert.match(await read(maildrop, 1, 'ascii'), /^Subject: =\?[!-~]+\?=\r\n\r\n8 bits\r\n$/)
  maildrop.close()
})

const storeRaw = defineWrite('test.store-raw', async (tx, mailData: StoredMailData) => {
  await insertMailData(tx, 1, mailData)
})

const damage = defineWrite('test.damage', async tx => {
  await tx.run('UPDATE mail_data SET bytes = ?', Buffer.from('b'))
})

test('a message that cannot be read is known as such before anything of it is said', async t => {
  const { mailboxes, thread } = await openDrops(t)
  await mailboxes.store(1, 'a')
  await mailboxes.file({ queueId: 1, traceFields: 'Return-Path: <>\r\n' })
  await mailboxes.storage.run(damage, undefined)
  const maildrop = await thread().take()
  for (const form of ['ascii', 'utf-8'] as const)
    await assert.rejects(async () => await maildrop.open(1, form), /Mail data 1 differs from its checksum/)
  maildrop.close()
})
