// Structures are read once, when a message has come: sessions find them, also of a message that is damaged since.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forgetExpunged } from '../../src/mailbox/expunged.ts'
import { findWantedReadings, keepReadings } from '../../src/mailbox/message-readings.ts'
import { readStructures } from '../../src/mailbox/structures.ts'
import { createMessageReader } from '../../src/main/message-reader.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { defineWrite } from '../../src/storage/operation.ts'
import { at, openMailboxes } from '../mailbox/open-mailboxes.ts'

const damage = defineWrite('test.damage', async (tx, id: number) => {
  await tx.run('UPDATE mail_data SET checksum = ? WHERE id = ?', new Uint8Array(32), id)
})

const wanted = async (mailboxes: Awaited<ReturnType<typeof openMailboxes>>) =>
  (await mailboxes.storage.run(findWantedReadings, { limit: 10 })).structures

test('what has come is read once, however many have it; what is damaged is passed over', async t => {
  const mailboxes = await openMailboxes(t)
  for (const id of [1, 2, 3]) await mailboxes.store(id)
  await mailboxes.file({ queueId: 1 }, { queueId: 1, accountId: 2 }, { queueId: 2 }, { queueId: 3 })
  await mailboxes.storage.run(damage, 2)
  assert.deepEqual(await wanted(mailboxes), [1, 2, 3])
  const reads: number[] = []
  const mailData = {
    read(id: number) {
      reads.push(id)
      return mailboxes.mailData.read(id)
    },
  }
  const keeper = createMessageReader({
    storage: mailboxes.storage,
    mailData,
    clock: systemClock,
    log: silentLog,
  })
  await keeper.look()
  assert.deepEqual([await wanted(mailboxes), reads], [[], [1, 2, 3]])
  const structures = await mailboxes.storage.run(readStructures, { mailDataIds: [1, 2, 3] })
  assert.deepEqual([...structures.keys()], [1, 3])
  assert.equal(structures.get(1)?.envelope.subject, 'Test')
  await mailboxes.file({ queueId: 1, mailbox: 'Archive' })
  assert.deepEqual(await wanted(mailboxes), [])
})

test('of messages with much to tell, few are in memory at a time', async t => {
  const mailboxes = await openMailboxes(t)
  const ids = Array.from({ length: 20 }, (_, index) => index + 1)
  for (const id of ids) await mailboxes.store(id, `Subject: ${'x'.repeat(250_000)}\r\n\r\nText\r\n`)
  await mailboxes.file(...ids.map(queueId => ({ queueId })))
  const writes: number[] = []
  const keeper = createMessageReader({
    storage: {
      onWake() {},
      run(operation, input) {
        if (operation.name === keepReadings.name)
          writes.push((input as { structures: readonly unknown[] }).structures.length)
        return mailboxes.storage.run(operation, input)
      },
    },
    mailData: mailboxes.mailData,
    clock: systemClock,
    log: silentLog,
  })
  await keeper.look()
  assert.deepEqual(writes.slice(0, 3), [9, 9, 2])
})

test('a structure goes with its mail data', async t => {
  const mailboxes = await openMailboxes(t)
  await mailboxes.store(1)
  await mailboxes.file({ queueId: 1 })
  const keeper = createMessageReader({ ...mailboxes, clock: systemClock, log: silentLog })
  await keeper.look()
  await mailboxes.expunge([1])
  await mailboxes.storage.run(forgetExpunged, { before: at + 1, limit: 10 })
  assert.equal((await mailboxes.storage.run(readStructures, { mailDataIds: [1] })).size, 0)
})
