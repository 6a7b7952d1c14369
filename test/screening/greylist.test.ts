// Greylisting over storage: who has to come again, and who is known.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { forgetVisits, type Greylisted, knownAfter, visitGreylist } from '../../src/screening/greylist.ts'
import { openTestStorage } from '../harness/test-storage.ts'

const start = Date.UTC(2026, 0, 1)
const minute = 60_000
const hour = 60 * minute
const rules = { waitMs: 5 * minute, windowMs: 24 * hour }

async function open(t: TestContext) {
  const { storage } = await openTestStorage(t)
  return {
    storage,
    visit: (
      now: number,
      {
        origin = '192.0.2.0/24',
        others = [] as readonly string[],
        sender = 'boris@example.net',
        recipient = 'anna@example.test',
      } = {},
    ) =>
      storage.run(visitGreylist, {
        visit: { origins: [origin, ...others], sender, recipient, now },
        rules,
      }),
  }
}

const comeAgain = (notBefore: number): Greylisted => ({ kind: 'come-again', notBefore })
const known: Greylisted = { kind: 'known' }

test('who comes again after the wait is known from then on', async t => {
  const { visit } = await open(t)
  assert.deepEqual(await visit(start), comeAgain(start + rules.waitMs))
  assert.deepEqual(await visit(start + minute), comeAgain(start + rules.waitMs))
  assert.deepEqual(await visit(start + rules.waitMs), known)
  assert.deepEqual(await visit(start + 30 * 24 * hour, { sender: 'BORIS@example.net' }), known)
})

test('another sender, recipient or origin is another visit', async t => {
  const { visit } = await open(t)
  await visit(start)
  await visit(start + rules.waitMs)
  const at = start + hour
  for (const other of [
    { sender: 'olga@example.net' },
    { recipient: 'ivan@example.test' },
    { origin: '198.51.100.0/24' },
  ])
    assert.deepEqual(await visit(at, other), comeAgain(at + rules.waitMs))
})

test('who comes again too late begins anew', async t => {
  const { visit } = await open(t)
  await visit(start)
  const late = start + rules.windowMs + 1
  assert.deepEqual(await visit(late), comeAgain(late + rules.waitMs))
})

test('an origin from which several have come again is known to everybody, for as long as it comes', async t => {
  const { storage, visit } = await open(t)
  const origin = 'example.net'
  for (let n = 0; n < knownAfter; n++) {
    const sender = `sender${n}@example.net`
    assert.equal((await visit(start, { origin, sender })).kind, 'come-again')
    assert.deepEqual(await visit(start + rules.waitMs, { origin, sender }), known)
  }
  const month = 30 * 24 * hour
  for (let at = start + hour; at < start + 4 * month; at += month) {
    await storage.run(forgetVisits, {
      now: at,
      before: at - 2 * month,
      windowMs: rules.windowMs,
      limit: 1000,
    })
    assert.deepEqual(await visit(at, { origin, sender: `new${at}@example.net` }), known)
  }
})

test('what has proved itself one time and not the other is the same, by its network and by its domain', async t => {
  const { visit } = await open(t)
  const proven = { origin: 'example.net', others: ['192.0.2.0/24'] }
  const first = await visit(start, proven)
  assert.deepEqual(await visit(start + minute), first, 'unproven, from the same network')
  assert.deepEqual(await visit(start + rules.waitMs), known)
  const elsewhere = { origin: 'example.net', others: ['198.51.100.0/24'] }
  assert.deepEqual(await visit(start + hour, elsewhere), known)
  assert.deepEqual(await visit(start + 2 * hour, { origin: '198.51.100.0/24' }), known)
})

test('who has not come again is forgotten soon, who is known later', async t => {
  const { storage, visit } = await open(t)
  await visit(start, { sender: 'never@example.net' })
  await visit(start)
  await visit(start + rules.waitMs)
  const forget = (now: number, before: number, limit = 1000): Promise<number> =>
    storage.run(forgetVisits, { now, before, windowMs: rules.windowMs, limit })
  assert.equal(await forget(start + hour, start - hour), 0)
  assert.equal(await forget(start + 2 * rules.windowMs, start - hour), 1)
  // The visit and its origin, of one write and the next.
  assert.equal(await forget(start + 2 * rules.windowMs, start + hour, 1), 1)
  assert.equal(await forget(start + 2 * rules.windowMs, start + hour), 1)
})
