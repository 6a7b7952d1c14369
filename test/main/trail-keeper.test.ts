// The trail is indexed and shortened while the server runs, and a storage that is away ends neither.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { keepTrail } from '../../src/main/trail-keeper.ts'
import { silentLog } from '../../src/runtime/log.ts'
import type { Operation, Storage } from '../../src/storage/operation.ts'
import { storageIsGone } from '../../src/storage/storage-fault.ts'
import { appendTrail, trailAfter } from '../../src/trail/operations.ts'
import { segmentSize, wantsIndex } from '../../src/trail/segments.ts'
import { eventually } from '../harness/eventually.ts'
import { createManualClock, type ManualClock } from '../harness/manual-clock.ts'
import { openTestStorage } from '../harness/test-storage.ts'

interface Kept {
  readonly storage: Storage
  readonly clock: ManualClock
  readonly errors: string[]
  /** Reads and writes of the keeper fail while it is true. */
  readonly outage: { on: boolean }
}

async function keep(
  t: TestContext,
  settings: { retentionDays?: number; maxMegabytes?: number } = {},
): Promise<Kept> {
  const clock = createManualClock()
  const { storage, beforeClose } = await openTestStorage(t)
  const errors: string[] = []
  const outage = { on: false }
  const keeper = keepTrail({
    storage: {
      run: <Input, Output>(operation: Operation<Input, Output>, input: Input) =>
        outage.on ? Promise.reject(storageIsGone()) : storage.run(operation, input),
    },
    clock,
    log: {
      ...silentLog,
      error: message => void errors.push(message),
      info: message => void errors.push(message),
    },
    settings: { retentionDays: 30, maxMegabytes: 100, ...settings },
  })
  beforeClose(() => {
    keeper.stop()
    return Promise.resolve()
  })
  return { storage, clock, errors, outage }
}

async function append({ storage, clock }: Kept, count: number, age = 0): Promise<void> {
  const event = { kind: 'administered', action: 'hold', recipient: 'anna@example.org' } as const
  await storage.run(
    appendTrail,
    Array.from({ length: count }, (_, n) => ({ at: clock.now() - age, queueId: n + 1, event })),
  )
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  await eventually(what, async () => ((await holds()) ? true : undefined), { everyMs: 5 })
}

async function count({ storage }: Kept): Promise<number> {
  return (await storage.run(trailAfter, { afterId: 0, limit: 100_000 })).length
}

test('events get an index, also after the storage was away', async t => {
  const kept = await keep(t)
  await append(kept, segmentSize)
  kept.outage.on = true
  kept.clock.advance(2000)
  await until('the trouble is told', () => Promise.resolve(kept.errors.length > 0))
  assert.equal(await kept.storage.run(wantsIndex, undefined), true)
  kept.outage.on = false
  kept.clock.advance(2000)
  await until('it is indexed', async () => !(await kept.storage.run(wantsIndex, undefined)))
  await until('the end of it is told', () => Promise.resolve(kept.errors.length > 1))
  assert.deepEqual(kept.errors, ['the trail is not kept', 'the trail is kept again'])
})

test('what is older than the settings say goes, and what is more', async t => {
  const kept = await keep(t, { retentionDays: 2, maxMegabytes: 1 })
  await append(kept, 1500, 3 * 24 * 3_600_000)
  // One round at a time: what falls due while one is under way is left out.
  const later = async (): Promise<number> => {
    kept.clock.advance(10 * 60_000)
    return await count(kept)
  }
  await until('the old is gone', async () => (await later()) === 0)
  await append(kept, 8000)
  // About 200 bytes each.
  await until('no more than a megabyte is left', async () => (await later()) <= 5000)
  assert.ok((await count(kept)) > 3000)
})

test('a flood of events does not take more room than the settings say until the next ten minutes are over', async t => {
  const kept = await keep(t, { maxMegabytes: 1 })
  await append(kept, 9 * segmentSize)
  kept.clock.advance(2000)
  // About 200 bytes each.
  await until('about a megabyte is left', async () => (await count(kept)) <= 6000)
  assert.ok((await count(kept)) > 3000)
})
