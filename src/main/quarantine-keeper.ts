// Removes from the quarantine what nobody has released in its time.
import { endQuarantined, findQuarantineOver } from '../queue/quarantine.ts'
import type { Clock } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import { oneAtATime } from '../runtime/one-at-a-time.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'

export interface QuarantineKeeperOptions {
  readonly storage: Pick<Storage, 'run'>
  readonly mailData: Pick<MailDataStore, 'discard'>
  readonly clock: Clock
  readonly log: Log
}

const everyMs = 3_600_000
/** Of one write: few enough that nobody waits for it. */
const messagesAtATime = 100

export interface QuarantineKeeper {
  /** Resolves when nothing is left that is over. Rejects with a StorageFault. */
  look(): Promise<void>
  start(): void
  stop(): Promise<void>
}

export function createQuarantineKeeper({
  storage,
  mailData,
  clock,
  log,
}: QuarantineKeeperOptions): QuarantineKeeper {
  const trouble = new LastingTrouble(log, {
    begins: 'what is over in the quarantine is not removed',
    ends: 'what is over in the quarantine is removed again',
  })
  const state = { isStopped: false }
  let timer: { cancel(): void } | undefined
  let looking = Promise.resolve()
  const look = async (): Promise<void> => {
    while (!state.isStopped) {
      const now = clock.now()
      const queueIds = await storage.run(findQuarantineOver, { now, limit: messagesAtATime })
      if (queueIds.length === 0) return
      const { orphanedFiles } = await storage.run(endQuarantined, { queueIds, at: now, how: 'expired' })
      await mailData.discard(orphanedFiles)
    }
  }
  const guarded = async (): Promise<void> => {
    try {
      await look()
      trouble.over()
    } catch (cause) {
      if (!state.isStopped) trouble.hit(cause)
    }
  }
  return {
    look,
    start() {
      const begin = oneAtATime(() => {
        looking = guarded()
        return looking
      })
      timer ??= clock.every(everyMs, begin)
      begin()
    },
    async stop() {
      state.isStopped = true
      timer?.cancel()
      await looking
    },
  }
}
