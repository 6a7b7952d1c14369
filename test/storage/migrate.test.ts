// A data folder of an older version is brought up to date, with what is in it.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { findMailboxDamage } from '../../src/mailbox/mailbox-damage.ts'
import {
  createMailbox,
  findMailbox,
  listMailboxes,
  listSubscriptions,
  removeMailbox,
} from '../../src/mailbox/name-operations.ts'
import { noLimit } from '../../src/mailbox/quota.ts'
import { findUseDamage, listQuotas } from '../../src/mailbox/quota-operations.ts'
import { makeMissingBlocks } from '../../src/mailbox/rebuild-blocks.ts'
import { migrations } from '../../src/storage/migrations/index.ts'
import { databaseFileName } from '../../src/storage/sqlite-connection.ts'
import { makeFolder, openStorage } from './notes.ts'

test('2: the number of expansions gives way to their addresses, and recipients stay', async t => {
  const folder = makeFolder(t)
  const file = join(folder, databaseFileName)
  const old = new DatabaseSync(file)
  old.exec(`${migrations[0]}; PRAGMA user_version = 1;
    INSERT INTO queue_recipient (message_id, forward_path, domain, state, due_at, attempts, expansions)
      VALUES (7, 'anna@example.test', 'example.test', 'ready', 1, 2, 3)`)
  old.close()
  const storage = await openStorage(t, folder)
  await storage.close()
  const database = new DatabaseSync(file)
  t.after(() => database.close())
  const row = database.prepare('SELECT * FROM queue_recipient').get()
  assert.equal(row?.['forward_path'], 'anna@example.test')
  assert.equal(row['attempts'], 2)
  assert.ok(!('expansions' in row))
})

test('26: mailboxes of before are counted and indexed, and each account has the usual ones', async t => {
  const folder = makeFolder(t)
  const old = new DatabaseSync(join(folder, databaseFileName))
  for (const statements of migrations.slice(0, 25)) old.exec(statements)
  old.exec(`PRAGMA user_version = 25;
    INSERT INTO account (id, address, address_key, domain, name, password_hash, language, enabled, created_at)
      VALUES (5, 'anna@example.test', 'anna@example.test', 'example.test', '', '', 'en', 1, 1700000000000);
    INSERT INTO mailbox (id, account_id, name, uid_validity, uid_next)
      VALUES (1, 5, 'INBOX', 1700000001, 4), (2, 5, 'Junk', 1700000002, 1);
    INSERT INTO mail_data (id, size, checksum, bytes) VALUES (7, 100, x'00', zeroblob(100));
    INSERT INTO mailbox_message (mailbox_id, uid, mail_data_id, queue_id, trace_fields, received_at, size)
      VALUES (1, 1, 7, 7, '', 1, 100), (1, 3, 7, 7, 'Return-Path: <a@b>' || char(13, 10), 1, 120)`)
  old.close()
  const storage = await openStorage(t, folder)
  assert.equal(await makeMissingBlocks(storage), 6)
  assert.equal(await makeMissingBlocks(storage), 0)
  assert.deepEqual(await findMailboxDamage(storage), [])
  const inbox = await storage.run(findMailbox, { accountId: 5, name: 'INBOX' })
  assert.deepEqual([inbox?.messages, inbox?.unseen, inbox?.bytes, inbox?.uidNext], [2, 2, 220, 4])
  const mailboxes = await storage.run(listMailboxes, { accountId: 5 })
  assert.deepEqual(
    mailboxes.map(({ name, specialUse = '-' }) => `${name} ${specialUse}`),
    ['Archive Archive', 'Drafts Drafts', 'INBOX -', 'Junk Junk', 'Sent Sent', 'Trash Trash'],
  )
})

test('29: what accounts of before have is counted, and what of it is marked as deleted', async t => {
  const folder = makeFolder(t)
  const old = new DatabaseSync(join(folder, databaseFileName))
  for (const statements of migrations.slice(0, 28)) old.exec(statements)
  old.exec(`PRAGMA user_version = 28;
    INSERT INTO account (id, address, address_key, domain, name, password_hash, language, enabled, created_at)
      VALUES (5, 'anna@example.test', 'anna@example.test', 'example.test', '', '', 'en', 1, 1700000000000),
             (6, 'boris@example.test', 'boris@example.test', 'example.test', '', '', 'en', 1, 1700000000000);
    INSERT INTO mailbox (id, account_id, name, uid_validity, uid_next, messages, unseen, deleted, bytes, has_blocks)
      VALUES (1, 5, 'INBOX', 1700000001, 3, 2, 2, 1, 220, 0), (2, 5, 'Sent', 1700000002, 2, 1, 1, 0, 50, 0);
    INSERT INTO mail_data (id, size, checksum, bytes) VALUES (7, 100, x'00', zeroblob(100)), (8, 120, x'00', zeroblob(120)), (9, 50, x'00', zeroblob(50));
    INSERT INTO mailbox_message (mailbox_id, uid, mail_data_id, queue_id, trace_fields, received_at, size, flags)
      VALUES (1, 1, 7, 7, '', 1, 100, 0), (1, 2, 8, 8, '', 1, 120, 8), (2, 1, 9, 9, '', 1, 50, 0)`)
  old.close()
  const storage = await openStorage(t, folder)
  const quotas = await storage.run(listQuotas, { usual: noLimit, after: 0, limit: 10 })
  assert.deepEqual(
    quotas.map(({ accountId, used }) => ({ accountId, ...used })),
    [
      { accountId: 5, bytes: 270, messages: 3 },
      { accountId: 6, bytes: 0, messages: 0 },
    ],
  )
  const inbox = await storage.run(findMailbox, { accountId: 5, name: 'INBOX' })
  assert.equal(inbox?.deletedBytes, 120)
  await makeMissingBlocks(storage)
  assert.deepEqual(await findMailboxDamage(storage), [])
  assert.deepEqual(await findUseDamage(storage), [])
})

test('38: mailboxes of before stay as they are, and the next has an id that none of them had', async t => {
  const folder = makeFolder(t)
  const file = join(folder, databaseFileName)
  const old = new DatabaseSync(file)
  for (const statements of migrations.slice(0, 37)) old.exec(statements)
  old.exec(`PRAGMA user_version = 37;
    INSERT INTO mailbox VALUES (4, 5, 'INBOX', 1700000001, 4, 9, 3, 2, 1, 300, '$Work', NULL, 2, 3, 0, 100, x'01'),
      (6, 5, 'Sent', 1700000002, 1, 1, 0, 0, 0, 0, '', 'Sent', 1, 1, 1, 0, NULL);
    INSERT INTO expunged_message (account_id, mailbox_id, mailbox, uid, mail_data_id, queue_id, trace_fields, received_at,
                                  saved_at, size, flags, keywords, expunged_at)
      VALUES (5, 8, 'Work', 1, 7, 7, '', 1, 1, 100, 0, '', 1)`)
  const rows = (database: DatabaseSync): unknown =>
    database.prepare('SELECT * FROM mailbox ORDER BY id').all()
  const before = rows(old)
  const indexes = (database: DatabaseSync): unknown =>
    database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'mailbox' ORDER BY name")
      .all()
  const indexesBefore = indexes(old)
  old.close()
  const storage = await openStorage(t, folder)
  const made = await storage.run(createMailbox, { accountId: 5, name: 'Work', now: 1 })
  assert.equal(made.kind === 'created' && made.mailbox.id, 9)
  await storage.run(removeMailbox, { accountId: 5, name: 'Work', now: 1 })
  await storage.close()
  const database = new DatabaseSync(file)
  t.after(() => database.close())
  assert.deepEqual(rows(database), before)
  assert.deepEqual(indexes(database), indexesBefore)
})

test('39: subscriptions to names that no mailbox can have are gone, the others stay', async t => {
  const folder = makeFolder(t)
  const old = new DatabaseSync(join(folder, databaseFileName))
  for (const statements of migrations.slice(0, 38)) old.exec(statements)
  old.exec('PRAGMA user_version = 38')
  const [deepest, longest] = [`a${'/a'.repeat(19)}`, 'я'.repeat(500)]
  for (const name of [deepest, longest, `${deepest}/a`, `${longest}я`])
    old.prepare('INSERT INTO mailbox_subscription (account_id, name) VALUES (5, ?)').run(name)
  old.close()
  const storage = await openStorage(t, folder)
  assert.deepEqual(await storage.run(listSubscriptions, { accountId: 5 }), [deepest, longest])
})
