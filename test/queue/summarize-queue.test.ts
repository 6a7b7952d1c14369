// The queue as a whole: how much waits, for what, and since when.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { selectDestination } from '../../src/cli/destination-selection.ts'
import { holdRecipients } from '../../src/queue/administer.ts'
import { countRecipients } from '../../src/queue/find-recipients.ts'
import { firstQueueIdAt, timeOfQueueId } from '../../src/queue/queue-id.ts'
import type { QueueSelection } from '../../src/queue/select-recipients.ts'
import { settle } from '../../src/queue/settle.ts'
import {
  type DestinationHost,
  type QueueSummary,
  type SummaryGroup,
  summarizeQueue,
} from '../../src/queue/summarize-queue.ts'
import { at, minute, openQueue, type TestQueue } from './open-queue.ts'

const hour = 60 * minute
const ages = [5 * minute, hour]

async function summarize(
  queue: TestQueue,
  by: SummaryGroup,
  selection: QueueSelection = {},
  limit = 10,
  hosts: readonly DestinationHost[] = [],
): Promise<QueueSummary> {
  return await queue.storage.run(summarizeQueue, { by, selection, now: at, ages, limit, hosts })
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
        name: 'mx.example.org',
        isDomain: false,
        domain: 'example.org',
        host: 'mx.example.org',
        recipients: 3,
        held: 0,
        underway: 0,
        due: 0,
        inLine: 0,
        lines: [],
        kept: 0,
        nextAt: at + hour,
        ages: [0, 1, 2],
      },
      {
        name: 'mx.example.com',
        isDomain: false,
        domain: 'example.com',
        host: 'mx.example.com',
        recipients: 2,
        held: 1,
        underway: 0,
        due: 0,
        inLine: 0,
        lines: [],
        kept: 0,
        nextAt: at + hour,
        ages: [1, 0, 1],
      },
      {
        name: 'mx.example.net',
        isDomain: false,
        domain: 'example.net',
        host: 'mx.example.net',
        recipients: 1,
        held: 0,
        underway: 0,
        due: 1,
        inLine: 0,
        lines: [],
        kept: 0,
        nextAt: at,
        ages: [1, 0, 0],
      },
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
    'mx.example.org 2',
    'mx.example.com 1',
  ])
  assert.deepEqual(inShort(await summarize(queue, 'destination', { reversePath: '' })), ['mx.example.org 1'])
  const first = await summarize(queue, 'destination', {}, 1)
  assert.deepEqual([inShort(first), first.groupCount, first.recipients], [['mx.example.org 3'], 3, 6])
  assert.deepEqual(await summarize(queue, 'destination', { cause: 'spam' }), {
    recipients: 0,
    groupCount: 0,
    groups: [],
  })
})

/** The attempt came to nothing, and the next is in an hour. */
const tried = {
  kind: 'retry',
  tried: true,
  dueAt: at + hour,
  diagnosis: 'busy',
  delayReported: false,
} as const

test('a destination is who is behind many domains: by the gate, by the host of the last attempt, else the domain', async t => {
  const queue = await openQueue(t)
  const domains = Array.from({ length: 30 }, (_, n) => `shop${n}.example`)
  await queue.accept({ to: domains.map(domain => `anna@${domain}`) })
  const work = await queue.claim('one', at)
  const recipients = work.flatMap(one => one.recipients)
  const place = (gate: string) => ({ gate, share: '09 account 1' })
  const settlements = recipients.map(({ id, messageId }, n) => {
    const result =
      n < 10
        ? { ...tried, host: n < 5 ? 'ALT1.aspmx.l.google.com' : 'aspmx.l.google.com' }
        : n < 20
          ? ({ kind: 'wait', dueAt: at + 2 * hour, place: place('destination gmail') } as const)
          : n < 24
            ? { ...tried, host: 'mx2.example.net' }
            : ({
                kind: 'wait',
                dueAt: at + 2 * hour,
                place: place(n < 28 ? 'destination mx1.example.net mx2.example.net' : 'sender account 1'),
              } as const)
    return { messageId, recipientId: id, events: [], result }
  })
  await queue.storage.run(settle, { owner: 'one', at, settlements, reports: [] })
  const hosts = [
    { host: '.google.com', destination: 'gmail' },
    { host: 'mx2.example.net', destination: 'mx1.example.net mx2.example.net' },
  ]
  const { groups, groupCount } = await summarize(queue, 'destination', {}, 3, hosts)
  assert.equal(groupCount, 4)
  assert.deepEqual(
    groups.map(({ name, recipients: count, inLine, nextAt }) => [name, count, inLine, nextAt]),
    [
      ['gmail', 20, 10, at + hour],
      ['mx1.example.net mx2.example.net', 8, 4, at + hour],
      ['shop28.example', 1, 1, undefined],
    ],
  )
  assert.deepEqual(
    groups.map(({ isDomain }) => isDomain),
    [false, false, true],
  )
  // What an administrator names as it stands there is what was counted.
  const count = async (name: string): Promise<number> =>
    await queue.storage.run(countRecipients, { selection: { destination: selectDestination(name) } })
  assert.equal(await count('gmail'), 20)
  assert.equal(await count('mx1.example.net mx2.example.net'), 8)
  assert.equal(await count('yahoo'), 0)
})

test('a host is of the destination whose name for it is the longest; people write names as they know them', async t => {
  const queue = await openQueue(t)
  const hosts = ['a.olc.protection.outlook.com', 'b.mail.protection.outlook.com', 'mx.xn--e1afmkfd.xn--p1ai']
  await queue.accept({ to: hosts.map((_, n) => `anna@shop${n}.example`) })
  const recipients = (await queue.claim('one', at)).flatMap(one => one.recipients)
  const settlements = recipients.map(({ id, messageId }, n) => ({
    messageId,
    recipientId: id,
    events: [],
    result: { ...tried, host: hosts[n] },
  }))
  await queue.storage.run(settle, { owner: 'one', at, settlements, reports: [] })
  const meant = async (name: string): Promise<string[]> =>
    await queue.lines({ destination: selectDestination(name) })
  const all = await queue.lines()
  assert.deepEqual(await meant('outlook'), [all[0]])
  assert.deepEqual(await meant('exchange-online'), [all[1]])
  assert.deepEqual(await meant('mx.Пример.рф'), [all[2]])
  assert.deepEqual(await queue.lines({ host: 'A.olc.protection.outlook.com' }), [all[0]])
  assert.equal(
    selectDestination('smart-host Smtp.example.com:587').gate,
    'destination smart-host Smtp.example.com:587',
  )
})

test('mail that came into the line of its sender counts as waiting for the limit of this server', async t => {
  const queue = await openQueue(t)
  const from = 'news@a.example'
  await queue.accept({ from, to: ['anna@example.org'] })
  await queue.settleDue({
    kind: 'wait',
    dueAt: at + hour,
    place: { gate: 'sender address news@a.example', share: '09 address news@a.example' },
    reason: { diagnosis: 'the limit is used up', cause: 'own-limit', host: undefined },
  })
  await queue.accept({ from, to: ['boris@example.org', 'clara@example.org'] })
  await queue.accept({ from: 'other@b.example', to: ['anna@example.org'] })
  assert.deepEqual(inShort(await summarize(queue, 'cause')), ['own-limit 3', ' 1'])
  assert.equal((await queue.administer(holdRecipients, { cause: 'own-limit' })).recipients, 3)
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
