// Removes what has been kept for its time: from the quarantine what nobody has released, and what has left its mailbox.
import { forgetExpunged } from '../mailbox/expunged.ts'
import { endQuarantined, findQuarantineOver } from '../queue/quarantine.ts'
import type { Clock } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import { oneAtATime } from '../runtime/one-at-a-time.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'

export interface HouseKeeperOptions {
  readonly storage: Pick<Storage, 'run'>
  readonly mailData: Pick<MailDataStore, 'discard'>
  readonly clock: Clock
  readonly log: Log
  readonly keepExpungedDays: number
}

const dayMs = 24 * 3_600_000
const everyMs = 3_600_000
/** Of one write: few enough that nobody waits for it. */
const messagesAtATime = 100

export interface HouseKeeper {
  /** Resolves when nothing is left whose time is over. Rejects with a StorageFault. */
  look(): Promise<void>
  start(): void
  stop(): Promise<void>
}

export function createHouseKeeper(options: HouseKeeperOptions): HouseKeeper {
  const { storage, mailData, clock, log } = options
  const trouble = new LastingTrouble(log, {
    begins: 'mail whose time is over, in the quarantine or out of a mailbox, is not removed',
    ends: 'mail whose time is over is removed again',
  })
  const state = { isStopped: false }
  let timer: { cancel(): void } | undefined
  let looking = Promise.resolve()
  const endQuarantine = async (): Promise<void> => {
    while (!state.isStopped) {
      const now = clock.now()
      const queueIds = await storage.run(findQuarantineOver, { now, limit: messagesAtATime })
      if (queueIds.length === 0) return
      const { orphanedFiles } = await storage.run(endQuarantined, { queueIds, at: now, how: 'expired' })
      await mailData.discard(orphanedFiles)
    }
  }
  const endExpunged = async (): Promise<void> => {
    const before = clock.now() - options.keepExpungedDays * dayMs
    while (!state.isStopped) {
      const { count, orphanedFiles } = await storage.run(forgetExpunged, { before, limit: messagesAtATime })
      await mailData.discard(orphanedFiles)
      if (count < messagesAtATime) return
    }
  }
  const look = async (): Promise<void> => {
    await endQuarantine()
    await endExpunged()
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
