// The queue as a whole: how much waits, for what, and since when.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holdRecipients } from '../../src/queue/administer.ts'
import { firstQueueIdAt, timeOfQueueId } from '../../src/queue/queue-id.ts'
import type { QueueSelection } from '../../src/queue/select-recipients.ts'
import { settle } from '../../src/queue/settle.ts'
import { type QueueSummary, type SummaryGroup, summarizeQueue } from '../../src/queue/summarize-queue.ts'
import { at, minute, openQueue, type TestQueue } from './open-queue.ts'

const hour = 60 * minute
const ages = [5 * minute, hour]

async function summarize(
  queue: TestQueue,
  by: SummaryGroup,
  selection: QueueSelection = {},
  limit = 10,
): Promise<QueueSummary> {
  return await queue.storage.run(summarizeQueue, { by, selection, now: at, ages, limit })
}

/** 'example.org 3' */
function inShort({ groups }: QueueSummary): string[] {
  return groups.map(({ name, recipients }) => `${name} ${recipients}`)
}

/** Two minutes, half an hour and a day old; one is held, those at example.org have been tried. */
async function fill(t: Parameters<typeof openQueue>[0]): Promise<TestQueue> {
  const queue = await openQueue(t)
  const post = async (age: number, from: string | null, ...to: readonly string[]): Promise<void> => {
    const acceptedAt = at - age
    await queue.accept({ from, to, at: acceptedAt, message: { id: firstQueueIdAt(acceptedAt) } })
  }
  await post(24 * hour, 'anna@example.test', 'a@example.org', 'b@example.org', 'c@example.com')
  await post(hour / 2, null, 'd@example.org')
  await post(2 * minute, 'anna@example.test', 'e@example.com', 'f@example.net')
  const work = await queue.claim('one', at)
  const settlements = work.flatMap(({ recipients }) =>
    recipients.map(({ id, messageId, forwardPath }) => ({
      messageId,
      recipientId: id,
      events: [],
      result: {
        kind: 'retry',
        tried: true,
        dueAt: forwardPath.domain === 'example.net' ? at : at + hour,
        diagnosis: 'busy',
        cause: forwardPath.domain === 'example.org' ? 'mailbox-full' : 'rate',
        host: `mx.${forwardPath.domain}`,
        delayReported: false,
      } as const,
    })),
  )
  await queue.storage.run(settle, { owner: 'one', at, settlements, reports: [] })
  await queue.administer(holdRecipients, { forwardPath: 'c@example.com' })
  return queue
}

test('it is grouped by destination, with what is due, held, and how old it is', async t => {
  const queue = await fill(t)
  assert.deepEqual(await summarize(queue, 'destination'), {
    recipients: 6,
    groupCount: 3,
    groups: [
      {
        name: 'example.org',
        recipients: 3,
        held: 0,
        underway: 0,
        due: 0,
        nextAt: at + hour,
        ages: [0, 1, 2],
      },
      {
        name: 'example.com',
        recipients: 2,
        held: 1,
        underway: 0,
        due: 0,
        nextAt: at + hour,
        ages: [1, 0, 1],
      },
      { name: 'example.net', recipients: 1, held: 0, underway: 0, due: 1, nextAt: at, ages: [1, 0, 0] },
    ],
  })
})

test('it is grouped by cause, mail host and sender', async t => {
  const queue = await fill(t)
  assert.deepEqual(inShort(await summarize(queue, 'cause')), ['mailbox-full 3', 'rate 3'])
  assert.deepEqual(inShort(await summarize(queue, 'host')), [
    'mx.example.org 3',
    'mx.example.com 2',
    'mx.example.net 1',
  ])
  assert.deepEqual(inShort(await summarize(queue, 'sender')), ['anna@example.test 5', ' 1'])
})

test('only what is meant is counted, and only the largest groups come back', async t => {
  const queue = await fill(t)
  assert.deepEqual(inShort(await summarize(queue, 'cause', { host: 'mx.example.org' })), ['mailbox-full 3'])
  assert.deepEqual(inShort(await summarize(queue, 'destination', { acceptedBefore: at - hour })), [
    'example.org 2',
    'example.com 1',
  ])
  assert.deepEqual(inShort(await summarize(queue, 'destination', { reversePath: '' })), ['example.org 1'])
  const first = await summarize(queue, 'destination', {}, 1)
  assert.deepEqual([inShort(first), first.groupCount, first.recipients], [['example.org 3'], 3, 6])
  assert.deepEqual(await summarize(queue, 'destination', { cause: 'spam' }), {
    recipients: 0,
    groupCount: 0,
    groups: [],
  })
})

test('what is being delivered is counted as such', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org', 'boris@example.org'] })
  await queue.claim('one', at, 1)
  const { groups } = await summarize(queue, 'destination')
  assert.equal(groups[0]?.underway, 2)
  assert.equal(groups[0]?.due, 0)
})

test('a queue id tells when the message came', () => {
  assert.equal(timeOfQueueId(firstQueueIdAt(at)), at)
  assert.equal(timeOfQueueId(firstQueueIdAt(at) + 4095), at)
  assert.equal(timeOfQueueId(firstQueueIdAt(at) + 4096), at + 1)
})
