// Intake's operation: after it a message is ours, with every parameter that came with it.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import * as fc from 'fast-check'
import { formatAddress } from '../../src/address/format-address.ts'
import { acceptMessage } from '../../src/queue/accept-message.ts'
import { listQueue, showQueuedMessage } from '../../src/queue/list-queue.ts'
import type { NewMessage } from '../../src/queue/new-message.ts'
import { newMessageWire } from '../../src/queue/new-message-wire.ts'
import { nextDueAt } from '../../src/queue/next-due-at.ts'
import { queueOperations } from '../../src/queue/operations.ts'
import { settle } from '../../src/queue/settle.ts'
import { connectStorage } from '../../src/storage/connect-storage.ts'
import { createOperationRegistry, type Storage } from '../../src/storage/operation.ts'
import { serveStorage } from '../../src/storage/serve-storage.ts'
import type { Reception, TrailEvent } from '../../src/trail/events.ts'
import { testOnSqlite } from '../harness/test-storage.ts'
import { countCommits } from '../storage/count-commits.ts'
import {
  address,
  at,
  describeWork,
  largeText,
  minute,
  onlyRecipient,
  openQueue,
  type TestQueue,
} from './open-queue.ts'

const reception: Reception = {
  sessionId: 'a1',
  role: 'submission',
  remoteAddress: '192.0.2.7',
  heloName: 'laptop.example.net',
  reversePath: 'sender@example.net',
  recipients: ['anna@example.org'],
  size: 23,
  connectedAt: at - 100,
}

test('an accepted message is due at once, and its mail data and trail are there', async t => {
  const queue = await openQueue(t)
  const message = await queue.compose({ to: ['anna@example.org'], text: 'Subject: Hello\r\n\r\nText\r\n' })
  assert.equal(await queue.storage.run(acceptMessage, { ...message, reception }), 'accepted')
  assert.equal((await queue.storage.run(nextDueAt, undefined)).work, at)
  assert.deepEqual(describeWork(await queue.claim('one', at)), ['1: anna@example.org'])
  assert.equal(await queue.read(1), 'Subject: Hello\r\n\r\nText\r\n')
  assert.deepEqual(await queue.events(1), [{ kind: 'received', reception }])
})

testOnSqlite(
  'events stand in the transaction of what they are about, and cost no sync of their own',
  async t => {
    const queue = await openQueue(t)
    const message = await queue.compose({ to: ['anna@example.org', 'boris@example.org'] })
    const commitsFor = async (work: () => Promise<unknown>): Promise<number> => {
      const before = countCommits(queue.folder)
      await work()
      return countCommits(queue.folder) - before
    }
    assert.equal(await commitsFor(() => queue.storage.run(acceptMessage, { ...message, reception })), 1)
    assert.deepEqual(await queue.events(1), [{ kind: 'received', reception }])
    const works = await queue.claim('one', at)
    const attempts = works.flatMap(({ recipients }) =>
      recipients.map(({ id, forwardPath }) => ({ id, event: attemptFor(formatAddress(forwardPath)) })),
    )
    const settlements = attempts.map(({ id, event }) => ({
      messageId: 1,
      recipientId: id,
      events: [event],
      result: { kind: 'done' } as const,
    }))
    const settled = { owner: 'one', at, settlements, reports: [] }
    assert.equal(await commitsFor(() => queue.storage.run(settle, settled)), 1)
    assert.deepEqual(
      (await queue.events(1)).slice(1),
      attempts.map(({ event }) => event),
    )
  },
)

function attemptFor(recipient: string): TrailEvent {
  const reply = { code: 250, lines: ['Ok'] }
  return {
    kind: 'attempted',
    recipient,
    attempt: 1,
    outcome: {
      kind: 'relayed',
      remoteMta: 'mx.example.org',
      remoteAddress: '192.0.2.1:25',
      reply,
      dsnAware: false,
    },
  }
}

test('every parameter of a message and its recipients comes back as it went in', async t => {
  const queue = await openQueue(t)
  const parameters = {
    body: '8BITMIME',
    smtpUtf8: true,
    disposition: 'saml',
    ret: 'HDRS',
    envelopeId: 'order 7 "ü"',
    priority: -9,
    deliverBy: { at: at + minute, mode: 'notify', trace: true },
    releaseAt: at + 1000,
    hasLongLines: true,
    language: 'ru',
    accountId: 12,
    isReport: true,
  } as const
  const id = await queue.accept({
    from: null,
    to: [
      {
        address: 'anna@example.org',
        notify: [],
        originalRecipient: 'rfc822;Anna@example.com',
        expandedFrom: [address('all@example.org'), address('team@example.org')],
      },
      { address: 'boris@example.org', notify: ['SUCCESS', 'FAILURE', 'DELAY'] },
      '"with blank"@[IPv6:2001:db8::1]',
      'почта@пример.рф',
    ],
    message: parameters,
  })
  const shown = await queue.storage.run(showQueuedMessage, { queueId: id })
  assert.deepEqual(shown?.message, {
    id,
    reversePath: null,
    size: 23,
    acceptedAt: at,
    expiresAt: at + 48 * 3_600_000,
    ...parameters,
  })
  assert.equal(shown.mailDataId, id)
  assert.deepEqual(
    shown.recipients.map(({ forwardPath, notify, originalRecipient, expandedFrom }) => ({
      forwardPath,
      notify,
      originalRecipient,
      expandedFrom,
    })),
    [
      {
        forwardPath: address('anna@example.org'),
        notify: [],
        originalRecipient: 'rfc822;Anna@example.com',
        expandedFrom: [address('all@example.org'), address('team@example.org')],
      },
      {
        forwardPath: address('boris@example.org'),
        notify: ['SUCCESS', 'FAILURE', 'DELAY'],
        originalRecipient: undefined,
        expandedFrom: undefined,
      },
      {
        forwardPath: { localPart: 'with blank', domain: '[IPv6:2001:db8::1]' },
        notify: undefined,
        originalRecipient: undefined,
        expandedFrom: undefined,
      },
      {
        forwardPath: { localPart: 'почта', domain: 'xn--e1afmkfd.xn--p1ai' },
        notify: undefined,
        originalRecipient: undefined,
        expandedFrom: undefined,
      },
    ],
  )
})

for (const parameter of [
  { body: '8BITMIME' },
  { smtpUtf8: true },
  { disposition: 'send' },
  { ret: 'FULL' },
  { envelopeId: '' },
  { priority: 0 },
  { deliverBy: { at: 0, mode: 'return', trace: false } },
  { releaseAt: at + 1000 },
  { hasLongLines: true },
  { language: 'ru' },
  { accountId: 0 },
  { isReport: true },
] as const) {
  test(`a parameter that stands alone comes back too: ${Object.keys(parameter).join()}`, async t => {
    const queue = await openQueue(t)
    const id = await queue.accept({ to: ['anna@example.org'], message: parameter })
    const shown = await queue.storage.run(showQueuedMessage, { queueId: id })
    assert.partialDeepStrictEqual(shown?.message, parameter)
  })
}

test('an ordinary message has the ordinary parameters', async t => {
  const queue = await openQueue(t)
  const id = await queue.accept({ from: 'Sender@example.net', to: ['anna@example.org'] })
  const shown = await queue.storage.run(showQueuedMessage, { queueId: id })
  assert.deepEqual(shown?.message, {
    id,
    reversePath: { localPart: 'Sender', domain: 'example.net' },
    size: 23,
    body: '7BIT',
    smtpUtf8: false,
    disposition: 'mail',
    ret: undefined,
    envelopeId: undefined,
    priority: undefined,
    deliverBy: undefined,
    releaseAt: undefined,
    hasLongLines: undefined,
    acceptedAt: at,
    expiresAt: at + 48 * 3_600_000,
    language: 'en',
    accountId: undefined,
    isReport: false,
  })
})

test('while the queue is on hold a message waits', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org', 'boris@example.net'], held: true })
  assert.deepEqual(await queue.lines(), ['1 anna@example.org held', '1 boris@example.net held'])
  assert.deepEqual(await queue.claim('one', at), [])
  assert.equal((await queue.storage.run(nextDueAt, undefined)).work, undefined)
})

test('an id that is taken is a duplicate, and nothing of it is written', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'], text: 'Subject: first\r\n' })
  const second = await queue.compose({ to: ['boris@example.org'], text: 'Subject: second\r\n' })
  const duplicate = { ...second, reception, message: { ...second.message, id: 1 } }
  assert.equal(await queue.storage.run(acceptMessage, duplicate), 'duplicate')
  assert.deepEqual(await queue.lines(), ['1 anna@example.org ready'])
  assert.equal(await queue.read(1), 'Subject: first\r\n')
  assert.deepEqual(await queue.events(1), [])
})

test('an id stays taken while its mail data is in a mailbox', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'], text: 'Subject: first\r\n' })
  await settleInto(queue, 'INBOX')
  assert.deepEqual(await queue.lines(), [])
  const second = await queue.compose({ to: ['boris@example.org'], text: 'Subject: second\r\n' })
  const duplicate = { ...second, message: { ...second.message, id: 1 } }
  assert.equal(await queue.storage.run(acceptMessage, duplicate), 'duplicate')
  assert.equal(await queue.read(1), 'Subject: first\r\n')
})

async function settleInto(queue: TestQueue, mailbox: string): Promise<void> {
  const recipientId = onlyRecipient(await queue.claim('one', at))
  const result = { kind: 'file', accountId: 1, mailbox, traceFields: '' } as const
  await queue.storage.run(settle, {
    owner: 'one',
    at,
    settlements: [{ messageId: 1, recipientId, events: [], result }],
    reports: [],
  })
}

test('a new message wakes whoever waits for work', async t => {
  const queue = await openQueue(t)
  let woken = 0
  queue.storage.onWake('queue', () => woken++)
  await queue.accept({ to: ['anna@example.org'] })
  assert.equal(woken, 1)
})

/** Another thread's way to the storage, without the thread. */
function connect(t: TestContext, queue: TestQueue): Storage {
  const { port1, port2 } = new MessageChannel()
  serveStorage(port2, queue.storage, createOperationRegistry(queueOperations))
  const remote = connectStorage(port1, queue.folder)
  t.after(() => remote.close())
  return remote
}

for (const [kind, text] of [
  ['in its row', 'Subject: small\r\n\r\nText\r\n'],
  ['in a file', largeText],
  ['empty', ''],
] as const) {
  testOnSqlite(`a message crosses to the store thread whole, its mail data ${kind}`, async t => {
    const queue = await openQueue(t)
    const remote = connect(t, queue)
    const message = await queue.compose({
      from: null,
      to: [{ address: 'anna@example.org', notify: ['FAILURE'], originalRecipient: 'rfc822;x@example.org' }],
      text,
      held: true,
      message: { smtpUtf8: true, envelopeId: '\u{1f4ec}\u2028' },
    })
    assert.equal(message.mailData.location.kind, text === largeText ? 'file' : 'inline')
    assert.equal(await remote.run(acceptMessage, { ...message, reception }), 'accepted')
    assert.equal(await queue.read(1), text)
    assert.deepEqual(await queue.events(1), [{ kind: 'received', reception }])
    const [shown] = (await remote.run(listQueue, { selection: {}, afterId: 0, limit: 1 })).messages
    assert.equal(shown?.message.envelopeId, '\u{1f4ec}\u2028')
    assert.deepEqual(shown.recipients[0]?.notify, ['FAILURE'])
    assert.equal(shown.recipients[0].state, 'held')
    assert.equal(await remote.run(acceptMessage, message), 'duplicate')
  })
}

test('what is packed for the way comes out the same', () => {
  const text = fc.string({ unit: 'binary' })
  const optional = <Value>(of: fc.Arbitrary<Value>) => fc.option(of, { nil: undefined })
  const location = fc.oneof(
    fc.record({ kind: fc.constant('inline' as const), bytes: fc.uint8Array() }),
    fc.record({
      kind: fc.constant('file' as const),
      name: fc.constant('ab/0123456789abcdef0123456789abcd.eml'),
    }),
  )
  const anyAddress = fc.record({ localPart: text, domain: text })
  const messages: fc.Arbitrary<NewMessage> = fc.record({
    message: fc.record({
      id: fc.maxSafeNat(),
      reversePath: fc.option(anyAddress),
      size: fc.nat(),
      body: fc.constantFrom('7BIT', '8BITMIME', 'BINARYMIME'),
      smtpUtf8: fc.boolean(),
      disposition: fc.constantFrom('mail', 'send', 'soml', 'saml'),
      ret: optional(fc.constantFrom('FULL', 'HDRS')),
      envelopeId: optional(text),
      priority: optional(fc.integer({ min: -9, max: 9 })),
      deliverBy: optional(
        fc.record({ at: fc.maxSafeNat(), mode: fc.constantFrom('notify', 'return'), trace: fc.boolean() }),
      ),
      releaseAt: optional(fc.maxSafeNat()),
      hasLongLines: optional(fc.boolean()),
      acceptedAt: fc.maxSafeNat(),
      expiresAt: fc.maxSafeNat(),
      language: fc.constantFrom('en', 'ru'),
      accountId: optional(fc.nat()),
      isReport: fc.boolean(),
    }),
    mailData: fc.record({
      size: fc.nat(),
      checksum: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      location,
    }),
    recipients: fc.array(
      fc.record({
        forwardPath: anyAddress,
        notify: optional(fc.subarray(['SUCCESS', 'FAILURE', 'DELAY'])),
        originalRecipient: optional(text),
        expandedFrom: optional(fc.array(anyAddress)),
      }),
    ),
    held: fc.boolean(),
  })
  fc.assert(
    fc.property(messages, message => {
      const arrived = newMessageWire.unpack(structuredClone(newMessageWire.pack(message)))
      assert.deepEqual(withoutAbsent(arrived), withoutAbsent(message))
    }),
  )
})

/** What is absent and what is undefined mean the same. */
function withoutAbsent(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutAbsent)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, one]) => (one === undefined ? [] : [[key, withoutAbsent(one)]])),
  )
}
