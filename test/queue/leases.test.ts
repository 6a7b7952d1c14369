// Leases that are prolonged while an attempt runs, and given back when their owner is gone.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { extendLease } from '../../src/queue/extend-lease.ts'
import { nextDueAt } from '../../src/queue/next-due-at.ts'
import { releaseLeases } from '../../src/queue/release-leases.ts'
import { settle } from '../../src/queue/settle.ts'
import { at, describeWork, leaseMs, minute, onlyRecipient, openQueue } from './open-queue.ts'

test('a lease that is extended keeps others away for longer', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  const recipientIds = [onlyRecipient(await queue.claim('one', at))]
  await queue.storage.run(extendLease, { owner: 'one', recipientIds, leaseUntil: at + 2 * leaseMs })
  assert.deepEqual(await queue.claim('two', at + 2 * leaseMs - 1), [])
  assert.deepEqual(describeWork(await queue.claim('two', at + 2 * leaseMs)), ['1: anna@example.org'])
})

test('only those named are extended', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org', 'boris@example.net'] })
  const [first] = (await queue.claim('one', at)).flatMap(work => work.recipients)
  assert.ok(first)
  await queue.storage.run(extendLease, {
    owner: 'one',
    recipientIds: [first.id],
    leaseUntil: at + 2 * leaseMs,
  })
  assert.deepEqual(describeWork(await queue.claim('two', at + leaseMs)), ['1: boris@example.net'])
})

test('a lease that another has now cannot be extended', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  const recipientIds = [onlyRecipient(await queue.claim('one', at))]
  await queue.claim('two', at + leaseMs)
  await queue.storage.run(extendLease, { owner: 'one', recipientIds, leaseUntil: at + 9 * leaseMs })
  assert.equal((await queue.storage.run(nextDueAt, undefined)).work, at + 2 * leaseMs)
})

test('what was settled is not taken back by extending its lease', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  const recipientId = onlyRecipient(await queue.claim('one', at))
  const result = {
    kind: 'retry',
    tried: true,
    dueAt: at + minute,
    diagnosis: 'busy',
    delayReported: false,
  } as const
  const settlements = [{ messageId: 1, recipientId, events: [], result }]
  await queue.storage.run(settle, { owner: 'one', at, settlements, reports: [] })
  await queue.storage.run(extendLease, {
    owner: 'one',
    recipientIds: [recipientId],
    leaseUntil: at + 9 * leaseMs,
  })
  assert.equal((await queue.storage.run(nextDueAt, undefined)).work, at + minute)
})

test('what one owner held is due again at once; what another holds stays with it', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  await queue.accept({ to: ['boris@example.org'] })
  await queue.accept({ to: ['later@example.org'], at: at + minute })
  await queue.claim('dead', at, 1)
  const living = onlyRecipient(await queue.claim('living', at, 1))
  assert.equal(await queue.storage.run(releaseLeases, { owner: 'dead', now: at + 1 }), 1)
  assert.deepEqual(describeWork(await queue.claim('next', at + 1)), ['1: anna@example.org'])
  // The living one has lost nothing: it settles.
  const settlements = [{ messageId: 2, recipientId: living, events: [], result: { kind: 'done' } as const }]
  const settled = await queue.storage.run(settle, { owner: 'living', at, settlements, reports: [] })
  assert.deepEqual(settled, { lost: 0, orphanedFiles: [] })
})

test('at the start of the only server every lease is given back', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  await queue.accept({ to: ['boris@example.org'] })
  await queue.accept({ to: ['later@example.org'], at: at + minute })
  await queue.claim('one', at, 1)
  await queue.claim('two', at, 1)
  let woken = 0
  queue.storage.onWake('queue', () => woken++)
  assert.equal(await queue.storage.run(releaseLeases, { now: at + 1 }), 2)
  assert.equal(woken, 1)
  assert.equal(await queue.storage.run(releaseLeases, { now: at + 2 }), 0)
  assert.deepEqual(describeWork(await queue.claim('three', at + 1)), [
    '1: anna@example.org',
    '2: boris@example.org',
  ])
})

test('whoever gave a lease back cannot settle what it held', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  const recipientId = onlyRecipient(await queue.claim('one', at))
  await queue.storage.run(releaseLeases, { owner: 'one', now: at })
  const settlements = [{ messageId: 1, recipientId, events: [], result: { kind: 'done' } as const }]
  const settled = await queue.storage.run(settle, { owner: 'one', at, settlements, reports: [] })
  assert.deepEqual(settled, { lost: 1, orphanedFiles: [] })
  assert.deepEqual(await queue.lines(), ['1 anna@example.org ready'])
})
