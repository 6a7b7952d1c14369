// The trail is searched by key: over the events that are indexed, and over those that are not yet.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { defineWrite, type Storage } from '../../src/storage/operation.ts'
import type { Reception, TrailEvent, TrailRecord } from '../../src/trail/events.ts'
import { expireTrail, shrinkTrail } from '../../src/trail/expire-trail.ts'
import { type EventSearch, findEvents } from '../../src/trail/find-events.ts'
import { findMessages } from '../../src/trail/find-messages.ts'
import { type TrailKey, trailKeys } from '../../src/trail/keys.ts'
import { appendTrail } from '../../src/trail/operations.ts'
import { indexTrail, segmentSize, wantsIndex } from '../../src/trail/segments.ts'
import { openTestStorage } from '../harness/test-storage.ts'

const at = Date.UTC(2026, 0, 1)
const always = { since: 0, until: Number.MAX_SAFE_INTEGER }

async function openTrail(t: TestContext): Promise<Storage> {
  return (await openTestStorage(t)).storage
}

function received(reception: Partial<Reception>): TrailEvent {
  return {
    kind: 'received',
    reception: {
      sessionId: 'session',
      role: 'relay',
      remoteAddress: '192.0.2.7',
      heloName: 'mail.example.net',
      reversePath: 'sender@example.net',
      recipients: ['anna@example.org'],
      size: 100,
      connectedAt: at,
      ...reception,
    },
  }
}

/** A trail of `count` messages, 1, 2, 3 …, each a second after the one before; `special` are otherwise. */
async function fill(
  storage: Storage,
  count: number,
  special: Readonly<Record<number, Partial<Reception>>> = {},
): Promise<void> {
  const records = Array.from({ length: count }, (_, n): TrailRecord => {
    const queueId = n + 1
    const recipients = [`r${queueId}@example.org`]
    return { at: at + n * 1000, queueId, event: received({ recipients, ...special[queueId] }) }
  })
  await storage.run(appendTrail, records)
}

async function index(storage: Storage, now = at): Promise<number> {
  let segments = 0
  while ((await storage.run(wantsIndex, undefined)) && (await storage.run(indexTrail, { now }))) segments++
  return segments
}

async function find(
  storage: Storage,
  anyOf: readonly TrailKey[],
  search: Partial<EventSearch> = {},
): Promise<(number | undefined)[]> {
  const { records } = await storage.run(findEvents, { anyOf, ...always, limit: 100, ...search })
  return records.map(({ queueId }) => queueId)
}

const countSegments = defineWrite('test.count-segments', async tx => {
  return (await tx.get<{ count: number }>('SELECT COUNT(*) AS count FROM trail_segment'))?.count
})

test('what is looked for is found in every segment and behind the last, newest first', async t => {
  const storage = await openTrail(t)
  const rare = { recipients: ['rare@example.com'] }
  const count = 3 * segmentSize + 10
  await fill(storage, count, { 1: rare, [segmentSize]: rare, [segmentSize + 1]: rare, [count]: rare })
  assert.deepEqual(await find(storage, [trailKeys.recipient('rare@example.com')]), [
    count,
    segmentSize + 1,
    segmentSize,
    1,
  ])
  assert.equal(await index(storage), 3)
  const rareKey = trailKeys.recipient('rare@example.com')
  assert.deepEqual(await find(storage, [rareKey]), [count, segmentSize + 1, segmentSize, 1])
  assert.deepEqual(await find(storage, [trailKeys.name('example.com')]), [
    count,
    segmentSize + 1,
    segmentSize,
    1,
  ])
  assert.deepEqual(await find(storage, [trailKeys.recipient('RARE@Example.com')]), [
    count,
    segmentSize + 1,
    segmentSize,
    1,
  ])
  assert.deepEqual(await find(storage, [trailKeys.sender('rare@example.com')]), [])
  assert.deepEqual(
    await find(storage, [trailKeys.recipient('r5@example.org'), trailKeys.recipient('r7@example.org')]),
    [7, 5],
  )
})

test('pages go on where the one before ended, across segments', async t => {
  const storage = await openTrail(t)
  await fill(storage, 2 * segmentSize + 5)
  await index(storage)
  const seen: (number | undefined)[] = []
  for (let beforeId: number | undefined; ; ) {
    const page: Awaited<ReturnType<typeof findEvents.run>> = await storage.run(findEvents, {
      anyOf: [trailKeys.sender('sender@example.net')],
      ...always,
      limit: 700,
      beforeId,
    })
    seen.push(...page.records.map(({ queueId }) => queueId))
    if (page.goOnBefore === undefined) break
    beforeId = page.goOnBefore
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 2 * segmentSize + 5 }, (_, n) => 2 * segmentSize + 5 - n),
  )
})

test('only what happened between two times is found', async t => {
  const storage = await openTrail(t)
  await fill(storage, segmentSize + 100)
  await index(storage)
  const between = { since: at + 10_000, until: at + 12_000 }
  assert.deepEqual(await find(storage, [], between), [13, 12, 11])
  assert.deepEqual(await find(storage, [trailKeys.sender('sender@example.net')], between), [13, 12, 11])
  const late = { since: at + segmentSize * 1000, until: at + (segmentSize + 1) * 1000 }
  assert.deepEqual(await find(storage, [], late), [segmentSize + 2, segmentSize + 1])
})

const forgetKeys = defineWrite('test.forget-keys', async tx => {
  await tx.run('UPDATE trail_event SET keys = NULL')
})

test('what a server of an older version wrote, without keys, is found all the same', async t => {
  const storage = await openTrail(t)
  await fill(storage, segmentSize + 3, { 2: { recipients: ['rare@example.com'] } })
  await storage.run(forgetKeys, undefined)
  const rareKey = trailKeys.recipient('rare@example.com')
  assert.deepEqual(await find(storage, [rareKey]), [2])
  assert.equal(await index(storage), 1)
  assert.deepEqual(await find(storage, [rareKey]), [2])
  assert.deepEqual(await find(storage, [trailKeys.recipient(`r${segmentSize + 2}@example.org`)]), [
    segmentSize + 2,
  ])
})

const removeEvent = defineWrite('test.remove-event', async (tx, { id }: { readonly id: number }) => {
  await tx.run('DELETE FROM trail_event WHERE id = ?', id)
})
const insertEvent = defineWrite('test.insert-event', async (tx, { id }: { readonly id: number }) => {
  await tx.run(
    'INSERT INTO trail_event (id, queue_id, at, event) VALUES (?, 5, ?, ?)',
    id,
    at,
    JSON.stringify(received({ recipients: ['late@example.com'] })),
  )
})

test('an event that is committed late, under an id before others, is not passed over', async t => {
  const storage = await openTrail(t)
  await fill(storage, segmentSize + 10)
  await storage.run(removeEvent, { id: 5 })
  const now = at + segmentSize * 1000 + 60_000
  assert.equal(await storage.run(indexTrail, { now }), false)
  await storage.run(insertEvent, { id: 5 })
  assert.equal(await storage.run(indexTrail, { now }), true)
  assert.deepEqual(await find(storage, [trailKeys.recipient('late@example.com')]), [5])
})

test('an id that never comes holds the index up for ten minutes only', async t => {
  const storage = await openTrail(t)
  await fill(storage, segmentSize + 10)
  await storage.run(removeEvent, { id: 5 })
  const now = at + segmentSize * 1000 + 60_000
  assert.equal(await storage.run(indexTrail, { now }), false)
  assert.equal(await storage.run(indexTrail, { now: now + 10 * 60_000 }), true)
  assert.deepEqual(await find(storage, [trailKeys.recipient('r6@example.org')]), [6])
})

test('what is forgotten goes from the index too', async t => {
  const storage = await openTrail(t)
  await fill(storage, 2 * segmentSize + 5)
  await index(storage)
  const before = at + (segmentSize + 1) * 1000
  for (let gone = -1; gone !== 0; ) gone = await storage.run(expireTrail, { before, limit: 300 })
  assert.equal(await storage.run(countSegments, undefined), 1)
  assert.deepEqual(await find(storage, [trailKeys.recipient('r5@example.org')]), [])
  const left = segmentSize + 2
  assert.deepEqual(await find(storage, [trailKeys.recipient(`r${left}@example.org`)]), [left])
  for (let gone = -1; gone !== 0; )
    gone = await storage.run(expireTrail, { before: Number.MAX_SAFE_INTEGER, limit: 300 })
  assert.equal(await storage.run(countSegments, undefined), 0)
  // The ids may begin anew.
  await fill(storage, segmentSize + 1)
  assert.equal(await index(storage), 1)
  assert.deepEqual(await find(storage, [trailKeys.recipient('r5@example.org')]), [5])
})

test('a trail that takes too much room loses its oldest events, until it does not', async t => {
  const storage = await openTrail(t)
  await fill(storage, 2 * segmentSize + 500)
  await index(storage)
  assert.equal(await storage.run(shrinkTrail, { maxBytes: 100_000_000, limit: 100 }), 0)
  const maxBytes = 500_000
  let gone = 0
  for (let step = -1; step !== 0; gone += step)
    step = await storage.run(shrinkTrail, { maxBytes, limit: 100 })
  // About 400 bytes an event.
  assert.ok(gone > 1000 && gone < 1900, String(gone))
  assert.deepEqual(await find(storage, [trailKeys.recipient(`r${gone}@example.org`)]), [])
  assert.deepEqual(await find(storage, [trailKeys.recipient(`r${gone + 1}@example.org`)]), [gone + 1])
  for (let step = -1; step !== 0; ) step = await storage.run(shrinkTrail, { maxBytes: 0, limit: 1000 })
  assert.deepEqual(await find(storage, []), [])
})

test('a message is found by conditions that its events fulfil together', async t => {
  const storage = await openTrail(t)
  const refusal: TrailEvent = {
    kind: 'refused',
    sessionId: 's9',
    remoteAddress: '192.0.2.9',
    command: 'RCPT',
    reversePath: 'anna@example.test',
    forwardPath: 'boris@example.org',
    reply: { code: 550, enhanced: '5.1.1', lines: ['No such mailbox'] },
  }
  const failed = (recipient: string, code: number): TrailEvent => ({
    kind: 'attempted',
    recipient,
    attempt: 1,
    outcome: {
      kind: 'failed',
      diagnosis: {
        stage: 'rcpt',
        cause: 'unknown-user',
        status: '5.1.1',
        remoteMta: 'mx.example.org',
        remoteAddress: '192.0.2.25:25',
        reply: { code, lines: ['no'] },
        detail: 'refused',
      },
    },
  })
  const reception = { reversePath: 'anna@example.test', recipients: ['boris@example.org'] }
  await storage.run(appendTrail, [
    {
      at,
      queueId: 1,
      event: received({ ...reception, messageId: 'One@example.test', subject: 'Rechnung für März' }),
    },
    { at: at + 1, queueId: 1, event: failed('boris@example.org', 550) },
    { at: at + 2, queueId: 2, event: received({ ...reception, subject: 'Счёт за март' }) },
    { at: at + 3, queueId: 2, event: failed('boris@example.org', 554) },
    { at: at + 4, event: refusal },
  ])
  const ids = async (...groups: readonly (readonly TrailKey[])[]): Promise<(number | undefined)[]> =>
    (await findMessages(storage, { groups, ...always, limit: 10 })).found.map(({ queueId }) => queueId)
  const sender = [trailKeys.sender('anna@example.test')]
  assert.deepEqual(await ids(sender), [undefined, 2, 1])
  assert.deepEqual(await ids(sender, [trailKeys.reply('550')]), [undefined, 1])
  assert.deepEqual(await ids([trailKeys.reply('554')], sender), [2])
  assert.deepEqual(await ids([trailKeys.reply('5.1.1')]), [undefined])
  assert.deepEqual(await ids([trailKeys.name('mx.example.org')]), [2, 1])
  assert.deepEqual(await ids([trailKeys.ip('192.0.2.25')]), [2, 1])
  assert.deepEqual(await ids([trailKeys.ip('192.0.2.9')]), [undefined])
  assert.deepEqual(await ids([trailKeys.messageId('one@example.test')]), [1])
  assert.deepEqual(await ids([trailKeys.word('märz')]), [1])
  assert.deepEqual(await ids([trailKeys.word('СЧЁТ')]), [2])
  assert.deepEqual(await ids(), [undefined, 2, 1])
  const page = await findMessages(storage, { groups: [sender], ...always, limit: 2 })
  assert.deepEqual([page.found.length, page.hasMore], [2, true])
  const [, second] = page.found
  assert.deepEqual(
    second?.records.map(({ event }) => event.kind),
    ['received', 'attempted'],
  )
})
