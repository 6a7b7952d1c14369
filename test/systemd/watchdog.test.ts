// The watchdog is told that the server lives as long as it does, and not a moment longer.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../../src/runtime/log.ts'
import { feedWatchdog } from '../../src/systemd/watchdog.ts'
import { createManualClock } from '../harness/manual-clock.ts'

const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

test('it is told three times in the time that it waits, and not while something is lifeless', async () => {
  const clock = createManualClock()
  let reasons: readonly string[] = []
  let told = 0
  const errors: unknown[] = []
  const timer = feedWatchdog({
    environment: { WATCHDOG_USEC: '60000000', WATCHDOG_PID: '17' },
    pid: 17,
    lifeless: () => Promise.resolve(reasons),
    tellAlive: async () => {
      told++
    },
    clock,
    log: { ...silentLog, error: (_, fields) => errors.push(fields?.['reason']) },
  })
  const passAMinute = async (): Promise<void> => {
    for (let passed = 0; passed < 60; passed += 20) clock.advance(20_000)
    await settled()
  }
  await passAMinute()
  assert.equal(told, 3)
  reasons = ['front-0: has not answered for 10 seconds']
  await passAMinute()
  assert.equal(told, 3)
  assert.deepEqual(new Set(errors), new Set(reasons))
  reasons = []
  clock.advance(20_000)
  await settled()
  assert.equal(told, 4)
  timer?.cancel()
  await passAMinute()
  assert.equal(told, 4)
})

test('where none watches, or one that watches another process, there is none to tell', () => {
  const parts = {
    pid: 17,
    lifeless: () => Promise.resolve([]),
    tellAlive: () => Promise.resolve(),
    clock: createManualClock(),
    log: silentLog,
  }
  for (const environment of [{}, { WATCHDOG_USEC: '0' }, { WATCHDOG_USEC: '60000000', WATCHDOG_PID: '18' }])
    assert.equal(feedWatchdog({ ...parts, environment }), undefined)
})
