// Removes what has been kept for its time: from the quarantine what nobody has released, from Trash and Junk what lies there, what
// has left its mailbox, what runs of scripts have remembered, and what is known of receivers to whom nothing was sent for long.
import { forgetRemembered } from '../filtering/memory.ts'
import { forgetExpunged } from '../mailbox/expunged.ts'
import {
  expungeOutdated,
  findOutdated,
  type RetentionPage,
  type UsualRetention,
} from '../mailbox/retention.ts'
import { forgetAllowances } from '../queue/allowances.ts'
import { forgetDestinationHealth } from '../queue/destination-health.ts'
import { endQuarantined, findQuarantineOver } from '../queue/quarantine.ts'
import type { Clock } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import { RegularWork } from '../runtime/regular-work.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'

export interface HouseKeeperOptions extends UsualRetention {
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
const mailboxesAtATime = 500
const rememberedAtATime = 1000
/** A receiver that was dead, and of whom nobody has heard since, is asked as if nothing were known of it. */
const untriedMs = 7 * dayMs
/** Longer than any limit's span. */
const usedMs = 2 * dayMs

export interface HouseKeeper {
  /** Resolves when nothing is left whose time is over. Rejects with a StorageFault. */
  look(): Promise<void>
  start(): void
  stop(): Promise<void>
}

export function createHouseKeeper(options: HouseKeeperOptions): HouseKeeper {
  const { storage, mailData, clock, log } = options
  const trouble = new LastingTrouble(log, {
    begins:
      'what has been kept for its time (in the quarantine, in a trash, out of a mailbox, by scripts, of receivers) is not removed',
    ends: 'what has been kept for its time is removed again',
  })
  const regular = new RegularWork({ clock, everyMs, trouble, work: () => look() })
  const endQuarantine = async (): Promise<void> => {
    while (!regular.isStopped) {
      const now = clock.now()
      const queueIds = await storage.run(findQuarantineOver, { now, limit: messagesAtATime })
      if (queueIds.length === 0) return
      const { orphanedFiles } = await storage.run(endQuarantined, { queueIds, at: now, how: 'expired' })
      await mailData.discard(orphanedFiles)
    }
  }
  /** `limit`: what one step removes at most; it resolves with how many there were. */
  const untilFewer = async (limit: number, step: () => Promise<number>): Promise<void> => {
    for (let count = limit; count === limit && !regular.isStopped; ) count = await step()
  }
  const endExpunged = async (): Promise<void> => {
    const before = clock.now() - options.keepExpungedDays * dayMs
    await untilFewer(messagesAtATime, async () => {
      const { count, orphanedFiles } = await storage.run(forgetExpunged, { before, limit: messagesAtATime })
      await mailData.discard(orphanedFiles)
      return count
    })
  }
  const emptyTrash = async (): Promise<void> => {
    const now = clock.now()
    for (let after: number | undefined = 0; after !== undefined && !regular.isStopped; ) {
      const page: RetentionPage = await storage.run(findOutdated, {
        usual: { keepTrashDays: options.keepTrashDays, keepJunkDays: options.keepJunkDays },
        now,
        after,
        limit: mailboxesAtATime,
      })
      for (const mailbox of page.outdated)
        await untilFewer(messagesAtATime, () =>
          storage.run(expungeOutdated, { ...mailbox, now, limit: messagesAtATime }),
        )
      after = page.after
    }
  }
  const endRemembered = async (): Promise<void> => {
    const limit = rememberedAtATime
    await untilFewer(limit, () => storage.run(forgetRemembered, { now: clock.now(), limit }))
  }
  const endKnown = async (): Promise<void> => {
    const now = clock.now()
    const limit = rememberedAtATime
    await untilFewer(limit, () => storage.run(forgetDestinationHealth, { before: now - untriedMs, limit }))
    await untilFewer(limit, () => storage.run(forgetAllowances, { before: now - usedMs, limit }))
  }
  const look = async (): Promise<void> => {
    await endQuarantine()
    await emptyTrash()
    await endExpunged()
    await endRemembered()
    await endKnown()
  }
  return { look, start: () => regular.start(), stop: () => regular.stop() }
}
