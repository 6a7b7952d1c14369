// Suspects of a death: apart from the others, in groups that shrink with each death; the last one is set aside.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blameForDeath, setAsideReason } from '../../src/queue/blame-for-death.ts'
import { claimSuspects } from '../../src/queue/claim-suspects.ts'
import { listQueue } from '../../src/queue/list-queue.ts'
import { nextDueAt } from '../../src/queue/next-due-at.ts'
import type { QueueId } from '../../src/queue/queue-id.ts'
import type { ClaimedWork } from '../../src/queue/records.ts'
import { type Settlement, settle } from '../../src/queue/settle.ts'
import { defineWrite } from '../../src/storage/operation.ts'
import { at, describeWork, leaseMs, minute, openQueue, type TestQueue } from './open-queue.ts'

const claimNext = (queue: TestQueue, now = at): Promise<ClaimedWork[]> =>
  queue.storage.run(claimSuspects, { owner: 'next', now, leaseUntil: now + leaseMs })

const blame = (queue: TestQueue): Promise<{ setAside?: QueueId | undefined }> =>
  queue.storage.run(blameForDeath, { now: at })

async function end(
  queue: TestQueue,
  works: readonly ClaimedWork[],
  result: Settlement['result'] = { kind: 'done' },
): Promise<void> {
  const settlements = works.flatMap(({ message, recipients }) =>
    recipients.map(({ id }) => ({ messageId: message.id, recipientId: id, events: [], result })),
  )
  await queue.storage.run(settle, { owner: 'next', at, settlements, reports: [] })
}

/** A queue with so many messages to one recipient each, of which all were under way at a death. */
async function afterDeath(t: Parameters<typeof openQueue>[0], messages: number): Promise<TestQueue> {
  const queue = await openQueue(t)
  for (let n = 1; n <= messages; n++) await queue.accept({ to: [`user${n}@example.org`] })
  await queue.claim('dead', at, messages)
  await blame(queue)
  return queue
}

test('what was under way at a death is claimed apart from the rest, which does not wait for it', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org', 'boris@example.net'] })
  await queue.accept({ to: ['clara@example.org'] })
  await queue.claim('dead', at)
  await queue.accept({ to: ['dora@example.org'] })
  assert.deepEqual(await queue.storage.run(blameForDeath, { now: at }), { released: 3, setAside: undefined })
  assert.equal((await queue.storage.run(nextDueAt, undefined)).suspects, at)
  assert.deepEqual(describeWork(await queue.claim('next', at)), ['3: dora@example.org'])
  assert.equal((await queue.storage.run(nextDueAt, undefined)).work, at + leaseMs)
  assert.deepEqual(describeWork(await claimNext(queue)), [
    '1: anna@example.org',
    '1: boris@example.net',
    '2: clara@example.org',
  ])
  assert.deepEqual(await claimNext(queue), [])
})

test('with each death fewer are tried together, and those with the fewest deaths first', async t => {
  const queue = await afterDeath(t, 40)
  assert.equal((await claimNext(queue)).length, 40)
  assert.equal((await blame(queue)).setAside, undefined)
  const thirty = await claimNext(queue)
  assert.equal(thirty.length, 30)
  assert.deepEqual(await claimNext(queue), [])
  // What ends makes room.
  await end(queue, thirty.slice(0, 5))
  assert.equal((await claimNext(queue)).length, 5)
  assert.equal((await blame(queue)).setAside, undefined)
  const others = await claimNext(queue)
  assert.deepEqual(
    describeWork(others),
    [36, 37, 38, 39, 40].map(n => `${n}: user${n}@example.org`),
  )
  // A death now would be about these only.
  assert.deepEqual(await claimNext(queue), [])
  await end(queue, others)
  assert.deepEqual(describeWork(await claimNext(queue)), ['6: user6@example.org'])
  assert.deepEqual(await claimNext(queue), [])
  assert.equal((await blame(queue)).setAside, 6)
  assert.deepEqual(describeWork(await claimNext(queue)), ['7: user7@example.org'])
})

test('one message that kills among thousands: four deaths, and all the others leave', async t => {
  const messages = 3000
  const killer = 1234
  const queue = await afterDeath(t, messages)
  let deaths = 1
  for (let setAside: QueueId | undefined; setAside === undefined; ) {
    const works = await claimNext(queue)
    assert.ok(works.length > 0)
    if (works.some(({ message }) => message.id === killer)) {
      deaths++
      ;({ setAside } = await blame(queue))
    } else await end(queue, works)
  }
  assert.equal(deaths, 4)
  for (let works = await claimNext(queue); works.length > 0; works = await claimNext(queue))
    await end(queue, works)
  assert.deepEqual(await queue.lines(), [`${killer} user${killer}@example.org held`])
})

test('the only suspect under way at a death is set aside, with the reason; what came later is not', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org', 'boris@example.net'] })
  await queue.claim('dead', at)
  await queue.accept({ to: ['dora@example.org'] })
  await blame(queue)
  await queue.claim('next', at)
  await claimNext(queue)
  assert.deepEqual(await queue.storage.run(blameForDeath, { now: at }), { released: 1, setAside: 1 })
  assert.deepEqual(await queue.lines(), [
    '1 anna@example.org held',
    '1 boris@example.net held',
    '2 dora@example.org ready',
  ])
  const [first] = (await queue.storage.run(listQueue, { selection: {}, afterId: 0, limit: 1 })).messages
  assert.equal(first?.recipients[0]?.lastDiagnosis, setAsideReason)
  assert.deepEqual(await queue.events(1), [
    { kind: 'set-aside', recipient: 'anna@example.org' },
    { kind: 'set-aside', recipient: 'boris@example.net' },
  ])
})

test('a suspect that is tried in vain is like any other', async t => {
  const queue = await afterDeath(t, 1)
  await end(queue, await claimNext(queue), {
    kind: 'retry',
    tried: true,
    dueAt: at + 1,
    diagnosis: 'busy',
    delayReported: false,
  })
  assert.deepEqual(describeWork(await queue.claim('next', at + 1)), ['1: user1@example.org'])
})

test('a suspect that is not tried stays one', async t => {
  const queue = await afterDeath(t, 1)
  await end(queue, await claimNext(queue), {
    kind: 'retry',
    tried: false,
    dueAt: at + minute,
    diagnosis: 'not tried',
    delayReported: false,
  })
  assert.deepEqual(await queue.claim('next', at + minute), [])
  assert.equal((await queue.storage.run(nextDueAt, undefined)).suspects, at + minute)
  assert.deepEqual(describeWork(await claimNext(queue, at + minute)), ['1: user1@example.org'])
})

test('a suspect in a state that there is not is one like the others', async t => {
  const queue = await afterDeath(t, 2)
  await queue.storage.run(spoilState, { messageId: 1 })
  assert.deepEqual(describeWork(await claimNext(queue)), ['1: user1@example.org', '2: user2@example.org'])
  assert.deepEqual(await claimNext(queue), [])
})

test('rows that cannot be read end no search, and are not blamed', async t => {
  const queue = await afterDeath(t, 3)
  await queue.storage.run(damage, { messageId: 1 })
  await claimNext(queue)
  await blame(queue)
  await claimNext(queue)
  await blame(queue)
  await queue.storage.run(damage, { messageId: 2 })
  // Now one at a time, and the next of them is damaged.
  assert.deepEqual(describeWork(await claimNext(queue)), ['3: user3@example.org'])
  assert.equal((await blame(queue)).setAside, 3)
})

const spoilState = defineWrite('test.spoil-state', async (tx, { messageId }: { messageId: number }) => {
  await tx.run("UPDATE queue_recipient SET state = 'reaay' WHERE message_id = ?", messageId)
})

const damage = defineWrite('test.damage', async (tx, { messageId }: { messageId: number }) => {
  await tx.run("UPDATE queue_recipient SET forward_path = 'nonsense' WHERE message_id = ?", messageId)
})
