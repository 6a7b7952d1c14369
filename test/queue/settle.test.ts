// What an attempt came to, in one transaction: recipients leave or wait, mail is filed, reports are queued.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listMailboxes } from '../../src/mailbox/name-operations.ts'
import { listMailboxMessages } from '../../src/mailbox/operations.ts'
import { cancelRecipients, holdRecipients } from '../../src/queue/administer.ts'
import { countQueue, showQueuedMessage } from '../../src/queue/list-queue.ts'
import { nextDueAt } from '../../src/queue/next-due-at.ts'
import { formatQueueId } from '../../src/queue/queue-id.ts'
import type { QueuedRecipient } from '../../src/queue/records.ts'
import { type Settled, type Settlement, settle } from '../../src/queue/settle.ts'
import type { TrailEvent } from '../../src/trail/events.ts'
import {
  address,
  at,
  describeWork,
  largeText,
  leaseMs,
  minute,
  onlyRecipient,
  openQueue,
  recipient,
  type TestQueue,
} from './open-queue.ts'

type Result = Settlement['result']

const done: Result = { kind: 'done' }

function retry(dueAt: number, more: Partial<Extract<Result, { kind: 'retry' }>> = {}): Result {
  return { kind: 'retry', tried: true, dueAt, diagnosis: 'busy', delayReported: false, ...more }
}

function file(accountId: number, traceFields = ''): Result {
  return { kind: 'file', accountId, mailbox: 'INBOX', traceFields }
}

/** An event to tell one settlement from another. */
function event(recipientText: string): TrailEvent {
  return { kind: 'administered', action: 'test', recipient: recipientText }
}

async function settleAs(
  queue: TestQueue,
  owner: string,
  recipients: readonly QueuedRecipient[],
  result: Result,
  now = at,
): Promise<Settled> {
  const settled = await queue.storage.run(settle, {
    owner,
    at: now,
    settlements: recipients.map(({ id, messageId, forwardPath }) => ({
      messageId,
      recipientId: id,
      events: [event(forwardPath.localPart)],
      result,
    })),
    reports: [],
  })
  assert.ok('lost' in settled)
  return settled
}

async function claimAll(queue: TestQueue, owner: string, now = at): Promise<QueuedRecipient[]> {
  return (await queue.claim(owner, now)).flatMap(work => work.recipients)
}

async function exists(queue: TestQueue, name: string): Promise<boolean> {
  return (await queue.mailDataFiles()).includes(name)
}

test('done: the recipient leaves the queue, the message goes with the last one', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org', 'boris@example.net'] })
  const [anna, boris] = await claimAll(queue, 'one')
  assert.ok(anna && boris)
  assert.deepEqual(await settleAs(queue, 'one', [anna], done), { lost: 0, orphanedFiles: [] })
  assert.deepEqual(await queue.lines(), ['1 boris@example.net ready'])
  assert.match(await queue.read(1), /Text/)
  assert.deepEqual(await settleAs(queue, 'one', [boris], done), { lost: 0, orphanedFiles: [] })
  assert.deepEqual(await queue.storage.run(countQueue, undefined), { messages: 0, ready: 0, held: 0 })
  await assert.rejects(queue.read(1), { code: 'STORAGE_DAMAGED' })
  assert.deepEqual(await queue.events(1), [event('anna'), event('boris')])
})

test('the file of a large message is given back to be discarded with its last recipient', async t => {
  const queue = await openQueue(t)
  const message = await queue.compose({ to: [], text: largeText })
  assert.equal(message.mailData.location.kind, 'file')
  const id = await queue.accept({ to: ['anna@example.org', 'boris@example.net'], text: largeText })
  const [anna, boris] = await claimAll(queue, 'one')
  assert.ok(anna && boris)
  assert.deepEqual((await settleAs(queue, 'one', [anna], done)).orphanedFiles, [])
  assert.equal(await queue.read(id), largeText)
  const { orphanedFiles } = await settleAs(queue, 'one', [boris], done)
  assert.equal(orphanedFiles.length, 1)
  assert.ok(await exists(queue, orphanedFiles[0] ?? ''), 'the operation itself removes no file')
  await queue.mailData.discard(orphanedFiles)
  assert.ok(!(await exists(queue, orphanedFiles[0] ?? '')))
})

test('file: it is in the mailbox, and out of the queue', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'], text: largeText })
  const recipients = await claimAll(queue, 'one')
  const traceFields = 'Return-Path: <sender@example.net>\r\n'
  const settled = await settleAs(queue, 'one', recipients, file(7, traceFields), at + 5)
  assert.deepEqual(settled, { lost: 0, orphanedFiles: [] })
  assert.deepEqual(await queue.lines(), [])
  const page = { accountId: 7, mailbox: 'INBOX', limit: 10 }
  assert.deepEqual(await queue.storage.run(listMailboxMessages, page), [
    {
      uid: 1,
      flags: 0,
      keywords: [],
      modSeq: 2,
      savedAt: at + 5,
      queueId: 1,
      mailDataId: 1,
      receivedAt: at + 5,
      size: largeText.length + traceFields.length,
      traceFields,
    },
  ])
  // A mailbox refers to it now.
  assert.equal(await queue.read(1), largeText)
})

test('retry: it waits until it is due, counts the attempt and says why', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  await settleAs(queue, 'one', await claimAll(queue, 'one'), retry(at + 15 * minute))
  assert.deepEqual(await queue.claim('one', at + 15 * minute - 1), [])
  const shown = await queue.storage.run(showQueuedMessage, { queueId: 1 })
  const [waiting] = shown?.recipients ?? []
  assert.deepEqual(
    {
      attempts: waiting?.attempts,
      dueAt: waiting?.dueAt,
      lastDiagnosis: waiting?.lastDiagnosis,
      underway: waiting?.underway,
    },
    { attempts: 1, dueAt: at + 15 * minute, lastDiagnosis: 'busy', underway: false },
  )
  const [again] = await claimAll(queue, 'two', at + 15 * minute)
  assert.equal(again?.attempts, 1)
  assert.deepEqual(await queue.events(1), [event('anna')])
})

test('that a delay was reported is remembered, and not forgotten by the next attempt', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  const reported = async (): Promise<number | undefined> =>
    (await queue.storage.run(showQueuedMessage, { queueId: 1 }))?.recipients[0]?.delayReportedAt
  await settleAs(queue, 'one', await claimAll(queue, 'one'), retry(at + 1))
  assert.equal(await reported(), undefined)
  await settleAs(
    queue,
    'one',
    await claimAll(queue, 'one', at + 1),
    retry(at + 2, { delayReported: true }),
    at + 1,
  )
  assert.equal(await reported(), at + 1)
  await settleAs(queue, 'one', await claimAll(queue, 'one', at + 2), retry(at + 3), at + 2)
  assert.equal(await reported(), at + 1)
})

test('expand: others take its place, due at once, each with what came along', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['team@example.org'] })
  const into = [
    {
      ...recipient('anna@example.org', 'team@example.org'),
      notify: ['FAILURE'] as const,
      originalRecipient: 'rfc822;team@example.org',
    },
    recipient('boris@example.net', 'team@example.org'),
  ]
  await settleAs(queue, 'one', await claimAll(queue, 'one'), { kind: 'expand', into }, at + 5)
  assert.deepEqual(await queue.lines(), ['1 anna@example.org ready', '1 boris@example.net ready'])
  const [anna, boris] = await claimAll(queue, 'one', at + 5)
  assert.deepEqual(
    [
      anna?.notify,
      anna?.originalRecipient,
      anna?.expandedFrom,
      anna?.attempts,
      boris?.notify,
      boris?.expandedFrom,
    ],
    [
      ['FAILURE'],
      'rfc822;team@example.org',
      [address('team@example.org')],
      0,
      undefined,
      [address('team@example.org')],
    ],
  )
})

test('expand: who is in the message already gets it once', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org', 'team@example.org', 'all@example.org'] })
  const [, team, all] = await claimAll(queue, 'one')
  assert.ok(team && all)
  const into = [
    recipient('anna@example.org', 'team@example.org'),
    recipient('boris@example.org', 'team@example.org'),
    recipient('boris@example.org', 'team@example.org'),
  ]
  await settleAs(queue, 'one', [team, all], { kind: 'expand', into })
  assert.deepEqual(await queue.lines(), ['1 anna@example.org ready', '1 boris@example.org ready'])
  // Anna's own lease is untouched: she is not claimed a second time.
  assert.deepEqual(describeWork(await queue.claim('two', at)), ['1: boris@example.org'])
})

test('expand: the same target of another message is another recipient', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  await queue.accept({ to: ['team@example.org'] })
  const [, team] = await claimAll(queue, 'one')
  assert.ok(team)
  await settleAs(queue, 'one', [team], {
    kind: 'expand',
    into: [recipient('anna@example.org', 'team@example.org')],
  })
  assert.deepEqual(await queue.lines(), ['1 anna@example.org ready', '2 anna@example.org ready'])
})

test('expand: into nobody, the message ends', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['nobody@example.org'] })
  await settleAs(queue, 'one', await claimAll(queue, 'one'), { kind: 'expand', into: [] })
  assert.equal((await queue.storage.run(countQueue, undefined)).messages, 0)
})

test('expand: what was held meanwhile stays held', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['team@example.org'] })
  const recipients = await claimAll(queue, 'one')
  await queue.administer(holdRecipients, {})
  await settleAs(queue, 'one', recipients, {
    kind: 'expand',
    into: [recipient('anna@example.org', 'team@example.org')],
  })
  assert.deepEqual(await queue.lines(), ['1 anna@example.org held'])
  assert.deepEqual(await queue.claim('one', at), [])
})

for (const [kind, result] of [
  ['done', done],
  ['file', file(1)],
  ['retry', retry(at + minute)],
  ['expand', { kind: 'expand', into: [recipient('boris@example.org', 'team@example.org')] }],
] as const) {
  test(`a lost lease changes nothing: ${kind}`, async t => {
    const queue = await openQueue(t)
    await queue.accept({ to: ['anna@example.org'] })
    const recipients = await claimAll(queue, 'slow')
    await queue.claim('quick', at + leaseMs)
    const settled = await settleAs(queue, 'slow', recipients, result, at + leaseMs)
    assert.deepEqual(settled, { lost: 1, orphanedFiles: [] })
    const shown = await queue.storage.run(showQueuedMessage, { queueId: 1 })
    assert.equal(shown?.recipients.length, 1)
    assert.deepEqual([shown.recipients[0]?.attempts, shown.recipients[0]?.underway], [0, true])
    assert.equal((await queue.storage.run(nextDueAt, undefined)).work, at + 2 * leaseMs)
    assert.deepEqual(await queue.storage.run(listMailboxes, { accountId: 1 }), [])
    assert.deepEqual(await queue.events(1), [])
    // The other one settles as if nothing had been.
    assert.equal((await settleAs(queue, 'quick', recipients, done)).lost, 0)
  })
}

test('of several settlements only the one whose lease is lost is left out', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  await queue.accept({ to: ['boris@example.org'], at: at + leaseMs + 1 })
  const [anna] = await claimAll(queue, 'slow')
  await queue.claim('quick', at + leaseMs)
  const [boris] = await claimAll(queue, 'slow', at + leaseMs + 1)
  assert.ok(anna && boris)
  assert.equal((await settleAs(queue, 'slow', [anna, boris], done)).lost, 1)
  assert.deepEqual(await queue.lines(), ['1 anna@example.org ready'])
})

test('a recipient that is settled twice is settled once', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  const [anna] = await claimAll(queue, 'one')
  assert.ok(anna)
  assert.equal((await settleAs(queue, 'one', [anna, anna], file(1))).lost, 1)
  const [inbox] = await queue.storage.run(listMailboxes, { accountId: 1 })
  assert.equal(inbox?.messages, 1)
  assert.deepEqual(await queue.events(1), [event('anna')])
})

/** What the reports of these tests tell. */
const about = { messageId: 1, action: 'failed', recipients: ['anna@example.org'] }

test('a report is queued in the transaction that it tells of', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'], from: 'sender@example.net' })
  const recipientId = onlyRecipient(await queue.claim('one', at))
  const report = await queue.compose({
    from: null,
    to: ['sender@example.net'],
    text: 'Subject: Undelivered\r\n',
    message: { isReport: true },
  })
  const settlements: Settlement[] = [{ messageId: 1, recipientId, events: [], result: done }]
  await queue.storage.run(settle, {
    owner: 'one',
    at,
    settlements,
    reports: [{ message: report, recipientIds: [recipientId], about }],
  })
  assert.deepEqual(await queue.lines(), ['2 sender@example.net ready'])
  assert.deepEqual(describeWork(await queue.claim('one', at)), ['2: sender@example.net'])
  assert.equal(await queue.read(2), 'Subject: Undelivered\r\n')
  // Either trail leads to the other message.
  const what = { action: 'failed', recipients: ['anna@example.org'] }
  assert.deepEqual(await queue.events(1), [{ kind: 'reported', ...what, reportId: formatQueueId(2) }])
  assert.deepEqual(await queue.events(2), [{ kind: 'reports', ...what, aboutId: formatQueueId(1) }])
})

test('what another has settled is not reported, and the report leaves no file', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'], from: 'sender@example.net' })
  const recipientId = onlyRecipient(await queue.claim('one', at))
  await queue.administer(cancelRecipients, {})
  const message = await queue.compose({ from: null, to: ['sender@example.net'], text: largeText })
  const settlements: Settlement[] = [{ messageId: 1, recipientId, events: [], result: done }]
  const reports = [{ message, recipientIds: [recipientId], about }]
  const settled = await queue.storage.run(settle, { owner: 'one', at, settlements, reports })
  assert.deepEqual(await queue.lines(), [])
  assert.ok(!(await queue.events(1)).some(one => one.kind === 'reported'))
  assert.deepEqual(settled, {
    lost: 1,
    orphanedFiles: message.mailData.location.kind === 'file' ? [message.mailData.location.name] : undefined,
  })
})

test('a report that names one whom another has settled, or who has no account any more, is not queued', async t => {
  const queue = await openQueue(t)
  await queue.accept({
    to: ['anna@example.org', 'boris@example.net', 'clara@example.com'],
    from: 's@example.net',
  })
  const [anna, boris, clara] = await claimAll(queue, 'one')
  assert.ok(anna && boris && clara)
  await settleAs(queue, 'one', [boris], done)
  const message = await queue.compose({ from: null, to: ['s@example.net'] })
  const settling = {
    owner: 'one',
    at,
    settlements: [
      { messageId: 1, recipientId: anna.id, events: [], result: done },
      { messageId: 1, recipientId: boris.id, events: [], result: done },
      { messageId: 1, recipientId: clara.id, events: [], result: file(404) },
    ],
  }
  const recipientIds = [anna.id, boris.id, clara.id]
  assert.deepEqual(
    await queue.storage.run(settle, { ...settling, reports: [{ message, recipientIds, about }] }),
    { unsettled: [boris.id, clara.id], orphanedFiles: [] },
  )
  assert.deepEqual(await queue.lines(), ['1 anna@example.org ready', '1 clara@example.com ready'])
  const onlyAnna = [{ message, recipientIds: [anna.id], about }]
  assert.ok('lost' in (await queue.storage.run(settle, { ...settling, reports: onlyAnna })))
  assert.deepEqual(await queue.lines(), ['1 clara@example.com ready', '2 s@example.net ready'])
})

test('when the queue id of a report is taken, nothing is settled', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  await queue.accept({ to: ['boris@example.org'] })
  const [anna] = await claimAll(queue, 'one')
  assert.ok(anna)
  const report = await queue.compose({ from: null, to: ['sender@example.net'] })
  const taken = { ...report, message: { ...report.message, id: 2 } }
  const settlements: Settlement[] = [
    { messageId: 1, recipientId: anna.id, events: [event('anna')], result: file(1) },
  ]
  const reports = [{ message: taken, recipientIds: [anna.id], about }]
  assert.deepEqual(await queue.storage.run(settle, { owner: 'one', at, settlements, reports }), {
    unsettled: [],
    orphanedFiles: [],
  })
  assert.deepEqual(await queue.lines(), ['1 anna@example.org ready', '2 boris@example.org ready'])
  assert.deepEqual(await queue.storage.run(listMailboxes, { accountId: 1 }), [])
  assert.deepEqual(await queue.events(1), [])
  // The lease is still there, so that it can be settled again.
  assert.equal((await settleAs(queue, 'one', [anna], done)).lost, 0)
})

test('a held recipient whose delivery was under way is settled; deferred, it stays held', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org', 'boris@example.org'] })
  const [anna, boris] = await claimAll(queue, 'one')
  assert.ok(anna && boris)
  await queue.administer(holdRecipients, {})
  assert.equal((await settleAs(queue, 'one', [anna], done)).lost, 0)
  assert.equal((await settleAs(queue, 'one', [boris], retry(at + minute))).lost, 0)
  assert.deepEqual(await queue.lines(), ['1 boris@example.org held'])
  assert.deepEqual(await queue.claim('one', at + minute), [])
})

test('a settling that is repeated keeps the report of the first time', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'], from: 'sender@example.net' })
  const recipientId = onlyRecipient(await queue.claim('one', at))
  const message = await queue.compose({ from: null, to: ['sender@example.net'], text: largeText })
  const settlements: Settlement[] = [{ messageId: 1, recipientId, events: [], result: done }]
  const reports = [{ message, recipientIds: [recipientId], about }]
  const settling = { owner: 'one', at, settlements, reports }
  await queue.storage.run(settle, settling)
  assert.deepEqual(await queue.storage.run(settle, settling), { lost: 1, orphanedFiles: [] })
  assert.equal(await queue.read(2), largeText)
})

test('of reports that are not queued only those leave no file that were not queued before', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org', 'boris@example.net'], from: 's@example.net' })
  const [anna, boris] = await claimAll(queue, 'one')
  assert.ok(anna && boris)
  const posting = { from: null, to: ['s@example.net'], text: largeText }
  const delayed = { message: await queue.compose(posting), recipientIds: [anna.id], about }
  const failed = { message: await queue.compose(posting), recipientIds: [anna.id, boris.id], about }
  const waits = { messageId: 1, recipientId: anna.id, events: [], result: retry(at) }
  const ends = { messageId: 1, recipientId: boris.id, events: [], result: done }
  const settlements: Settlement[] = [waits, ends]
  // Its commit was not answered; then anna was claimed again.
  await queue.storage.run(settle, { owner: 'one', at, settlements, reports: [delayed] })
  await claimAll(queue, 'one')
  const reports = [delayed, failed]
  const { location } = failed.message.mailData
  assert.ok(location.kind === 'file')
  assert.deepEqual(await queue.storage.run(settle, { owner: 'one', at, settlements, reports }), {
    unsettled: [boris.id],
    orphanedFiles: [location.name],
  })
  assert.equal(await queue.read(delayed.message.message.id), largeText)
})

test('the id of a settled recipient never comes back: who is late to settle it hits nobody else', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  const old = onlyRecipient(await queue.claim('one', at))
  const settlements: Settlement[] = [{ messageId: 1, recipientId: old, events: [], result: done }]
  await queue.storage.run(settle, { owner: 'one', at, settlements, reports: [] })
  await queue.accept({ to: ['boris@example.org'] })
  assert.notEqual(onlyRecipient(await queue.claim('one', at)), old)
  assert.deepEqual(await queue.storage.run(settle, { owner: 'one', at, settlements, reports: [] }), {
    lost: 1,
    orphanedFiles: [],
  })
  assert.deepEqual(await queue.lines(), ['2 boris@example.org ready'])
})
