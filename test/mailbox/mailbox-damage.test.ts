// What is wrong with a mailbox is found in the mailboxes that are asked for, and mended there alone; and programs are told what is so.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { changeFlags } from '../../src/mailbox/change-flags.ts'
import { countLostReadings, indexScopeAnew, restoreReadings } from '../../src/mailbox/lost-readings.ts'
import { findMailboxDamage, type MailboxDamage, mendMailbox } from '../../src/mailbox/mailbox-damage.ts'
import type { OpenMailbox } from '../../src/mailbox/mailbox-row.ts'
import { MessageNumbers } from '../../src/mailbox/message-numbers.ts'
import { flags } from '../../src/mailbox/message-state.ts'
import { findWords } from '../../src/mailbox/message-words.ts'
import type { MailboxScope } from '../../src/mailbox/named-mailboxes.ts'
import { readChanges, readMailboxState, readMessages } from '../../src/mailbox/read-mailbox.ts'
import { createMessageReader } from '../../src/main/message-reader.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { defineWrite, type SqlValue } from '../../src/storage/operation.ts'
import { addAccount, addDomain } from '../directory/open-directory.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { openMailboxes, type TestMailboxes } from './open-mailboxes.ts'

const name = 'Архив/2024'

interface Owned {
  readonly address: string
  readonly open: OpenMailbox
  readonly scope: MailboxScope
}

interface World extends TestMailboxes {
  readonly anna: Owned
  readonly boris: Owned
  readonly spoil: (sql: string, ...values: readonly SqlValue[]) => Promise<void>
  /** 'anna@example.test: it counts wrong: unseen', for each problem. */
  readonly find: (scope?: MailboxScope) => Promise<readonly string[]>
  readonly mend: (owned: Owned) => Promise<void>
}

const spoil = defineWrite(
  'test.spoil',
  async (tx, { sql, values }: { readonly sql: string; readonly values: readonly SqlValue[] }) =>
    void (await tx.run(sql, ...values)),
)

function describe({ address, problems, lost }: MailboxDamage): readonly string[] {
  return [...problems, ...lost.map(({ first, last }) => `lost ${first}:${last}`)].map(
    problem => `${address}: ${problem}`,
  )
}

/** Two accounts, each with three messages in a mailbox of this name, and a fourth that has left. */
async function openWorld(t: TestContext): Promise<World> {
  const mailboxes = await openMailboxes(t)
  const { storage } = mailboxes
  await addDomain(storage, 'example.test')
  const owned: Owned[] = []
  for (const [address, firstId] of [
    ['anna@example.test', 1],
    ['boris@example.test', 5],
  ] as const) {
    const accountId = await addAccount(storage, address)
    for (let queueId = firstId; queueId < firstId + 4; queueId++) {
      await mailboxes.store(queueId, `Subject: ${queueId}\r\n\r\nword\r\n`)
      const keywords = queueId === firstId ? ['work'] : []
      await mailboxes.file({ queueId, accountId, mailbox: name, traceFields: 'X-Trace: я\r\n', keywords })
    }
    const open = await mailboxes.open(accountId, name)
    await mailboxes.expunge([2], open)
    const mailbox = { mailboxId: open.mailboxId, accountId, address, name }
    owned.push({ address, open, scope: { accountId, mailboxes: [mailbox] } })
  }
  const [anna, boris] = owned
  assert.ok(anna && boris)
  return {
    ...mailboxes,
    anna,
    boris,
    spoil: (sql, ...values) => storage.run(spoil, { sql, values }),
    find: async scope => (await findMailboxDamage(storage, scope)).flatMap(describe),
    mend: ({ open }) => storage.run(mendMailbox, open),
  }
}

for (const { what, sql, problem } of [
  {
    what: 'counters',
    sql: 'UPDATE mailbox SET unseen = 7, bytes = 1',
    problem: 'it counts wrong: unseen, bytes',
  },
  {
    what: 'a block that is lost',
    sql: 'DELETE FROM mailbox_block',
    problem: 'its index of UIDs and flags is not that of its messages',
  },
  {
    what: 'a size',
    sql: 'UPDATE mailbox_message SET size = size + 1 WHERE uid = 3',
    problem: 'it tells a wrong size of UID 3',
  },
  {
    what: 'the next UID',
    sql: 'UPDATE mailbox SET uid_next = 2',
    problem: 'it would give UID 2 next, and has given 4',
  },
  {
    what: 'the mod-sequence',
    sql: 'UPDATE mailbox SET mod_seq = 2',
    problem: 'its mod-sequence is 2, and it has told 7',
  },
  {
    what: 'what has left',
    sql: "UPDATE mailbox_vanished SET uids = '2:3'",
    problem: 'it tells programs that UID 3 has left, and it is there',
  },
  {
    what: 'what has left, when it is no UIDs',
    sql: "UPDATE mailbox_vanished SET uids = '2:'",
    problem: 'what it remembers of messages that have left cannot be read',
  },
  {
    what: 'the keywords',
    sql: "UPDATE mailbox SET keywords = 'other'",
    problem: 'it does not tell of keywords that its messages have: work',
  },
]) {
  test(`${what}: found and mended in the mailbox that is asked for, and in no other`, async t => {
    const { anna, boris, find, mend, spoil } = await openWorld(t)
    assert.deepEqual(await find(), [])
    // Mailboxes without messages are in order whatever they are spoilt by.
    const where = `${/ WHERE /.test(sql) ? 'AND' : 'WHERE'} ${/ mailbox( |$)/.test(sql) ? 'id' : 'mailbox_id'} IN (?, ?)`
    await spoil(`${sql} ${where}`, anna.open.mailboxId, boris.open.mailboxId)
    assert.deepEqual(await find(anna.scope), [`${anna.address}: ${problem}`])
    assert.deepEqual(await find(), [`${anna.address}: ${problem}`, `${boris.address}: ${problem}`])
    await mend(anna)
    assert.deepEqual(await find(anna.scope), [])
    assert.deepEqual(await find(), [`${boris.address}: ${problem}`])
    await mend(boris)
    assert.deepEqual(await find(), [])
  })
}

test('mail data that is not there: found by its UIDs, and left as it is', async t => {
  const { anna, boris, find, mend, spoil } = await openWorld(t)
  await spoil('DELETE FROM mail_data WHERE id IN (3, 7, 8)')
  assert.deepEqual(await find(anna.scope), ['anna@example.test: lost 3:3'])
  assert.deepEqual(await find(boris.scope), ['boris@example.test: lost 3:4'])
  await mend(anna)
  assert.deepEqual(await find(anna.scope), ['anna@example.test: lost 3:3'])
})

test('what is mended gives no UID twice, and tells who has been there what is there and what is not', async t => {
  const world = await openWorld(t)
  const { storage, anna, boris } = world
  const known = async ({ open }: Owned) => (await storage.run(readMailboxState, open))?.mailbox.modSeq ?? 0
  const before = { anna: await known(anna), boris: await known(boris) }
  // A block that knows one message that is not there, and not the first that is; and one that has lost a flag.
  const [states, flagless] = [new Uint8Array([0, 0, 128, 128, 128]), new Uint8Array([0, 160, 0, 128, 128])]
  const set = { mode: 'add', flags: flags.flagged, keywords: [], ranges: [{ first: 3, last: 3 }] } as const
  await storage.run(changeFlags, { ...boris.open, ...set })
  for (const [{ open }, octets] of [
    [anna, states],
    [boris, flagless],
  ] as const)
    await world.spoil('UPDATE mailbox_block SET states = ? WHERE mailbox_id = ?', octets, open.mailboxId)
  await world.spoil('UPDATE mailbox SET uid_next = 1, mod_seq = 1')
  for (const owned of [anna, boris]) await world.mend(owned)
  assert.deepEqual(await world.find(), [])

  await world.store(9)
  await world.file({ queueId: 9, accountId: anna.open.accountId, mailbox: name })
  const all = { range: { first: 1, last: 100 }, limit: 10 }
  assert.deepEqual(
    (await storage.run(readMessages, { ...anna.open, ...all })).map(({ uid }) => uid),
    [1, 3, 4, 5],
  )
  const state = await storage.run(readMailboxState, anna.open)
  assert.deepEqual([...new MessageNumbers(state?.blocks ?? []).uidsIn([{ first: 1, last: 9 }])], [1, 3, 4, 5])
  for (const [owned, since, uids] of [
    [anna, before.anna, [1, 3, 4, 5]],
    [boris, before.boris, [1, 3, 4]],
  ] as const) {
    const changes = await storage.run(readChanges, { ...owned.open, since, limit: 10 })
    assert.equal(changes?.vanished, 'forgotten')
    assert.deepEqual(changes.changed.map(({ uid }) => uid).sort(), uids)
  }
})

test('a repair takes the next UID forward, past those of what has left, and never back', async t => {
  const world = await openWorld(t)
  const { storage, anna, boris, spoil, mend } = world
  let queueId = 8
  const nextUid = async ({ open }: Owned): Promise<number | undefined> => {
    await world.store(++queueId)
    await world.file({ queueId, accountId: open.accountId, mailbox: name })
    const all = { range: { first: 1, last: 100 }, limit: 10 }
    return (await storage.run(readMessages, { ...open, ...all })).at(-1)?.uid
  }
  for (const { open } of [anna, boris]) await world.expunge([4], open)
  await spoil('UPDATE mailbox SET uid_next = 2')
  // Then those alone are known that are kept aside.
  await spoil("UPDATE mailbox_vanished SET uids = '2:' WHERE mailbox_id = ?", boris.open.mailboxId)
  for (const owned of [anna, boris]) {
    await mend(owned)
    assert.equal(await nextUid(owned), 5)
  }
  await spoil('UPDATE mailbox SET uid_next = 50, unseen = 7')
  await mend(anna)
  assert.equal(await nextUid(anna), 50)
})

test('what the index of a mailbox had wrong is told as changed, and nothing else', async t => {
  const { storage, anna, boris, spoil, mend } = await openWorld(t)
  // A keyword of the first is lost.
  await spoil('UPDATE mailbox_block SET states = ?', new Uint8Array([0, 128, 0, 128, 128]))
  for (const owned of [anna, boris]) {
    const since = (await storage.run(readMailboxState, owned.open))?.mailbox.modSeq ?? assert.fail()
    await mend(owned)
    const changes = await storage.run(readChanges, { ...owned.open, since, limit: 10 })
    assert.deepEqual(
      changes?.changed.map(({ uid }) => uid),
      [1],
    )
    assert.equal(changes.vanished, 'forgotten')
  }
})

const changeWords = defineWrite('test.change-words', async (tx, mailDataId: number) => {
  const row = await tx.get<{ id: number }>(
    'SELECT id FROM indexed_message WHERE mail_data_id = ?',
    mailDataId,
  )
  assert.ok(row)
  await tx.words.remove(row.id)
  await tx.words.add(row.id, 'b=other')
})

test('what has been read of messages and is lost: found and read again in the mailbox that is asked for, and in no other', async t => {
  const world = await openWorld(t)
  const { storage, mailData, anna, boris, spoil } = world
  const index = () =>
    createMessageReader({ storage, mailData, clock: createManualClock(), log: silentLog }).look()
  const find = async ({ open }: Owned): Promise<readonly number[]> => {
    const query = { kind: 'term', text: 'b=word' } as const
    const { uids } = await storage.run(findWords, { ...open, query, after: undefined, limit: 100 })
    return [...uids].sort()
  }
  const lost = async (scope?: MailboxScope): Promise<readonly number[]> => [
    await countLostReadings(storage, 'structures', scope),
    await countLostReadings(storage, 'words', scope),
  ]
  assert.deepEqual(await lost(), [0, 0], 'wanted is not lost')
  await index()
  assert.deepEqual(
    [await lost(), await find(anna), await find(boris)],
    [
      [0, 0],
      [1, 3, 4],
      [1, 3, 4],
    ],
  )
  await spoil("UPDATE message_structure SET structure = '{' WHERE mail_data_id IN (1, 5)")
  await spoil(
    `UPDATE message_structure SET structure = replace(structure, '"end":', '"end":1') WHERE mail_data_id = 7`,
  )
  await spoil('DELETE FROM message_structure WHERE mail_data_id = 8')
  await spoil('DELETE FROM indexed_message WHERE mail_data_id IN (3, 4, 8)')
  assert.deepEqual(
    [await lost(anna.scope), await lost(boris.scope), await lost()],
    [
      [1, 2],
      [3, 1],
      [4, 3],
    ],
  )
  const { scope } = anna
  const { promise: isWoken, resolve } = Promise.withResolvers<void>()
  storage.onWake('mailbox', () => {
    resolve()
  })
  assert.equal(await restoreReadings(storage, 'structures', { scope }), 1)
  assert.equal(await restoreReadings(storage, 'words', { scope }), 2)
  // Whoever reads them.
  await isWoken
  assert.deepEqual(
    [await lost(anna.scope), await lost()],
    [
      [0, 0],
      [3, 1],
    ],
  )
  await index()
  assert.deepEqual(
    [await find(anna), await find(boris)],
    [
      [1, 3, 4],
      [1, 3],
    ],
  )

  // Words that are there, and others than those of the message.
  for (const id of [1, 5]) await storage.run(changeWords, id)
  assert.deepEqual(
    [await lost(anna.scope), await find(anna)],
    [
      [0, 0],
      [3, 4],
    ],
  )
  assert.equal(await indexScopeAnew(storage, scope), 3)
  await index()
  assert.deepEqual([await find(anna), await find(boris)], [[1, 3, 4], [3]])
})
