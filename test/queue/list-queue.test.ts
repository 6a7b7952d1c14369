// The queue as an administrator sees it: page by page, selected, counted.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddress } from '../../src/address/format-address.ts'
import {
  countQueue,
  findQueuedMessages,
  listQueue,
  type QueueListing,
  showQueuedMessage,
} from '../../src/queue/list-queue.ts'
import { createQueueIdMaker } from '../../src/queue/queue-id.ts'
import type { QueueSelection } from '../../src/queue/select-recipients.ts'
import { defineWrite } from '../../src/storage/operation.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { at, openQueue, type TestQueue } from './open-queue.ts'

/** Page after page, as the command line asks for them. */
async function pages(queue: TestQueue, limit: number, selection: QueueSelection = {}): Promise<number[][]> {
  const found: number[][] = []
  for (let afterId: number | undefined = 0; afterId !== undefined; ) {
    const page: QueueListing = await queue.storage.run(listQueue, { selection, afterId, limit })
    if (page.messages.length > 0) found.push(page.messages.map(({ message }) => message.id))
    afterId = page.lastId
  }
  return found
}

test('every message is on one page, oldest first', async t => {
  const queue = await openQueue(t)
  for (let n = 0; n < 7; n++) await queue.accept({ to: [`a${n}@example.org`, `b${n}@example.org`] })
  assert.deepEqual(await pages(queue, 3), [[1, 2, 3], [4, 5, 6], [7]])
  assert.deepEqual(await pages(queue, 7), [[1, 2, 3, 4, 5, 6, 7]])
})

test('the messages of a recipient, without what else is known of them', async t => {
  const queue = await openQueue(t)
  for (const name of ['anna', 'boris', 'anna', 'anna'])
    await queue.accept({ to: [`${name}@example.org`, 'clara@example.org'] })
  const selection = { forwardPath: 'anna@example.org' }
  assert.deepEqual(await queue.storage.run(findQueuedMessages, { selection, limit: 9 }), [1, 3, 4])
  assert.deepEqual(await queue.storage.run(findQueuedMessages, { selection, limit: 2 }), [1, 3])
})

test('ids of real size are paged just so', async t => {
  const queue = await openQueue(t)
  const nextId = createQueueIdMaker(createManualClock(), 15)
  const ids = [nextId(), nextId(), nextId()]
  for (const id of ids.toReversed()) await queue.accept({ to: ['anna@example.org'], message: { id } })
  assert.deepEqual(await pages(queue, 2), [ids.slice(0, 2), ids.slice(2)])
})

test('messages that come and go between two pages lead to no other twice or never', async t => {
  const queue = await openQueue(t)
  for (let n = 0; n < 4; n++) await queue.accept({ to: [`a${n}@example.org`] })
  const first = await queue.storage.run(listQueue, { selection: {}, afterId: 0, limit: 2 })
  assert.equal(first.lastId, 2)
  await queue.accept({ to: ['new@example.org'] })
  const second = await queue.storage.run(listQueue, { selection: {}, afterId: 2, limit: 9 })
  assert.deepEqual(
    second.messages.map(({ message }) => message.id),
    [3, 4, 5],
  )
})

test('a row that cannot be read hides no other, and is named', async t => {
  const queue = await openQueue(t)
  for (const to of ['anna', 'boris', 'clara'])
    await queue.accept({ to: [`${to}@example.org`, `${to}@example.net`] })
  const damage = defineWrite('test.damage', async tx => {
    await tx.run("UPDATE queue_message SET reverse_path = '@' WHERE id = 1")
    await tx.run(
      "UPDATE queue_recipient SET forward_path = 'no address' WHERE forward_path = 'boris@example.net'",
    )
  })
  await queue.storage.run(damage, undefined)
  const listing = await queue.storage.run(listQueue, { selection: {}, afterId: 0, limit: 2 })
  assert.deepEqual(
    listing.messages.map(({ message, recipients }) => [message.id, recipients.length]),
    [[2, 1]],
  )
  assert.deepEqual([listing.damaged, listing.lastId], [[1, 2], 2])
  assert.deepEqual(await pages(queue, 1), [[2], [3]])
})

test('a page has the selected messages only, and of each the recipients that are meant', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org', 'boris@example.net', 'clara@example.org'] })
  await queue.accept({ to: ['boris@example.net'] })
  await queue.accept({ to: ['dora@example.org'], from: null, held: true })
  assert.deepEqual(await pages(queue, 1, { domain: 'example.org' }), [[1], [3]])
  assert.deepEqual(await queue.lines({ domain: 'example.org' }), [
    '1 anna@example.org ready',
    '1 clara@example.org ready',
    '3 dora@example.org held',
  ])
  assert.deepEqual(await queue.lines({ reversePath: '' }), ['3 dora@example.org held'])
  assert.deepEqual(await queue.lines({ state: 'held' }), ['3 dora@example.org held'])
  assert.deepEqual(await queue.lines({ queueId: 2 }), ['2 boris@example.net ready'])
  assert.deepEqual(await queue.lines({ queueId: 2, domain: 'example.org' }), [])
})

test('text in a selection is text, whatever it has in it', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: [`"x' OR '1'='1"@example.org`] })
  assert.deepEqual(await queue.lines({ forwardPath: `' OR '1'='1` }), [])
  assert.deepEqual(await queue.lines({ forwardPath: `"x' OR '1'='1"@example.org` }), [
    `1 "x' OR '1'='1"@example.org ready`,
  ])
  assert.deepEqual(await queue.lines({ domain: 'example.%' }), [])
})

test('one message is shown with all its recipients; one that is not there is undefined', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org', 'boris@example.net'] })
  await queue.accept({ to: ['clara@example.org'] })
  const shown = await queue.storage.run(showQueuedMessage, { queueId: 1 })
  assert.deepEqual(
    shown?.recipients.map(one => formatAddress(one.forwardPath)),
    ['anna@example.org', 'boris@example.net'],
  )
  assert.equal(await queue.storage.run(showQueuedMessage, { queueId: 3 }), undefined)
})

test('messages are counted once, recipients by their state', async t => {
  const queue = await openQueue(t)
  assert.deepEqual(await queue.storage.run(countQueue, undefined), { messages: 0, ready: 0, held: 0 })
  await queue.accept({ to: ['anna@example.org', 'boris@example.net', 'clara@example.org'] })
  await queue.accept({ to: ['dora@example.org', 'emil@example.org'], held: true })
  await queue.claim('one', at)
  assert.deepEqual(await queue.storage.run(countQueue, undefined), { messages: 2, ready: 3, held: 2 })
})
