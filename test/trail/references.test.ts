// By what else than its queue id a message is found, and events that are written once however often they come.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TrailEvent } from '../../src/trail/events.ts'
import { expireTrail } from '../../src/trail/expire-trail.ts'
import { findReferred, noteOnce } from '../../src/trail/find-referred.ts'
import { appendTrail, trailOfMessage } from '../../src/trail/operations.ts'
import { messageIdReference } from '../../src/trail/references.ts'
import { openTestStorage } from '../harness/test-storage.ts'

const at = Date.UTC(2026, 0, 1)

function received(messageId: string, reversePath = 'anna@example.test'): TrailEvent {
  return {
    kind: 'received',
    reception: {
      account: 'anna@example.test',
      sessionId: 'session-1',
      role: 'submission',
      remoteAddress: '192.0.2.7',
      reversePath,
      recipients: ['boris@example.org'],
      size: 10,
      connectedAt: at,
      messageId,
    },
  }
}

test('by queue id first, then by reference, the newest first; what is not there is not found', async t => {
  const { storage } = await openTestStorage(t)
  await storage.run(appendTrail, [
    { at, queueId: 1, event: received('<1@example.test>') },
    { at: at + 1, queueId: 2, event: received('<1@example.test>', 'clara@example.test') },
    { at: at + 2, queueId: 3, event: received('<2@example.test>') },
  ])
  const reference = messageIdReference('<1@example.test>')
  const references = [messageIdReference('<none@example.test>'), reference]
  assert.deepEqual(await storage.run(findReferred, { queueIds: [3, 99], references }), [
    { queueId: 3, reversePath: 'anna@example.test', reference: undefined },
    { queueId: 2, reversePath: 'clara@example.test', reference },
    { queueId: 1, reversePath: 'anna@example.test', reference },
  ])
})

test('references are forgotten with their events', async t => {
  const { storage } = await openTestStorage(t)
  await storage.run(appendTrail, [
    { at, queueId: 1, event: received('<1@example.test>') },
    { at: at + 10, queueId: 2, event: received('<1@example.test>') },
  ])
  await storage.run(expireTrail, { before: at + 5, limit: 100 })
  const found = await storage.run(findReferred, {
    queueIds: [],
    references: [messageIdReference('<1@example.test>')],
  })
  assert.deepEqual(
    found.map(({ queueId }) => queueId),
    [2],
  )
})

test('a delivery that is repeated notes what came back once', async t => {
  const { storage } = await openTestStorage(t)
  const event: TrailEvent = {
    kind: 'bounced',
    recipient: 'boris@example.org',
    reportId: 'R',
    foundBy: 'verp',
  }
  for (const later of [0, 1]) await storage.run(noteOnce, { at: at + later, queueId: 1, events: [event] })
  assert.deepEqual(await storage.run(trailOfMessage, { queueId: 1 }), [{ at, queueId: 1, event }])
})
