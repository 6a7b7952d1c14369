// Lines behind gates: who stands where, and who is let in first.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holdRecipients, releaseRecipients, retryRecipients } from '../../src/queue/administer.ts'
import { claimDueWork } from '../../src/queue/claim-due-work.ts'
import { countAtGate, gateLookMs, listGates, takeFromGate } from '../../src/queue/gates.ts'
import { nextDueAt } from '../../src/queue/next-due-at.ts'
import type { ClaimedWork } from '../../src/queue/records.ts'
import { type Settlement, settle } from '../../src/queue/settle.ts'
import { defineWrite, type SqlValue, type Tx } from '../../src/storage/operation.ts'
import { testOnSqlite } from '../harness/test-storage.ts'
import { at, leaseMs, minute, openOwnDomain, openQueue, type TestQueue } from './open-queue.ts'

const gate = 'destination example.org'

/** All that is due stands in line at the gate, by its sender. */
async function standAll(
  queue: TestQueue,
  share = (work: ClaimedWork) => `09 ${work.message.reversePath?.domain}`,
  standsAt = gate,
) {
  const works: ClaimedWork[] = []
  for (;;) {
    const claimed = await queue.claim('one', at)
    if (claimed.length === 0) break
    works.push(...claimed)
  }
  const settlements = works.flatMap(work =>
    work.recipients.map(
      ({ id }): Settlement => ({
        messageId: work.message.id,
        recipientId: id,
        events: [],
        result: { kind: 'wait', dueAt: at + gateLookMs, place: { gate: standsAt, share: share(work) } },
      }),
    ),
  )
  await queue.storage.run(settle, { owner: 'one', at, settlements, reports: [] })
}

async function take(queue: TestQueue, maxRecipients: number, afterShare?: string) {
  const taken = await queue.storage.run(takeFromGate, {
    gate,
    now: at,
    leaseUntil: at + leaseMs,
    owner: 'two',
    maxRecipients,
    afterShare,
  })
  const ids = taken.work.map(({ message }) => message.id)
  return { ids, recipients: taken.recipients, lastShare: taken.lastShare }
}

test('who stands in line is not due before the next look, and is then', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  await standAll(queue)
  assert.deepEqual(await queue.claim('two', at + gateLookMs - 1), [])
  assert.equal((await queue.storage.run(nextDueAt, undefined)).work, at + gateLookMs)
  assert.equal((await queue.claim('two', at + gateLookMs)).length, 1)
  assert.deepEqual(await queue.storage.run(listGates, undefined), [])
})

test('they are taken in their order, once, and are under a lease then', async t => {
  const queue = await openQueue(t)
  for (let n = 0; n < 5; n++) await queue.accept({ to: ['anna@example.org'] })
  await standAll(queue)
  assert.deepEqual(await queue.storage.run(listGates, undefined), [gate])
  assert.equal(await queue.storage.run(countAtGate, { gate, limit: 100 }), 5)
  assert.equal(await queue.storage.run(countAtGate, { gate, limit: 3 }), 3)
  assert.deepEqual((await take(queue, 2)).ids, [1, 2])
  assert.deepEqual((await take(queue, 10)).ids, [3, 4, 5])
  assert.deepEqual((await take(queue, 10)).ids, [])
  assert.equal(await queue.storage.run(countAtGate, { gate, limit: 100 }), 0)
  assert.deepEqual(await queue.claim('three', at + minute), [])
  assert.equal((await queue.claim('three', at + leaseMs)).length, 5)
})

test('who stands for a receiver stands for it whichever pool its mail leaves from, and whichever kind of address', async t => {
  const queue = await openQueue(t)
  const gates = ['gmail', 'gmail from news', 'gmail from news by IPv4', 'gmail from rest', 'gmail2']
  for (const one of gates) {
    await queue.accept({ to: ['anna@example.org'] })
    await standAll(queue, undefined, `destination ${one}`)
  }
  const count = (one: string): Promise<number> =>
    queue.storage.run(countAtGate, { gate: `destination ${one}`, limit: 100 })
  assert.equal(await count('gmail'), 4)
  assert.equal(await count('gmail from news'), 2)
  assert.equal(await count('gmail from news by IPv4'), 1)
})

test('who sends little does not wait behind who sends much', async t => {
  const queue = await openQueue(t)
  for (let n = 0; n < 20; n++) await queue.accept({ from: 'news@a.example', to: ['anna@example.org'] })
  for (let n = 0; n < 2; n++) await queue.accept({ from: 'boris@b.example', to: ['anna@example.org'] })
  await queue.accept({ from: 'clara@c.example', to: ['anna@example.org'] })
  await standAll(queue)
  const first = await take(queue, 6)
  assert.deepEqual(
    first.ids.toSorted((a, b) => a - b),
    [1, 2, 3, 21, 22, 23],
  )
  assert.deepEqual((await take(queue, 3, first.lastShare)).ids, [4, 5, 6])
})

test('the turn goes on where it ended', async t => {
  const queue = await openQueue(t)
  for (const sender of ['a', 'b', 'c', 'a', 'b', 'c'])
    await queue.accept({ from: `news@${sender}.example`, to: ['anna@example.org'] })
  await standAll(queue)
  const taken: number[] = []
  let lastShare: string | undefined
  for (let n = 0; n < 6; n++) {
    const next = await take(queue, 1, lastShare)
    taken.push(...next.ids)
    ;({ lastShare } = next)
  }
  assert.deepEqual(taken, [1, 2, 3, 4, 5, 6])
})

test('those of a higher priority come first, whoever sends them', async t => {
  const queue = await openQueue(t)
  for (const priority of [0, 0, 4, -3])
    await queue.accept({ to: ['anna@example.org'], message: { priority } })
  await standAll(queue, ({ message }) => `0${9 - (message.priority ?? 0)}`.slice(-2) + ' someone')
  const order: number[] = []
  for (let n = 0; n < 4; n++) order.push(...(await take(queue, 1)).ids)
  assert.deepEqual(order, [3, 1, 2, 4])
})

test('they do so too when more senders stand there than are looked at in one turn', async t => {
  const queue = await openQueue(t)
  for (let sender = 100; sender < 250; sender++)
    await queue.accept({ from: `news@d${sender}.example`, to: ['anna@example.org'] })
  await queue.accept({ to: ['anna@example.org'], message: { priority: 9 } })
  await standAll(queue, ({ message }) => `0${9 - (message.priority ?? 0)} ${message.reversePath?.domain}`)
  const first = await take(queue, 5, '09 d120.example')
  assert.equal(first.ids[0], 151)
  assert.deepEqual(first.ids.slice(1), [22, 23, 24, 25])
  // And the turn comes to those who were behind the end.
  const last = await take(queue, 3, '09 d248.example')
  assert.deepEqual(last.ids, [150, 1, 2])
})

test('what is due and has a priority is claimed before what has been due for longer', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@example.org'] })
  await queue.accept({ to: ['anna@example.org'], at: at + 1, message: { priority: 3 } })
  const claimed = await queue.claim('one', at + minute, 1)
  assert.deepEqual(
    claimed.map(({ message }) => message.id),
    [2],
  )
  assert.equal(claimed[0]?.message.priority, 3)
})

test('held mail keeps its place and is not let in; an administrator who says retry passes by the line', async t => {
  const queue = await openQueue(t)
  for (let n = 0; n < 3; n++) await queue.accept({ to: ['anna@example.org'] })
  await standAll(queue)
  await queue.administer(holdRecipients, { queueId: 1 })
  await queue.administer(retryRecipients, { queueId: 3 })
  assert.deepEqual(
    (await queue.claim('one', at)).map(({ message }) => message.id),
    [3],
  )
  assert.deepEqual((await take(queue, 10)).ids, [2])
  await queue.administer(releaseRecipients, { queueId: 1 })
  assert.deepEqual(
    (await queue.claim('one', at)).map(({ message }) => message.id),
    [1],
  )
})

test('while a sender’s mail stands in line, what it sends stands behind it, but for mail that stays here', async t => {
  const queue = await openQueue(t)
  await openOwnDomain(queue, 'example.net')
  const from = 'news@a.example'
  await queue.accept({ from, to: ['anna@example.org'] })
  await queue.settleDue({
    kind: 'wait',
    dueAt: at + gateLookMs,
    place: { gate: 'sender address news@a.example', share: '09 domain a.example' },
  })
  await queue.accept({ from, to: ['anna@example.org', 'boris@example.net'] })
  await queue.accept({ from: 'other@b.example', to: ['anna@example.org'] })
  const due = (await queue.claim('one', at)).flatMap(({ message, recipients }) =>
    recipients.map(({ forwardPath }) => `${message.id} ${forwardPath.localPart}`),
  )
  assert.deepEqual(due.toSorted(), ['2 boris', '3 anna'])
  assert.equal(await queue.storage.run(countAtGate, { gate: 'sender address news@a.example', limit: 9 }), 2)
})

/** How SQLite finds the rows of each SELECT that is asked for. */
function explaining(tx: Tx, plans: string[]): Tx {
  const ask = async (sql: string, values: readonly SqlValue[]): Promise<void> => {
    if (!sql.trimStart().startsWith('SELECT')) return
    const steps = await tx.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, ...values)
    plans.push(steps.map(({ detail }) => detail).join('; '))
  }
  return new Proxy(tx, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      if (name !== 'all' && name !== 'get') return value.bind(target) as unknown
      return async (sql: string, ...values: SqlValue[]): Promise<unknown> => {
        await ask(sql, values)
        return await (value.call(target, sql, ...values) as Promise<unknown>)
      }
    },
  })
}

testOnSqlite(
  'who looks for lines, or for urgent mail, takes the index made for it, and not all that is queued',
  async t => {
    const { storage } = await openQueue(t)
    const plans: string[] = []
    const operation = defineWrite('test.explain', async tx => {
      const explained = explaining(tx, plans)
      await listGates.run(explained, undefined)
      const claim = { now: at, leaseUntil: at + leaseMs, owner: 'one', maxRecipients: 10 }
      await claimDueWork.run(explained, claim)
    })
    await storage.run(operation, undefined)
    const [lines = '', urgent = ''] = plans
    assert.match(lines, /queue_recipient_gate/)
    assert.match(urgent, /queue_recipient_priority/)
  },
)
