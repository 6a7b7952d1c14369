// The cost of what is asked again and again must not grow with the queue: by which index SQLite answers.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { claimDueWork } from '../../src/queue/claim-due-work.ts'
import { listGates } from '../../src/queue/gates.ts'
import { nextDueAt } from '../../src/queue/next-due-at.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import type { Operation, SqlValue, Tx } from '../../src/storage/operation.ts'
import { SqliteConnection } from '../../src/storage/sqlite-connection.ts'

let folder: string
let connection: SqliteConnection

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postrider-plans-'))
  await (await openLocalStorage(folder)).close()
  connection = new SqliteConnection(folder, 'writer')
})

after(async () => {
  connection.close()
  await rm(folder, { recursive: true, force: true })
})

/** How each statement of an operation over an empty queue is answered; without statistics it is the same over a long one. */
async function plansOf<Input, Output>(
  operation: Operation<Input, Output>,
  input: Input,
): Promise<readonly string[]> {
  const plans: string[] = []
  const explain = async (sql: string, values: readonly SqlValue[]): Promise<void> => {
    const steps = await connection.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, ...values)
    plans.push(steps.map(({ detail }) => detail).join('; '))
  }
  const tx: Tx = {
    lockRow: () => connection.lockRow(),
    lockAll: () => connection.lockAll(),
    forUpdate: connection.forUpdate,
    skipLocked: connection.skipLocked,
    forAll: connection.forAll,
    byIndex: connection.byIndex,
    contains: connection.contains,
    words: connection.words,
    async get<Row>(sql: string, ...values: readonly SqlValue[]) {
      await explain(sql, values)
      return await connection.get<Row>(sql, ...values)
    },
    async all<Row>(sql: string, ...values: readonly SqlValue[]) {
      await explain(sql, values)
      return await connection.all<Row>(sql, ...values)
    },
    run: (sql, ...values) => connection.run(sql, ...values),
    wake: (topic, key) => connection.wake(topic, key),
  }
  await operation.run(tx, input)
  return plans
}

test('the lines are found without a look at whom else the queue holds', async () => {
  assert.deepEqual(await plansOf(listGates, undefined), [
    'SEARCH queue_recipient USING COVERING INDEX queue_recipient_gate (gate>?)',
  ])
})

test('a claim looks at what is urgent, then at what is due first, and at no other', async () => {
  const claim = { now: 1, leaseUntil: 2, owner: 'test', maxRecipients: 10 }
  assert.deepEqual(await plansOf(claimDueWork, claim), [
    'SEARCH queue_recipient USING INDEX queue_recipient_priority (due_at<?)',
    'SEARCH queue_recipient USING INDEX queue_recipient_due (state=? AND due_at<?)',
  ])
})

test('when something is due next is read off the beginning of an index', async () => {
  assert.deepEqual(await plansOf(nextDueAt, undefined), [
    'SEARCH queue_recipient USING INDEX queue_recipient_due (state=?)',
    'SCAN queue_recipient USING INDEX queue_recipient_suspect',
  ])
})
