// The queue of domains that are relayed: what a connection takes of it, and what ETRN makes due.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { changeRelayDomain, createRelayDomain, removeRelayDomain } from '../../src/directory/relay-domains.ts'
import { holdRecipients } from '../../src/queue/administer.ts'
import { blameForDeath } from '../../src/queue/blame-for-death.ts'
import type { ClaimedWork } from '../../src/queue/records.ts'
import {
  claimRelayQueue,
  countRelayQueue,
  fetchOwnerPrefix,
  findOwnedDomains,
  startRelayQueue,
} from '../../src/queue/relay-queue.ts'
import { settle } from '../../src/queue/settle.ts'
import { findEvents } from '../../src/trail/find-events.ts'
import { trailKeys } from '../../src/trail/keys.ts'
import { trailOfMessage } from '../../src/trail/operations.ts'
import { at, describeWork, leaseMs, minute, openQueue, type TestQueue } from './open-queue.ts'

const owner = `${fetchOwnerPrefix}test`
const asked = { sessionId: 's1', remoteAddress: '192.0.2.7', account: 'customer@provider.test' }

async function relay(queue: TestQueue, name: string, keepsUntilFetched = true): Promise<void> {
  await queue.storage.run(createRelayDomain, { name, keepsUntilFetched, anyoneStarts: false, at })
}

async function openRelayQueue(t: TestContext): Promise<TestQueue> {
  const queue = await openQueue(t)
  await relay(queue, 'home.test')
  return queue
}

const claim = (
  queue: TestQueue,
  { now = at, except = [], maxRecipients = 100 }: Partial<Parameters<typeof claimRelayQueue.run>[1]> = {},
): Promise<readonly ClaimedWork[]> =>
  queue.storage.run(claimRelayQueue, {
    domain: 'home.test',
    except,
    now,
    leaseUntil: now + leaseMs,
    owner,
    maxRecipients,
  })

/** Tried in vain, and due again in an hour. */
async function putOff(queue: TestQueue, works: readonly ClaimedWork[], by = owner): Promise<void> {
  await queue.storage.run(settle, {
    owner: by,
    at,
    reports: [],
    settlements: works.flatMap(({ message, recipients }) =>
      recipients.map(({ id }) => ({
        messageId: message.id,
        recipientId: id,
        events: [],
        result: {
          kind: 'retry' as const,
          tried: true,
          dueAt: at + 60 * minute,
          diagnosis: 'busy',
          delayReported: false,
        },
      })),
    ),
  })
}

test('a connection takes the mail of its domain, whenever that is due, and no other', async t => {
  const queue = await openRelayQueue(t)
  await queue.accept({ to: ['anna@home.test', 'boris@home.test', 'clara@example.org'] })
  await queue.accept({ to: ['anna@sub.home.test'] })
  await putOff(queue, await queue.claim('agent', at), 'agent')
  assert.deepEqual(describeWork([...(await claim(queue))]), ['1: anna@home.test boris@home.test'])
  assert.deepEqual(await claim(queue), [], 'it is under a lease')
  assert.deepEqual(describeWork([...(await claim(queue, { now: at + leaseMs }))]), [
    '1: anna@home.test boris@home.test',
  ])
})

test('what is on hold, or under way elsewhere, is not taken; what was tried least comes first', async t => {
  const queue = await openRelayQueue(t)
  for (const name of ['first', 'second', 'third', 'fourth']) await queue.accept({ to: [`${name}@home.test`] })
  await putOff(queue, await queue.claim('agent', at, 1), 'agent')
  await queue.claim('agent', at, 1)
  await queue.administer(holdRecipients, { forwardPath: 'third@home.test' })
  const works = await claim(queue)
  assert.deepEqual(describeWork([...works]), ['4: fourth@home.test', '1: first@home.test'])
  await putOff(queue, works)
  const tried = works.flatMap(({ recipients }) => recipients.map(({ id }) => id))
  assert.deepEqual(await claim(queue, { except: tried }), [])
})

test('mail that was queued before the domain was relayed is mail for it too, and goes its own way afterwards', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['anna@home.test'] })
  await putOff(queue, await queue.claim('agent', at), 'agent')
  await relay(queue, 'home.test')
  assert.equal(await queue.storage.run(countRelayQueue, { domains: ['home.test'], now: at }), 1)
  await queue.storage.run(changeRelayDomain, { name: 'home.test', keepsUntilFetched: false, at: at + minute })
  assert.deepEqual(describeWork(await queue.claim('agent', at + minute)), ['1: anna@home.test'])
  await putOff(queue, await queue.claim('agent', at + minute + leaseMs), 'agent')
  await queue.storage.run(removeRelayDomain, { name: 'home.test', at: at + minute })
  assert.equal(await queue.storage.run(countRelayQueue, { domains: ['home.test'], now: at }), 0)
  assert.deepEqual(describeWork(await queue.claim('agent', at + minute)), ['1: anna@home.test'])
})

test('ETRN makes the mail of its domains due, once in a while for strangers', async t => {
  const queue = await openRelayQueue(t)
  await relay(queue, 'sub.home.test')
  await queue.accept({ to: ['anna@home.test', 'boris@home.test', 'anna@sub.home.test', 'clara@example.org'] })
  await putOff(queue, await queue.claim('agent', at), 'agent')
  const names = await queue.storage.run(findOwnedDomains, { kind: 'with-subdomains', name: 'home.test' })
  assert.deepEqual(
    names.map(({ name }) => name),
    ['home.test', 'sub.home.test'],
  )
  const start = (now: number, unlessUntil?: number) =>
    queue.storage.run(startRelayQueue, {
      asked,
      domains: names.map(({ name }) => name),
      now,
      startsUntil: now + 30 * minute,
      unlessUntil,
    })
  assert.deepEqual(await start(at + minute), { domains: ['home.test', 'sub.home.test'], messages: 1 })
  const kinds = await queue.storage.run(trailOfMessage, { queueId: 1 })
  assert.deepEqual(
    kinds.flatMap(({ event }) => (event.kind === 'asked-for' ? [event] : [])),
    ['home.test', 'sub.home.test'].map(domain => ({ kind: 'asked-for', verb: 'ETRN', domain, ...asked })),
  )
  const { records: found } = await queue.storage.run(findEvents, {
    anyOf: [trailKeys.account('customer@provider.test')],
    since: 0,
    until: at + minute,
    limit: 10,
  })
  assert.equal(found.length, 2)
  assert.deepEqual(describeWork(await queue.claim('agent', at + minute)), [
    '1: anna@home.test boris@home.test',
    '1: anna@sub.home.test',
  ])
  const again = at + minute + 30_000
  assert.deepEqual(await start(again, again + 29 * minute), { domains: [], messages: 0 })
  assert.equal((await start(again)).domains.length, 2)
})

test('the death of a delivery thread says nothing of what is being fetched', async t => {
  const queue = await openRelayQueue(t)
  await queue.accept({ to: ['anna@home.test'] })
  await queue.accept({ to: ['clara@example.org'] })
  const fetched = await claim(queue)
  await queue.claim('dead', at)
  assert.equal((await queue.storage.run(blameForDeath, { now: at })).released, 1)
  await putOff(queue, fetched)
  assert.deepEqual(describeWork(await queue.claim('agent', at + 60 * minute)), ['1: anna@home.test'])
})

test('a suspect of a death can be fetched: nothing else would ever acquit it', async t => {
  const queue = await openRelayQueue(t)
  await queue.accept({ to: ['anna@home.test'] })
  await queue.claim('dead', at)
  await queue.storage.run(blameForDeath, { now: at })
  assert.deepEqual(describeWork([...(await claim(queue))]), ['1: anna@home.test'])
})
