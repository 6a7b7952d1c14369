// The trail: what happened to a message, found by its queue id or by text, forgotten after a while.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { replies } from '../../src/smtp/replies.ts'
import type { Storage } from '../../src/storage/operation.ts'
import type { TrailEvent } from '../../src/trail/events.ts'
import { expireTrail } from '../../src/trail/expire-trail.ts'
import { appendTrail, searchTrail, trailOfMessage } from '../../src/trail/operations.ts'
import { openTestStorage } from '../harness/test-storage.ts'

const at = Date.UTC(2026, 0, 1)

async function openTrail(t: TestContext): Promise<Storage> {
  return (await openTestStorage(t)).storage
}

function held(recipient: string): TrailEvent {
  return { kind: 'administered', action: 'hold', recipient }
}

const refused: TrailEvent = {
  kind: 'refused',
  sessionId: 'session-7',
  remoteAddress: '192.0.2.7',
  command: 'RCPT',
  reversePath: 'sender@example.net',
  forwardPath: 'nobody@example.org',
  reply: replies.insufficientStorage,
}

/** Events whose recipient is the text, each a millisecond after the one before. */
async function append(storage: Storage, ...recipients: readonly string[]): Promise<void> {
  await storage.run(
    appendTrail,
    recipients.map((recipient, n) => ({ at: at + n, queueId: n + 1, event: held(recipient) })),
  )
}

async function search(storage: Storage, text: string, since = 0, limit = 100): Promise<string[]> {
  const records = await storage.run(searchTrail, { text, since, limit })
  return records.map(({ event }) => (event.kind === 'administered' ? (event.recipient ?? '') : event.kind))
}

test('the trail of a message is its own events, oldest first', async t => {
  const storage = await openTrail(t)
  await storage.run(appendTrail, [
    { at, queueId: 1, event: held('first') },
    { at, queueId: 2, event: held('other') },
    { at, event: refused },
  ])
  // A clock that went back does not change the order in which things happened.
  await storage.run(appendTrail, [{ at: at - 5, queueId: 1, event: held('second') }])
  assert.deepEqual(await storage.run(trailOfMessage, { queueId: 1 }), [
    { at, queueId: 1, event: held('first') },
    { at: at - 5, queueId: 1, event: held('second') },
  ])
  assert.deepEqual(await storage.run(trailOfMessage, { queueId: 3 }), [])
})

test('an event comes back as it was, with the reply and the letters in it', async t => {
  const storage = await openTrail(t)
  const event: TrailEvent = {
    kind: 'attempted',
    recipient: '"a b"@пример.рф',
    attempt: 3,
    outcome: {
      kind: 'deferred',
      diagnosis: {
        stage: 'rcpt',
        cause: 'mailbox-full',
        status: '4.2.2',
        remoteMta: 'mx.example.org',
        reply: { code: 452, enhanced: '4.2.2', lines: ['über "quota"', '\\ and \u2028'] },
        detail: 'refused',
      },
    },
    mxHosts: ['mx.example.org'],
    dialogue: ['C: RCPT TO:<a@example.org>', 'S: 452 4.2.2 full'],
    nextAttemptAt: at + 60_000,
  }
  await storage.run(appendTrail, [{ at, queueId: 1, event }])
  assert.deepEqual(await storage.run(trailOfMessage, { queueId: 1 }), [{ at, queueId: 1, event }])
})

test('a refusal, which has no queue id, is found by whatever stands in it', async t => {
  const storage = await openTrail(t)
  await storage.run(appendTrail, [{ at, event: refused }])
  for (const text of ['session-7', '192.0.2.7', 'nobody@example.org', 'NOBODY@Example'])
    assert.deepEqual(await storage.run(searchTrail, { text, since: 0, limit: 9 }), [
      { at, queueId: undefined, event: refused },
    ])
  assert.deepEqual(await search(storage, 'somebody@example.org'), [])
})

test('the newest are found first, and no more than asked for', async t => {
  const storage = await openTrail(t)
  await append(storage, 'a1@example.org', 'b2@example.net', 'a3@example.org', 'a4@example.org')
  assert.deepEqual(await search(storage, '@example.org'), [
    'a4@example.org',
    'a3@example.org',
    'a1@example.org',
  ])
  assert.deepEqual(await search(storage, '@example.org', 0, 2), ['a4@example.org', 'a3@example.org'])
  assert.deepEqual(await search(storage, '@example.org', at + 2), ['a4@example.org', 'a3@example.org'])
  assert.deepEqual(await search(storage, '@example.org', at + 4), [])
})

test('%, _ and \\ are letters like others', async t => {
  const storage = await openTrail(t)
  await append(
    storage,
    'a_b@example.org',
    'axb@example.org',
    '100%@example.org',
    '1000@example.org',
    'c\\_d@x.org',
  )
  assert.deepEqual(await search(storage, 'a_b'), ['a_b@example.org'])
  assert.deepEqual(await search(storage, '100%@'), ['100%@example.org'])
  assert.deepEqual(await search(storage, '_%'), [])
  assert.deepEqual(await search(storage, '%'), ['100%@example.org'])
  assert.deepEqual(await search(storage, 'c\\_d'), ['c\\_d@x.org'])
  assert.deepEqual(await search(storage, '\\%'), [])
})

test('letters are found in either case, beyond ASCII too, and nothing in the text has a meaning of its own', async t => {
  const storage = await openTrail(t)
  const texts = ['Договор Поставки №7 (Copy)', 'Straße [50%_*?]', 'мёд^$.+|{1}', 'мед', 'a\\Ю]']
  await append(storage, ...texts)
  for (const text of texts) {
    // 'ß' stays as it is: in capitals it is two letters.
    for (const sought of [text, text.toLowerCase(), text.replaceAll(/[^ß]/g, letter => letter.toUpperCase())])
      assert.deepEqual(await search(storage, sought), [text])
  }
  assert.deepEqual(await search(storage, 'поставки.№'), [])
  assert.deepEqual(await search(storage, 'Стра[sS]'), [])
})

test('an address that is quoted is found as it is written', async t => {
  const storage = await openTrail(t)
  await append(storage, '"a b"@example.org', '"a\\"b"@example.org', 'a b@example.org')
  assert.deepEqual(await search(storage, '"a b"@example.org'), ['"a b"@example.org'])
  assert.deepEqual(await search(storage, '"a\\"b"@example.org'), ['"a\\"b"@example.org'])
})

test('text is data: nothing in it is SQL', async t => {
  const storage = await openTrail(t)
  await append(storage, 'anna@example.org')
  assert.deepEqual(await search(storage, `x' OR '1'='1`), [])
  await append(storage, `o'neil@example.org`)
  assert.deepEqual(await search(storage, `o'neil`), [`o'neil@example.org`])
})

test('what is too old is forgotten in batches, the oldest first', async t => {
  const storage = await openTrail(t)
  await append(storage, 'a', 'b', 'c', 'd', 'e', 'f', 'g')
  const before = at + 5
  assert.equal(await storage.run(expireTrail, { before, limit: 2 }), 2)
  assert.deepEqual(await search(storage, 'hold'), ['g', 'f', 'e', 'd', 'c'])
  assert.equal(await storage.run(expireTrail, { before, limit: 2 }), 2)
  // Fewer than the batch: nothing older is left.
  assert.equal(await storage.run(expireTrail, { before, limit: 2 }), 1)
  assert.deepEqual(await search(storage, 'hold'), ['g', 'f'])
  assert.equal(await storage.run(expireTrail, { before, limit: 2 }), 0)
})

test('events of a message and refusals are forgotten alike', async t => {
  const storage = await openTrail(t)
  await storage.run(appendTrail, [
    { at, queueId: 1, event: held('old') },
    { at, event: refused },
    { at: at + 9, queueId: 1, event: held('new') },
  ])
  assert.equal(await storage.run(expireTrail, { before: at + 9, limit: 100 }), 2)
  assert.deepEqual(await storage.run(trailOfMessage, { queueId: 1 }), [
    { at: at + 9, queueId: 1, event: held('new') },
  ])
  assert.deepEqual(await search(storage, 'session-7'), [])
})
