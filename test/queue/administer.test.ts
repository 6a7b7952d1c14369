// What an administrator does with queued mail: hold, release, retry now, cancel; for those that are meant and no others.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Administered,
  cancelRecipients,
  holdRecipients,
  releaseRecipients,
  retryRecipients,
} from '../../src/queue/administer.ts'
import { findRecipients } from '../../src/queue/find-recipients.ts'
import { countQueue } from '../../src/queue/list-queue.ts'
import { nextDueAt } from '../../src/queue/next-due-at.ts'
import type { QueueSelection } from '../../src/queue/select-recipients.ts'
import { type Settlement, settle } from '../../src/queue/settle.ts'
import type { TrailEvent } from '../../src/trail/events.ts'
import {
  at,
  describeWork,
  largeText,
  leaseMs,
  minute,
  onlyRecipient,
  openQueue,
  type TestQueue,
} from './open-queue.ts'

async function hold(queue: TestQueue, selection: QueueSelection): Promise<Administered> {
  return await queue.administer(holdRecipients, selection)
}

/** Every recipient waits for its next attempt. */
async function deferAll(queue: TestQueue, dueAt: number): Promise<void> {
  const work = await queue.claim('one', at)
  const settlements = work.flatMap(({ recipients }) =>
    recipients.map(({ id, messageId }) => ({
      messageId,
      recipientId: id,
      events: [],
      result: { kind: 'retry', tried: true, dueAt, diagnosis: 'busy', delayReported: false } as const,
    })),
  )
  await queue.storage.run(settle, { owner: 'one', at, settlements, reports: [] })
}

async function fill(queue: TestQueue): Promise<void> {
  await queue.accept({ from: 'sender@example.net', to: ['anna@example.org', 'boris@example.com'] })
  await queue.accept({ from: null, to: ['anna@example.org'] })
  await queue.accept({ from: 'other@example.net', to: ['Anna@example.org', 'anna@sub.example.org'] })
}

for (const [what, selection, meant] of [
  ['a queue id', { queueId: 1 }, ['1 anna@example.org', '1 boris@example.com']],
  ['a domain', { domain: 'example.org' }, ['1 anna@example.org', '2 anna@example.org', '3 Anna@example.org']],
  // RFC 5321 §2.4 leaves the case to the receiver; none that people know has two mailboxes for it.
  [
    'a recipient',
    { forwardPath: 'anna@example.org' },
    ['1 anna@example.org', '2 anna@example.org', '3 Anna@example.org'],
  ],
  ['a sender', { reversePath: 'other@example.net' }, ['3 Anna@example.org', '3 anna@sub.example.org']],
  ['the null reverse-path', { reversePath: '' }, ['2 anna@example.org']],
  ['several conditions, all of them', { queueId: 3, domain: 'example.org' }, ['3 Anna@example.org']],
  ['nothing that is there', { domain: 'example.net' }, []],
  [
    'everything',
    {},
    [
      '1 anna@example.org',
      '1 boris@example.com',
      '2 anna@example.org',
      '3 Anna@example.org',
      '3 anna@sub.example.org',
    ],
  ],
] as const) {
  test(`the selection: ${what}`, async t => {
    const queue = await openQueue(t)
    await fill(queue)
    const { recipients } = await hold(queue, selection)
    assert.equal(recipients, meant.length)
    assert.deepEqual(
      await queue.lines({ state: 'held' }),
      meant.map(line => `${line} held`),
    )
    assert.equal((await queue.lines({ state: 'ready' })).length, 5 - meant.length)
    // What is held already is not held again.
    assert.equal((await hold(queue, selection)).recipients, 0)
  })
}

test('held mail is not delivered until it is released, and then at once', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org', 'boris@example.org'] })
  await deferAll(queue, at + minute)
  await hold(queue, { forwardPath: 'anna@example.org' })
  assert.deepEqual(describeWork(await queue.claim('one', at + minute)), ['1: boris@example.org'])
  const released = await queue.administer(releaseRecipients, {}, at + 2 * minute)
  assert.deepEqual(released, { recipients: 1, underWay: 0, orphanedFiles: [] })
  assert.deepEqual(describeWork(await queue.claim('two', at + 2 * minute)), ['1: anna@example.org'])
})

test('released mail that is still being delivered is not given to another', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  const recipientId = onlyRecipient(await queue.claim('one', at))
  await hold(queue, {})
  assert.equal((await queue.administer(releaseRecipients, {})).recipients, 1)
  assert.deepEqual(await queue.claim('two', at + leaseMs - 1), [])
  const settlements = [{ messageId: 1, recipientId, events: [], result: { kind: 'done' } as const }]
  const settled = await queue.storage.run(settle, { owner: 'one', at, settlements, reports: [] })
  assert.deepEqual(settled, { lost: 0, orphanedFiles: [] })
})

test('retry: waiting mail is due at once', async t => {
  const queue = await openQueue(t)
  await fill(queue)
  await deferAll(queue, at + 60 * minute)
  const selection = { domain: 'example.org' }
  assert.equal((await queue.administer(retryRecipients, selection, at + 1)).recipients, 3)
  assert.deepEqual(describeWork(await queue.claim('one', at + 1)), [
    '1: anna@example.org',
    '2: anna@example.org',
    '3: Anna@example.org',
  ])
})

test('retry: what is held, or being tried, is left alone', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  await queue.accept({ to: ['boris@example.org'], held: true })
  await queue.claim('one', at)
  assert.equal((await queue.administer(retryRecipients, {}, at + 1)).recipients, 0)
  assert.deepEqual(await queue.claim('two', at + 1), [])
  assert.equal((await queue.storage.run(nextDueAt, undefined)).work, at + leaseMs)
  assert.deepEqual(await queue.lines({ state: 'held' }), ['2 boris@example.org held'])
})

test('cancel: recipients leave; the message, its mail data and its file go with the last one', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org', 'boris@example.net'], text: largeText })
  const first = await queue.administer(cancelRecipients, { domain: 'example.org' })
  assert.deepEqual(first, { recipients: 1, underWay: 0, orphanedFiles: [] })
  assert.deepEqual(await queue.lines(), ['1 boris@example.net ready'])
  assert.equal(await queue.read(1), largeText)
  const second = await queue.administer(cancelRecipients, { queueId: 1 })
  assert.equal(second.recipients, 1)
  assert.equal(second.orphanedFiles.length, 1)
  assert.deepEqual(await queue.storage.run(countQueue, undefined), { messages: 0, ready: 0, held: 0 })
  await assert.rejects(queue.read(1), { code: 'STORAGE_DAMAGED' })
})

test('cancel: no report to the sender, and what is being delivered cannot be settled any more', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  const recipientId = onlyRecipient(await queue.claim('one', at))
  assert.equal((await queue.administer(cancelRecipients, {})).underWay, 1)
  assert.deepEqual(await queue.lines(), [])
  const result = {
    kind: 'retry',
    tried: true,
    dueAt: at + minute,
    diagnosis: 'busy',
    delayReported: false,
  } as const
  const settlements = [{ messageId: 1, recipientId, events: [], result }]
  const settled = await queue.storage.run(settle, { owner: 'one', at, settlements, reports: [] })
  assert.deepEqual(settled, { lost: 1, orphanedFiles: [] })
  assert.deepEqual(await queue.lines(), [])
})

test('cancel: what has left for another server before it was cancelled stands in the trail, once', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  const recipientId = onlyRecipient(await queue.claim('one', at))
  await queue.administer(cancelRecipients, {})
  const attempted: TrailEvent = {
    kind: 'attempted',
    recipient: 'anna@example.org',
    attempt: 1,
    outcome: {
      kind: 'relayed',
      dsnAware: false,
      remoteMta: 'mx.example.org',
      remoteAddress: '192.0.2.1:25',
      reply: { code: 250, lines: ['Ok'] },
    },
  }
  const settlements: Settlement[] = [
    { messageId: 1, recipientId, events: [attempted], result: { kind: 'done' } },
  ]
  for (let times = 0; times < 2; times++)
    await queue.storage.run(settle, { owner: 'one', at, settlements, reports: [] })
  assert.deepEqual(await queue.events(1), [
    { kind: 'administered', action: 'cancel', recipient: 'anna@example.org' },
    attempted,
  ])
})

test('the trail says what was done to whom, and nothing about those that were not touched', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org', 'boris@example.org'] })
  const selection = { forwardPath: 'anna@example.org' }
  for (const operation of [
    retryRecipients,
    holdRecipients,
    retryRecipients,
    releaseRecipients,
    cancelRecipients,
  ])
    await queue.administer(operation, selection)
  assert.deepEqual(
    await queue.events(1),
    ['retry', 'hold', 'release', 'cancel'].map(action => ({
      kind: 'administered',
      action,
      recipient: 'anna@example.org',
    })),
  )
})

test('who is gone from a page is passed over, and not counted', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org', 'boris@example.org'] })
  const recipientIds = await queue.storage.run(findRecipients, { selection: {}, afterId: 0, limit: 10 })
  await queue.administer(cancelRecipients, { forwardPath: 'anna@example.org' })
  assert.deepEqual(await queue.storage.run(holdRecipients, { recipientIds, at }), {
    recipients: 1,
    underWay: 0,
    orphanedFiles: [],
  })
  assert.deepEqual(await queue.lines(), ['1 boris@example.org held'])
})

test('what an administrator makes due wakes delivery', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'], held: true })
  let woken = 0
  queue.storage.onWake('queue', () => woken++)
  await queue.administer(releaseRecipients, {})
  assert.equal(woken, 1)
  await queue.administer(retryRecipients, {})
  assert.equal(woken, 2)
})

test("retry passes over what its sender wants held, unless it is named; release keeps the sender's time", async t => {
  const queue = await openQueue(t)
  const releaseAt = at + 60 * minute
  await queue.accept({ to: ['anna@example.org'], message: { releaseAt } })
  await queue.accept({ to: ['boris@example.org'] })
  const due = async (): Promise<number | undefined> => (await queue.storage.run(nextDueAt, undefined)).work
  const now = at + minute
  assert.equal((await queue.administer(retryRecipients, {}, now)).recipients, 1)
  await queue.administer(cancelRecipients, { queueId: 2 }, now)
  assert.equal(await due(), releaseAt)
  await queue.administer(holdRecipients, {}, now)
  assert.equal((await queue.administer(releaseRecipients, {}, now)).recipients, 1)
  assert.equal(await due(), releaseAt)
  const recipientIds = await queue.storage.run(findRecipients, { selection: {}, afterId: 0, limit: 10 })
  await queue.storage.run(retryRecipients, { recipientIds, at: now, evenScheduled: true })
  assert.equal(await due(), now)
})
