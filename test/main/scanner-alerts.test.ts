// A scanner that is away: an alert when it is more than a hiccup, and mended when it answers.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Alert } from '../../src/alert/alert.ts'
import { describeAlert } from '../../src/alert/describe-alert.ts'
import { alertKinds } from '../../src/alert/kinds.ts'
import { listAlerts } from '../../src/alert/operations.ts'
import { createScannerAlerts } from '../../src/main/scanner-alerts.ts'
import { silentLog } from '../../src/runtime/log.ts'
import type { ScannerWatch } from '../../src/screening/run-scanners.ts'
import { eventually } from '../harness/eventually.ts'
import { createManualClock, type ManualClock } from '../harness/manual-clock.ts'
import { openTestStorage } from '../harness/test-storage.ts'

const minute = 60_000
const clamd = 'clamd at 127.0.0.1:3310'
const why = `The scanner ${clamd} gave no answer: nothing listens on this port there.`

interface World {
  readonly clock: ManualClock
  /** One more front thread, or one after a start. */
  watch(): ScannerWatch
  lasting(): Promise<Alert[]>
  /** So often. */
  raised(times: number): Promise<Alert>
  mended(): Promise<true>
}

async function createWorld(t: TestContext): Promise<World> {
  const clock = createManualClock()
  const { storage } = await openTestStorage(t)
  const lasting = async (): Promise<Alert[]> => await storage.run(listAlerts, { which: 'lasting' })
  return {
    clock,
    watch: () => createScannerAlerts(storage, clock, silentLog),
    lasting,
    raised: times =>
      eventually('the alert', async () => (await lasting()).find(alert => alert.times === times)),
    mended: () => eventually('its end', async () => (await lasting()).length === 0 || undefined),
  }
}

test('two failures are a hiccup, three in a row are an alert', async t => {
  const world = await createWorld(t)
  const watch = world.watch()
  watch.answered(clamd)
  for (let n = 0; n < 4; n++) {
    watch.failed(clamd, why, 'defer')
    watch.failed(clamd, why, 'defer')
    assert.deepEqual(await world.lasting(), [])
    watch.answered(clamd)
  }
  for (let n = 0; n < 3; n++) watch.failed(clamd, why, 'defer')
  const alert = await world.raised(1)
  assert.equal(alert.subject, clamd)
  for (const language of ['en', 'ru'] as const)
    assert.match(JSON.stringify(describeAlert(alert, 0, language)), /451.*whenDown.*postrider check/)
  watch.answered(clamd)
  await world.mended()
})

test('where little mail comes, two minutes are enough; and it is raised again each hour', async t => {
  const world = await createWorld(t)
  const watch = world.watch()
  watch.failed(clamd, why, 'accept')
  world.clock.advance(2 * minute)
  watch.failed(clamd, why, 'accept')
  await world.raised(1)
  world.clock.advance(59 * minute)
  watch.failed(clamd, why, 'accept')
  assert.equal((await world.lasting())[0]?.times, 1)
  world.clock.advance(minute)
  watch.failed(clamd, why, 'accept')
  const again = await world.raised(2)
  assert.doesNotMatch(JSON.stringify(describeAlert(again, 0, 'en')), /451/)
})

test('the first answer after a start mends it, and examining it leaves it mended', async t => {
  const world = await createWorld(t)
  const before = world.watch()
  for (let n = 0; n < 3; n++) before.failed(clamd, why, 'defer')
  const alert = await world.raised(1)
  const now = world.clock.now()
  assert.ok(await alertKinds['scanner-away'].lasts({ run: () => assert.fail() }, alert, now))
  world.watch().answered(clamd)
  await world.mended()
  assert.equal(
    await alertKinds['scanner-away'].lasts({ run: () => assert.fail() }, { ...alert, mendedAt: now }, now),
    false,
  )
})
