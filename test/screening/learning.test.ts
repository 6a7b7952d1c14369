// Learning and judging over storage: what one message teaches, what is taken back, whose word counts.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { estimateSpam, leastLearned } from '../../src/screening/estimate.ts'
import {
  everybody,
  forgetRareWords,
  type LearnedKind,
  learnMessage,
  readLearned,
  recallWords,
} from '../../src/screening/learning.ts'
import { numberOf } from '../../src/screening/words.ts'
import { openTestStorage } from '../harness/test-storage.ts'

const now = Date.UTC(2026, 0, 1)
const dayMs = 86_400_000
const anna = 1
const boris = 2

async function openFilter(t: TestContext) {
  const { storage } = await openTestStorage(t)
  let lastId = 0
  return {
    storage,
    async learn(kind: LearnedKind | undefined, text: string, more: { account?: number; id?: number } = {}) {
      return await storage.run(learnMessage, {
        accountId: more.account ?? anna,
        messageId: more.id ?? ++lastId,
        kind,
        words: [...new Set(text.split(' ').map(numberOf))],
        now,
      })
    },
    async estimate(text: string, account = anna): Promise<number | undefined> {
      const words = text.split(' ').map(numberOf)
      const { all, words: counts } = await storage.run(recallWords, { accountId: account, words })
      return estimateSpam(counts, all)
    },
  }
}

type Filter = Awaited<ReturnType<typeof openFilter>>

async function learnEnough(filter: Filter, account = anna): Promise<void> {
  for (let n = 0; n < leastLearned; n++) {
    await filter.learn('spam', 'cheap pills money now', { account })
    await filter.learn('ham', 'meeting at noon thanks', { account })
  }
}

test('it says nothing before it has learned enough of both kinds', async t => {
  const filter = await openFilter(t)
  assert.equal(await filter.estimate('cheap pills'), undefined)
  for (let n = 0; n < 2 * leastLearned; n++) await filter.learn('spam', 'cheap pills')
  assert.equal(await filter.estimate('cheap pills'), undefined)
})

test('it tells what is like spam from what is like wanted mail, and knows when it does not know', async t => {
  const filter = await openFilter(t)
  await learnEnough(filter)
  const spam = await filter.estimate('cheap pills money today')
  const ham = await filter.estimate('thanks meeting at noon')
  assert.ok(spam !== undefined && spam > 0.95, String(spam))
  assert.ok(ham !== undefined && ham < 0.05, String(ham))
  assert.equal(await filter.estimate('words never seen'), 0.5)
  const mixed = await filter.estimate('cheap pills meeting noon')
  assert.ok(mixed !== undefined && mixed > 0.3 && mixed < 0.7, String(mixed))
})

test('a message is learned once, learned anew as the other kind, and taken back', async t => {
  const filter = await openFilter(t)
  assert.equal(await filter.learn('spam', 'cheap pills', { id: 7 }), 'learned')
  assert.equal(await filter.learn('spam', 'cheap pills', { id: 7 }), 'known')
  assert.deepEqual(await filter.storage.run(readLearned, { accountId: anna }), { spam: 1, ham: 0 })
  assert.equal(await filter.learn('ham', 'cheap pills', { id: 7 }), 'learned')
  assert.deepEqual(await filter.storage.run(readLearned, { accountId: anna }), { spam: 0, ham: 1 })
  assert.deepEqual(await filter.storage.run(readLearned, { accountId: everybody }), { spam: 0, ham: 1 })
  assert.equal(await filter.learn(undefined, 'cheap pills', { id: 7 }), 'learned')
  assert.deepEqual(await filter.storage.run(readLearned, { accountId: anna }), { spam: 0, ham: 0 })
  assert.equal(await filter.learn(undefined, 'cheap pills', { id: 7 }), 'known')
})

test('what others have learned is a beginning; the own word outweighs it', async t => {
  const filter = await openFilter(t)
  await learnEnough(filter, boris)
  const before = await filter.estimate('money', anna)
  assert.ok(before !== undefined && before > 0.9, String(before))
  // To Anna money is work.
  for (let n = 0; n < leastLearned; n++) {
    await filter.learn('ham', 'money transfer booked', { account: anna })
    await filter.learn('spam', 'lottery winner', { account: anna })
  }
  const own = await filter.estimate('money transfer', anna)
  const others = await filter.estimate('money', boris)
  assert.ok(own !== undefined && own < 0.4, String(own))
  assert.ok(others !== undefined && own < others, `${own} ${others}`)
})

test('rare words are forgotten when they have not come again', async t => {
  const filter = await openFilter(t)
  await filter.learn('spam', 'rare')
  for (let n = 0; n < 3; n++) await filter.learn('spam', 'often')
  assert.equal(await filter.storage.run(forgetRareWords, { before: now, limit: 1000 }), 0)
  // One row of the account and one of all together.
  assert.equal(await filter.storage.run(forgetRareWords, { before: now + dayMs, limit: 1000 }), 2)
  const { words } = await filter.storage.run(recallWords, { accountId: anna, words: [numberOf('rare')] })
  assert.deepEqual(words, [])
})
