// Due work is taken under a lease, which is its due time moved into the future (ADR 2).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holdRecipients } from '../../src/queue/administer.ts'
import { findQueueDamage } from '../../src/queue/find-damage.ts'
import { showQueuedMessage } from '../../src/queue/list-queue.ts'
import { nextDueAt } from '../../src/queue/next-due-at.ts'
import { type Settlement, settle } from '../../src/queue/settle.ts'
import { defineWrite } from '../../src/storage/operation.ts'
import { address, at, describeWork, leaseMs, minute, openQueue, recipient } from './open-queue.ts'

const loseMessage = defineWrite('test.lose-message', async (tx, { id }: { readonly id: number }) => {
  await tx.run('DELETE FROM queue_message WHERE id = ?', id)
})

test('only what is due and ready is claimed', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['due@example.org'] })
  await queue.accept({ to: ['later@example.org'], at: at + 1 })
  await queue.accept({ to: ['held@example.org'], held: true })
  assert.deepEqual(describeWork(await queue.claim('one', at - 1)), [])
  assert.deepEqual(describeWork(await queue.claim('one', at)), ['1: due@example.org'])
  assert.deepEqual(describeWork(await queue.claim('one', at + 1)), ['2: later@example.org'])
  assert.deepEqual(describeWork(await queue.claim('one', at + 1)), [])
})

test('the oldest due come first, and no more than asked for', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['third@example.org'], at: at + 30 })
  await queue.accept({ to: ['first@example.org'], at: at + 10 })
  await queue.accept({ to: ['second@example.org'], at: at + 20 })
  assert.deepEqual(describeWork(await queue.claim('one', at + 99, 2)), [
    '2: first@example.org',
    '3: second@example.org',
  ])
  assert.deepEqual(describeWork(await queue.claim('one', at + 99, 2)), ['1: third@example.org'])
})

test('of those due at the same time the one that came first is first', async t => {
  const queue = await openQueue(t)
  for (const name of ['a', 'b', 'c']) await queue.accept({ to: [`${name}@example.org`] })
  assert.deepEqual(describeWork(await queue.claim('one', at)), [
    '1: a@example.org',
    '2: b@example.org',
    '3: c@example.org',
  ])
})

test('recipients of one message in one domain come as one piece of work', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['a@example.org', 'x@example.net', 'b@example.org'] })
  await queue.accept({ to: ['a@example.org'] })
  assert.deepEqual(describeWork(await queue.claim('one', at)), [
    '1: a@example.org b@example.org',
    '1: x@example.net',
    '2: a@example.org',
  ])
})

test('the limit does not part recipients of one message in one domain', async t => {
  const queue = await openQueue(t)
  await queue.accept({
    to: ['a@example.org', 'x@example.net', 'b@example.org', 'y@example.net', 'c@example.com'],
  })
  await queue.accept({ to: ['a@example.org'] })
  assert.deepEqual(describeWork(await queue.claim('one', at, 1)), ['1: a@example.org b@example.org'])
  assert.deepEqual(describeWork(await queue.claim('one', at, 1)), ['1: x@example.net y@example.net'])
  assert.deepEqual(describeWork(await queue.claim('one', at, 2)), ['1: c@example.com', '2: a@example.org'])
})

test('nor does it when another domain stands between them', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['a@example.org', 'x@example.net', 'b@example.org', 'y@example.com'] })
  assert.deepEqual(describeWork(await queue.claim('one', at, 2)), [
    '1: a@example.org b@example.org',
    '1: x@example.net',
  ])
  assert.deepEqual(describeWork(await queue.claim('one', at, 2)), ['1: y@example.com'])
})

test('companions that are held or not yet due stay behind', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['a@example.org', 'b@example.org', 'c@example.org'] })
  const [work] = await queue.claim('one', at)
  const [, b, c] = work?.recipients ?? []
  assert.ok(b && c)
  const retry = (recipientId: number, dueAt: number): Settlement => ({
    messageId: 1,
    recipientId,
    events: [],
    result: { kind: 'retry', tried: true, dueAt, diagnosis: 'busy', delayReported: false },
  })
  const settlements = (work?.recipients ?? []).map(({ id }) =>
    retry(id, id === b.id ? at + 2 * minute : at + minute),
  )
  await queue.storage.run(settle, { owner: 'one', at, settlements, reports: [] })
  await queue.administer(holdRecipients, { forwardPath: 'c@example.org' })
  assert.deepEqual(describeWork(await queue.claim('one', at + minute, 1)), ['1: a@example.org'])
})

test('a lease keeps work from a second claim until it runs out', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  assert.equal((await queue.claim('one', at)).length, 1)
  assert.deepEqual(await queue.claim('two', at + leaseMs - 1), [])
  assert.equal((await queue.storage.run(nextDueAt, undefined)).work, at + leaseMs)
  assert.deepEqual(describeWork(await queue.claim('two', at + leaseMs)), ['1: anna@example.org'])
  // It is the second one's now: its lease counts, not the first's.
  assert.deepEqual(await queue.claim('one', at + leaseMs), [])
})

test('two who claim at the same moment share the work, and nothing is given out twice', async t => {
  const queue = await openQueue(t)
  for (let n = 1; n <= 20; n++) await queue.accept({ to: [`a${n}@example.org`, `b${n}@example.org`] })
  const claims = await Promise.all(Array.from({ length: 6 }, (_, n) => queue.claim(`thread ${n}`, at, 10)))
  const ids = claims.flat().flatMap(work => work.recipients.map(one => one.id))
  assert.equal(ids.length, 40)
  assert.equal(new Set(ids).size, 40)
})

test('a recipient whose message is lost stops nobody else', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  await queue.accept({ to: ['boris@example.org'] })
  await queue.storage.run(loseMessage, { id: 1 })
  assert.deepEqual(describeWork(await queue.claim('one', at)), ['2: boris@example.org'])
  assert.deepEqual(await queue.claim('one', at), [])
})

test('claimed work says what delivery needs to know', async t => {
  const queue = await openQueue(t)
  await queue.accept({
    to: [{ address: 'anna@example.org', notify: ['SUCCESS'], expandedFrom: [address('all@example.org')] }],
  })
  const [work] = await queue.claim('one', at)
  assert.deepEqual(
    { mailDataId: work?.mailDataId, size: work?.message.size, recipients: work?.recipients },
    {
      mailDataId: 1,
      size: 23,
      recipients: [
        {
          id: 1,
          messageId: 1,
          ...recipient('anna@example.org', 'all@example.org'),
          notify: ['SUCCESS'],
          originalRecipient: undefined,
          state: 'ready',
          attempts: 0,
          dueAt: at,
          delayReportedAt: undefined,
          routeTo: undefined,
          lastReason: undefined,
        },
      ],
    },
  )
})

test('while it is under a lease a recipient is shown as underway', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org', 'boris@example.net'] })
  await queue.claim('one', at, 1)
  const shown = await queue.storage.run(showQueuedMessage, { queueId: 1 })
  assert.deepEqual(
    shown?.recipients.map(one => one.underway),
    [true, false],
  )
})

test('a damaged row does not stop the others, and is found', async t => {
  const queue = await openQueue(t)
  for (const to of ['anna@example.org', 'boris@example.org', 'clara@example.org', 'dora@example.org'])
    await queue.accept({ to: [to] })
  const damage = defineWrite('test.damage', async tx => {
    await tx.run("UPDATE queue_recipient SET forward_path = 'no address' WHERE message_id = 1")
    await tx.run("UPDATE queue_recipient SET parameters = '{' WHERE message_id = 2")
    await tx.run("UPDATE queue_message SET reverse_path = '@' WHERE id = 3")
  })
  await queue.storage.run(damage, undefined)
  assert.deepEqual(describeWork(await queue.claim('one', at)), ['4: dora@example.org'])
  assert.deepEqual(describeWork(await queue.claim('one', at)), [])
  assert.deepEqual(await findQueueDamage(queue.storage), [
    { table: 'queue_message', id: 3 },
    { table: 'queue_recipient', id: 1 },
    { table: 'queue_recipient', id: 2 },
  ])
})
