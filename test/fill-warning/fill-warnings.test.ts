// Owners are told that their mailboxes fill up: once each time, in their language, in INBOX, whether or not there is room.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { changeAccountTerms } from '../../src/directory/terms.ts'
import { createFillWarnings } from '../../src/fill-warning/fill-warnings.ts'
import { changeFlags } from '../../src/mailbox/change-flags.ts'
import { expungeMessages } from '../../src/mailbox/expunge.ts'
import { flags } from '../../src/mailbox/message-state.ts'
import { findMailbox } from '../../src/mailbox/name-operations.ts'
import { noLimit } from '../../src/mailbox/quota.ts'
import { findUseDamage, readQuotaOf } from '../../src/mailbox/quota-operations.ts'
import { createQueueIdMaker, parseQueueId } from '../../src/queue/queue-id.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { address, createWorld, hour, type World } from '../delivery/world.ts'
import { eventually } from '../harness/eventually.ts'

const anna = 'anna@example.test'
const hostname = 'mail.example.test'

function openWarnings({ storage, mailData, clock }: World) {
  const nextQueueId = createQueueIdMaker(clock, 7)
  return createFillWarnings({
    storage,
    mailData,
    clock,
    log: silentLog,
    hostname,
    usual: noLimit,
    nextQueueId,
  })
}

async function limit({ storage }: World, quotaMessages: number): Promise<void> {
  await storage.run(changeAccountTerms, { address: address(anna), change: { quotaMessages } })
}

const post = async (world: World, count: number): Promise<void> => {
  for (let n = 0; n < count; n++) await world.post({ from: 'boris@example.org', to: [anna] })
}

const warningsIn = async (world: World): Promise<string[]> =>
  (await world.mailbox(anna)).filter(text => text.startsWith('From: '))

const subjectOf = (text: string | undefined): string => /^Subject: (.*)\r$/m.exec(text ?? '')?.[1] ?? ''

async function remove({ storage, clock }: World, accountId: number, last: number): Promise<void> {
  const inbox = await storage.run(findMailbox, { accountId, name: 'INBOX' })
  assert.ok(inbox)
  const open = { accountId, mailboxId: inbox.id, uidValidity: inbox.uidValidity }
  const ranges = [{ first: 1, last }]
  await storage.run(changeFlags, { ...open, ranges, mode: 'add', flags: flags.deleted, keywords: [] })
  await storage.run(expungeMessages, { ...open, limit: 1000, now: clock.now() })
}

test('at 80 and at 95 per cent, once each; and again after room was made', async t => {
  const world = await createWorld(t)
  const accountId = await world.account(anna)
  await limit(world, 20)
  const warnings = openWarnings(world)
  await post(world, 15)
  await warnings.look()
  assert.deepEqual(await warningsIn(world), [])
  await post(world, 1)
  await warnings.look()
  await warnings.look()
  const [first, ...others] = await warningsIn(world)
  assert.equal(subjectOf(first), 'Your mailbox is 80% full')
  assert.match(first ?? '', /^To: <anna@example\.test>\r$/m)
  assert.match(first ?? '', /^Auto-Submitted: auto-generated\r$/m)
  assert.match(first ?? '', /In the mailboxes of anna@example\.test are 16 of 20 messages\./)
  assert.deepEqual(others, [])
  // The warning itself counts: with it there are 17.
  await post(world, 2)
  await warnings.look()
  assert.deepEqual((await warningsIn(world)).map(subjectOf), [
    'Your mailbox is 80% full',
    'Your mailbox is 95% full',
  ])
  await remove(world, accountId, 10)
  await warnings.look()
  const quota = await world.storage.run(readQuotaOf, { accountId, usual: noLimit })
  assert.deepEqual([quota?.level, quota?.used.messages], [0, 10])
  await post(world, 6)
  await warnings.look()
  assert.deepEqual((await warningsIn(world)).map(subjectOf), [
    'Your mailbox is 80% full',
    'Your mailbox is 95% full',
    'Your mailbox is 80% full',
  ])
  assert.deepEqual(await findUseDamage(world.storage), [])
})

test('a limit that is lowered is seen within the hour; the trail knows the message', async t => {
  const world = await createWorld(t)
  await world.account(anna, 'ru')
  const warnings = openWarnings(world)
  await post(world, 5)
  await limit(world, 5)
  await warnings.look()
  const [text = ''] = await warningsIn(world)
  assert.match(text, /^Content-Language: ru\r$/m)
  const id = /^Message-ID: <([0-9A-Z]{11})@mail\.example\.test>\r$/m.exec(text)?.[1]
  assert.ok(id)
  const events = (await world.events(parseQueueId(id) ?? 0)).map(event => describeEvent(event).text)
  assert.equal(events.length, 2)
  assert.match(events[0] ?? '', /Ваш почтовый ящик заполнен на 100%/)
  assert.match(events[1] ?? '', /anna@example\.test.*INBOX/)
  // Full as it is, it has been told.
  assert.equal((await world.mailbox(anna)).length, 6)
  await world.pass(hour)
  await warnings.look()
  assert.equal((await warningsIn(world)).length, 1)
})

test('of two servers one tells', async t => {
  const world = await createWorld(t)
  await world.account(anna)
  await limit(world, 1)
  await post(world, 1)
  const [one, two] = [openWarnings(world), openWarnings(world)]
  await Promise.all([one.look(), two.look()])
  assert.equal((await warningsIn(world)).length, 1)
})

test('what fills an account wakes whoever tells its owner', async t => {
  const world = await createWorld(t)
  await world.account(anna)
  await limit(world, 1)
  const warnings = openWarnings(world)
  warnings.start()
  await post(world, 1)
  const [text] = await eventually('the warning', async () => {
    const found = await warningsIn(world)
    return found.length > 0 ? found : undefined
  })
  await warnings.stop()
  assert.match(subjectOf(text), /is 100% full/)
})
