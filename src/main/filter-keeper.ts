// Keeps what the screening of mail remembers: the filter learns what people have put into Junk, taken out of it or answered, and what tells
// nothing any more is forgotten.
import { setImmediate as turn } from 'node:timers/promises'
import { type Judgement, listJudgements } from '../mailbox/judgements.ts'
import type { Clock } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import { RegularWork } from '../runtime/regular-work.ts'
import { forgetVisits, greylistRules } from '../screening/greylist.ts'
import { learnJudgement } from '../screening/learn-judgement.ts'
import { forgetRareWords, hasTaughtEnough } from '../screening/learning.ts'
import { wordsOf } from '../screening/teach.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import { isDamage } from '../storage/storage-fault.ts'

export interface FilterKeeperOptions {
  readonly storage: Pick<Storage, 'run'>
  readonly mailData: Pick<MailDataStore, 'read'>
  readonly clock: Clock
  readonly log: Log
}

/** Whoever moves a message by mistake has so long to move it back. */
const lookEveryMs = 60_000
const dayMs = 24 * 3_600_000
const judgementsAtATime = 100
/** Of one write, which others wait for. */
const rowsAtATime = 2000
/** A sender who has not come for so long is not known any more. */
const knownSenderDays = 60
const rareWordDays = 180

export interface FilterKeeper {
  /** Resolves when all that was judged is learned, and, once a day, when all is forgotten. Rejects with a StorageFault. */
  look(): Promise<void>
  start(): void
  stop(): Promise<void>
}

export function createFilterKeeper({ storage, mailData, clock, log }: FilterKeeperOptions): FilterKeeper {
  const trouble = new LastingTrouble(log, {
    begins: 'the filter does not learn what people put into Junk or take out of it',
    ends: 'the filter learns again',
  })
  const regular = new RegularWork({ clock, everyMs: lookEveryMs, trouble, work: () => look() })
  let forgetsFrom = -Infinity
  const learnOne = async (judgement: Judgement): Promise<void> => {
    const now = clock.now()
    const { accountId, queueId: messageId, kind } = judgement
    const isEnough = await storage.run(hasTaughtEnough, { accountId, messageId, kind, now })
    const words = isEnough ? undefined : await readWords(mailData, judgement)
    await storage.run(learnJudgement, { judgement, words, now })
  }
  const learn = async (): Promise<void> => {
    while (!regular.isStopped) {
      const judgements = await storage.run(listJudgements, { limit: judgementsAtATime })
      if (judgements.length === 0) return
      for (const judgement of judgements) {
        if (regular.isStopped) return
        await learnOne(judgement)
        await turn()
      }
    }
  }
  const forget = async (now: number): Promise<void> => {
    const limit = rowsAtATime
    const visits = { before: now - knownSenderDays * dayMs, windowMs: greylistRules.windowMs, now, limit }
    while (!regular.isStopped && (await storage.run(forgetVisits, visits)) === limit);
    const words = { before: now - rareWordDays * dayMs, limit }
    while (!regular.isStopped && (await storage.run(forgetRareWords, words)) === limit);
    forgetsFrom = now + dayMs
  }
  const look = async (): Promise<void> => {
    await learn()
    if (clock.now() >= forgetsFrom && !regular.isStopped) await forget(clock.now())
  }
  return { look, start: () => regular.start(), stop: () => regular.stop() }
}

/** undefined: it has gone meanwhile, or is damaged, which verify says. */
async function readWords(
  mailData: Pick<MailDataStore, 'read'>,
  { mailDataId }: Judgement,
): Promise<readonly number[] | undefined> {
  try {
    return await wordsOf(mailData.read(mailDataId))
  } catch (cause) {
    if (isDamage(cause)) return undefined
    throw cause
  }
}
