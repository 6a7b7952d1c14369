// Mail for accounts that have no room: what waits, what goes back, and what is taken all the same.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { setPostmaster } from '../../src/directory/domains.ts'
import { changeAccountTerms } from '../../src/directory/terms.ts'
import { noLimit } from '../../src/mailbox/quota.ts'
import { findUseDamage, readQuotaOf } from '../../src/mailbox/quota-operations.ts'
import { address, createWorld, hour, type World } from './world.ts'

const anna = 'anna@example.test'
const day = 24 * hour
const megabyte = 1024 * 1024

async function limit({ storage }: World, quotaMessages: number, quotaBytes = 0): Promise<void> {
  await storage.run(changeAccountTerms, { address: address(anna), change: { quotaMessages, quotaBytes } })
}

test('mail for a full account waits for hours, and comes when there is room; the trail says why', async t => {
  const world = await createWorld(t)
  await world.account(anna)
  await limit(world, 1)
  await world.post({ from: 'boris@example.org', to: [anna] })
  const id = await world.post({ from: 'boris@example.org', to: [anna] })
  assert.equal((await world.mailbox(anna)).length, 1)
  const [attempt] = await world.attempts(id)
  assert.ok(attempt?.outcome.kind === 'deferred')
  assert.deepEqual(attempt.outcome.diagnosis, {
    stage: 'mailbox',
    cause: 'mailbox-full',
    status: '4.2.2',
    detail: 'anna@example.test has no room for it, and uses 1 of 1 messages',
  })
  assert.match(describeEvent(attempt).text, /anna@example\.test has no room for it, and uses 1 of 1 messages/)
  await world.pass(4 * hour)
  assert.equal((await world.attempts(id)).at(-1)?.nextAttemptBecause, 'mailbox-full')
  await limit(world, 5)
  await world.pass(5 * hour)
  assert.equal((await world.mailbox(anna)).length, 2)
  assert.equal(await world.waiting(), 0)
})

test('of mail that comes together no more is filed than there is room for, and a tenth', async t => {
  const world = await createWorld(t)
  const accountId = await world.account(anna)
  await limit(world, 20)
  for (let n = 0; n < 60; n++) await world.accept({ from: 'boris@example.org', to: [anna] })
  await world.pass(0)
  assert.equal((await world.mailbox(anna)).length, 22)
  assert.equal(await world.waiting(), 38)
  const quota = await world.storage.run(readQuotaOf, { accountId, usual: noLimit })
  assert.equal(quota?.used.messages, 22)
  assert.equal(quota.level, 95)
  assert.deepEqual(await findUseDamage(world.storage), [])
  assert.deepEqual(world.errors, [])
})

test('who has made no room for a week gets no more mail: its senders hear of it at once', async t => {
  const world = await createWorld(t)
  await world.account(anna)
  await world.account('clara@example.test')
  await limit(world, 1)
  await world.post({ from: 'boris@example.org', to: [anna] })
  await world.pass(7 * day)
  const id = await world.post({ from: 'clara@example.test', to: [anna] })
  const [attempt] = await world.attempts(id)
  assert.ok(attempt?.outcome.kind === 'failed')
  assert.equal(attempt.outcome.diagnosis.status, '5.2.2')
  const [report] = await world.mailbox('clara@example.test')
  assert.match(report ?? '', /^Status: 5\.2\.2\r$/m)
  assert.equal(await world.waiting(), 0)
})

test('what is larger than all that an account may have goes back', async t => {
  const world = await createWorld(t)
  await world.account(anna)
  await world.account('clara@example.test')
  await limit(world, 0, megabyte)
  const text = `Subject: Large\r\n\r\n${'x'.repeat(70)}\r\n`.padEnd(2 * megabyte, `${'y'.repeat(70)}\r\n`)
  const id = await world.post({ from: 'clara@example.test', to: [anna], text })
  const [attempt] = await world.attempts(id)
  assert.ok(attempt?.outcome.kind === 'failed')
  assert.equal(attempt.outcome.diagnosis.status, '5.2.3')
  assert.equal((await world.mailbox('clara@example.test')).length, 1)
})

test('mail for postmaster finds its reader, full or not (RFC 5321 §4.5.1)', async t => {
  const world = await createWorld(t)
  await world.account(anna)
  await limit(world, 1)
  await world.storage.run(setPostmaster, { domain: 'example.test', postmaster: address(anna) })
  await world.post({ from: 'boris@example.org', to: [anna] })
  await world.post({ from: 'boris@example.org', to: ['postmaster@example.test'] })
  assert.equal((await world.mailbox(anna)).length, 2)
  assert.equal(await world.waiting(), 0)
})

test('a full account that has the message already, by another of its addresses, holds nothing up', async t => {
  const world = await createWorld(t)
  await world.account(anna)
  await limit(world, 1)
  await world.redirect('alias', 'info@example.test', anna)
  await world.post({ from: 'boris@example.org', to: [anna, 'info@example.test'] })
  assert.equal((await world.mailbox(anna)).length, 1)
  assert.equal(await world.waiting(), 0)
})
