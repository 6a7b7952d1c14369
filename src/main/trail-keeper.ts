// Keeps the trail: makes its index behind the events, and forgets what is too old or too much.
import type { TrailSettings } from '../config/settings.ts'
import type { Clock } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import { oneAtATime } from '../runtime/one-at-a-time.ts'
import type { Storage } from '../storage/operation.ts'
import { expireTrail, shrinkTrail } from '../trail/expire-trail.ts'
import { indexTrail, wantsIndex } from '../trail/segments.ts'

const dayMs = 24 * 3_600_000
/** What has no index yet is looked through: so long a search may have to. */
const indexEveryMs = 2000
const shortenEveryMs = 10 * 60_000
/** And after so many new segments: a mailing may write gigabytes in ten minutes, and a file of SQLite does not shrink again. */
const shortenEvery = 8
/** Events of one write: few enough that nobody waits for it. */
const expireBatch = 1000
const bytesPerMegabyte = 1_000_000

export interface TrailKeeperOptions {
  readonly storage: Pick<Storage, 'run'>
  /** Its time is that of the events; its timers are whatever it has. */
  readonly clock: Clock
  readonly log: Log
  readonly settings: TrailSettings
}

export function keepTrail({ storage, clock, log, settings }: TrailKeeperOptions): { stop(): void } {
  const trouble = new LastingTrouble(log, {
    begins: 'the trail is not kept',
    ends: 'the trail is kept again',
  })
  const state = { isStopped: false }
  const guarded = (what: string, work: () => Promise<void>): (() => void) =>
    oneAtATime(async () => {
      try {
        await work()
        trouble.over(what)
      } catch (cause) {
        if (!state.isStopped) trouble.hit(cause, what)
      }
    })
  const shorten = guarded('shorten', async () => {
    const before = clock.now() - settings.retentionDays * dayMs
    const maxBytes = settings.maxMegabytes * bytesPerMegabyte
    while (
      !state.isStopped &&
      (await storage.run(expireTrail, { before, limit: expireBatch })) === expireBatch
    );
    while (!state.isStopped && (await storage.run(shrinkTrail, { maxBytes, limit: expireBatch })) > 0);
  })
  let segments = 0
  const index = guarded('index', async () => {
    while (!state.isStopped && (await storage.run(wantsIndex, undefined))) {
      if (!(await storage.run(indexTrail, { now: clock.now() }))) break
      if (++segments % shortenEvery === 0) shorten()
    }
  })
  index()
  shorten()
  const timers = [clock.every(indexEveryMs, index), clock.every(shortenEveryMs, shorten)]
  return {
    stop() {
      state.isStopped = true
      for (const timer of timers) timer.cancel()
    },
  }
}
