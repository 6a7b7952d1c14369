// Suspects of a death: apart from the others, one message at a time, on hold after the second death.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blameForDeath, setAsideReason } from '../../src/queue/blame-for-death.ts'
import { claimSuspect } from '../../src/queue/claim-due-work.ts'
import { listQueue } from '../../src/queue/list-queue.ts'
import { nextDueAt } from '../../src/queue/next-due-at.ts'
import type { ClaimedWork } from '../../src/queue/records.ts'
import { settle } from '../../src/queue/settle.ts'
import { at, describeWork, leaseMs, onlyRecipient, openQueue, type TestQueue } from './open-queue.ts'

const claimOne = (queue: TestQueue): Promise<ClaimedWork[]> =>
  queue.storage.run(claimSuspect, { owner: 'next', now: at, leaseUntil: at + leaseMs })

async function afterOneDeath(t: Parameters<typeof openQueue>[0]): Promise<TestQueue> {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org', 'boris@example.net'] })
  await queue.accept({ to: ['clara@example.org'] })
  await queue.claim('dead', at)
  await queue.accept({ to: ['dora@example.org'] })
  const blamed = await queue.storage.run(blameForDeath, { now: at })
  assert.deepEqual(blamed, { released: 3, setAside: [] })
  return queue
}

test('what was under way at a death is claimed one message at a time, apart from the rest', async t => {
  const queue = await afterOneDeath(t)
  assert.deepEqual(describeWork(await queue.claim('next', at)), ['3: dora@example.org'])
  assert.equal(await queue.storage.run(nextDueAt, undefined), at + leaseMs)
  assert.deepEqual(describeWork(await claimOne(queue)), ['1: anna@example.org', '1: boris@example.net'])
  assert.deepEqual(describeWork(await claimOne(queue)), ['2: clara@example.org'])
  assert.deepEqual(await claimOne(queue), [])
})

test('a second death sets the suspect aside that was under way, and nobody else', async t => {
  const queue = await afterOneDeath(t)
  await queue.claim('next', at)
  await claimOne(queue)
  const blamed = await queue.storage.run(blameForDeath, { now: at })
  assert.deepEqual(blamed, { released: 1, setAside: [1] })
  assert.deepEqual(await queue.lines(), [
    '1 anna@example.org held',
    '1 boris@example.net held',
    '2 clara@example.org ready',
    '3 dora@example.org ready',
  ])
  const [first] = await queue.storage.run(listQueue, { selection: {}, afterId: 0, limit: 1 })
  assert.equal(first?.recipients[0]?.lastDiagnosis, setAsideReason)
  assert.deepEqual(await queue.events(1), [
    { kind: 'set-aside', recipient: 'anna@example.org' },
    { kind: 'set-aside', recipient: 'boris@example.net' },
  ])
  // dora was there by chance: no suspect of the next death.
  assert.deepEqual(describeWork(await queue.claim('third', at)), ['3: dora@example.org'])
  assert.deepEqual(describeWork(await claimOne(queue)), ['2: clara@example.org'])
})

test('a suspect that is tried in vain is like any other', async t => {
  const queue = await queueWithOneSuspect(t)
  const recipientId = onlyRecipient(await claimOne(queue))
  const result = { kind: 'retry', dueAt: at + 1, diagnosis: 'busy', delayReported: false } as const
  const settlements = [{ messageId: 1, recipientId, events: [], result }]
  await queue.storage.run(settle, { owner: 'next', at, settlements, reports: [] })
  assert.deepEqual(describeWork(await queue.claim('next', at + 1)), ['1: anna@example.org'])
})

async function queueWithOneSuspect(t: Parameters<typeof openQueue>[0]): Promise<TestQueue> {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  await queue.claim('dead', at)
  await queue.storage.run(blameForDeath, { now: at })
  return queue
}
