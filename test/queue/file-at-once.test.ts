// Messages that are delivered in the transaction that takes them: all of it is written, or nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listMailboxMessages } from '../../src/mailbox/operations.ts'
import { type FilingAtOnce, fileAtOnce } from '../../src/queue/file-at-once.ts'
import type { NewMessage } from '../../src/queue/new-message.ts'
import type { Settlement } from '../../src/queue/settle.ts'
import { openQueue, type TestQueue } from './open-queue.ts'

/** One of the accounts that the test queue has. */
const account = 1

function filing(message: NewMessage, accountId = account): Settlement {
  return {
    messageId: message.message.id,
    recipientId: 0,
    events: [
      {
        kind: 'attempted',
        recipient: 'anna@example.org',
        attempt: 1,
        outcome: { kind: 'delivered', mailbox: 'INBOX' },
      },
    ],
    result: { kind: 'file', accountId, mailbox: 'INBOX', traceFields: 'Return-Path: <>\r\n' },
  }
}

async function file(
  queue: TestQueue,
  message: NewMessage,
  parts: Partial<FilingAtOnce> = {},
): Promise<string> {
  return await queue.storage.run(fileAtOnce, {
    message,
    settlements: [filing(message)],
    reports: [],
    ...parts,
  })
}

async function filed(queue: TestQueue): Promise<number[]> {
  const page = { accountId: account, mailbox: 'INBOX', limit: 10 }
  return (await queue.storage.run(listMailboxMessages, page)).map(({ queueId }) => queueId)
}

test('a message is filed, told of in the trail, and nowhere in the queue', async t => {
  const queue = await openQueue(t)
  const message = await queue.compose({ to: [] })
  assert.equal(await file(queue, message), 'filed')
  assert.deepEqual(await filed(queue), [message.message.id])
  assert.deepEqual(await queue.lines(), [])
  assert.deepEqual(
    (await queue.events(message.message.id)).map(({ kind }) => kind),
    ['attempted'],
  )
})

test('by two of its addresses an account gets one copy, and the trail says so', async t => {
  const queue = await openQueue(t)
  const message = await queue.compose({ to: [] })
  await file(queue, message, { settlements: [filing(message), filing(message)] })
  assert.deepEqual(await filed(queue), [message.message.id])
  assert.deepEqual(
    (await queue.events(message.message.id)).map(event => event.kind === 'attempted' && event.outcome),
    [
      { kind: 'delivered', mailbox: 'INBOX' },
      { kind: 'delivered', mailbox: 'INBOX', isCopy: true },
    ],
  )
})

test('who leads elsewhere is in the queue, and the others are not', async t => {
  const queue = await openQueue(t)
  const message = await queue.compose({ to: ['out@example.org'] })
  const woken = new Promise<void>(resolve => queue.storage.onWake('queue', () => resolve()))
  await file(queue, message)
  // Whoever delivers is told that something is due.
  await woken
  assert.deepEqual(await filed(queue), [message.message.id])
  assert.deepEqual(await queue.lines(), ['1 out@example.org ready'])
})

test('when one of the accounts has gone, or the queue id is taken, nothing is written', async t => {
  const queue = await openQueue(t)
  const first = await queue.compose({ to: [] })
  assert.equal(await file(queue, first, { settlements: [filing(first), filing(first, 4711)] }), 'outdated')
  assert.deepEqual(await filed(queue), [])
  await assert.rejects(queue.read(first.message.id))
  assert.deepEqual(await queue.events(first.message.id), [])
  await file(queue, first)
  assert.equal(await file(queue, first), 'outdated')
  assert.deepEqual(await filed(queue), [first.message.id])
})
