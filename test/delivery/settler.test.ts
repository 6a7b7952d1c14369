// What becomes of the mail data of a report that could not be queued, or about which nobody knows.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRetrySchedule } from '../../src/delivery/retry-schedule.ts'
import { Settler } from '../../src/delivery/settler.ts'
import { UnwrittenOutcomes } from '../../src/delivery/unwritten-outcomes.ts'
import type { NewMessage } from '../../src/queue/new-message.ts'
import type { ClaimedWork, QueuedRecipient } from '../../src/queue/records.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { StorageFault, storageIsGone } from '../../src/storage/storage-fault.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { createSeededRandom } from '../harness/seeded-random.ts'
import { address } from './world.ts'

const message: NewMessage = {
  message: {
    id: 1,
    reversePath: address('anna@example.test'),
    size: 10,
    body: '7BIT',
    smtpUtf8: false,
    disposition: 'mail',
    acceptedAt: 0,
    expiresAt: Number.MAX_SAFE_INTEGER,
    language: 'en',
    isReport: false,
  },
  mailData: { size: 10, checksum: new Uint8Array(32), location: { kind: 'file', name: 'report' } },
  recipients: [],
  held: false,
}
const recipient: QueuedRecipient = {
  id: 1,
  messageId: 1,
  forwardPath: address('boris@example.org'),
  state: 'ready',
  attempts: 0,
  dueAt: 0,
}
const work: ClaimedWork = { message: message.message, mailDataId: 1, recipients: [recipient] }

/** Settles one recipient with a report, each try of which ends so; stopped after the first. */
async function discardedAfter(...ends: readonly Error[]): Promise<readonly string[]> {
  const clock = createManualClock()
  const discarded: string[] = []
  let tries = 0
  const tried = Promise.withResolvers<void>()
  const settler = new Settler({
    storage: {
      run: () => {
        const end = ends[tries++]
        tried.resolve()
        return Promise.reject(end ?? new Error('one try too many'))
      },
      onWake() {},
      close: () => Promise.resolve(),
    },
    mailData: {
      create: () => assert.fail(),
      read: () => assert.fail(),
      readSmall: () => assert.fail(),
      assertThere: () => assert.fail(),
      readStored: () => assert.fail(),
      discard: names => Promise.resolve(void discarded.push(...names)),
    },
    clock,
    random: createSeededRandom(1),
    log: silentLog,
    owner: 'one',
    schedule: createRetrySchedule({
      retryMinutes: [5],
      lifetimeHours: 48,
      relayLifetimeHours: 720,
      delayNoticeHours: 4,
      hold: false,
    }),
    composeReports: () =>
      Promise.resolve([
        { message, recipientIds: [1], about: { messageId: 1, action: 'failed', recipients: [] } },
      ]),
    unwritten: new UnwrittenOutcomes(),
    settled() {},
    stands() {},
  })
  settler.add({ work, recipient, outcome: { kind: 'shown' } })
  await tried.promise
  await new Promise(setImmediate)
  settler.stop()
  await settler.finished()
  assert.equal(tries, ends.length)
  return discarded
}

const unavailable = (): Error => new StorageFault('STORAGE_UNAVAILABLE', 'not now')

test('what was not queued is discarded', async () => {
  assert.deepEqual(await discardedAfter(unavailable(), unavailable()), ['report'])
})

test('what may have been queued by any of several tries is left to the sweep', async () => {
  assert.deepEqual(await discardedAfter(storageIsGone(), unavailable()), [])
  assert.deepEqual(await discardedAfter(unavailable(), storageIsGone()), [])
})
