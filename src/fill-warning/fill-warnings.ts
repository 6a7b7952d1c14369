// Tells owners whose mailboxes fill up: at once where a message has filled them, and within the hour where a limit has changed.
import { type Extent, levelOf } from '../mailbox/quota.ts'
import { type AccountQuota, listQuotas, updateLevel } from '../mailbox/quota-operations.ts'
import { formatQueueId, type QueueId } from '../queue/queue-id.ts'
import type { Clock } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import { RegularWork } from '../runtime/regular-work.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import { composeWarning } from './compose-warning.ts'
import { findUntoldOwners, tellOwner, type UntoldOwner } from './operations.ts'

export interface FillWarningsOptions {
  readonly storage: Pick<Storage, 'run' | 'onWake'>
  readonly mailData: Pick<MailDataStore, 'create' | 'discard'>
  readonly clock: Clock
  readonly log: Log
  readonly hostname: string
  /** What an account may have, as the settings say, where nothing else is said of it. */
  readonly usual: Extent
  readonly nextQueueId: () => QueueId
}

export interface FillWarnings {
  /** Looks at every account, and tells whoever is to be told. Rejects with a StorageFault. */
  look(): Promise<void>
  start(): void
  stop(): Promise<void>
}

const hourMs = 3_600_000
const accountsAtATime = 1000
const ownersAtATime = 50

export function createFillWarnings(options: FillWarningsOptions): FillWarnings {
  const { storage, mailData, clock, log, hostname, usual, nextQueueId } = options
  const trouble = new LastingTrouble(log, {
    begins: 'owners are not told that their mailboxes fill up',
    ends: 'owners are told again that their mailboxes fill up',
  })
  const tell = async ({ accountId, address, language, quota }: UntoldOwner): Promise<void> => {
    const { level } = quota
    if (level === 0) return
    const [id, at] = [nextQueueId(), clock.now()]
    const queueId = formatQueueId(id)
    const { subject, mail } = composeWarning({
      address,
      language,
      quota: { ...quota, level },
      hostname,
      at,
      queueId,
    })
    const writer = mailData.create()
    await writer.write(mail)
    const stored = await writer.finish()
    const warning = { accountId, address, level, id, mailData: stored, subject, hostname, at }
    const told = await storage.run(tellOwner, warning)
    if (told === 'told')
      log.info('an owner was told that the mailboxes fill up', { accountId, level, queueId })
    else if (stored.location.kind === 'file') await mailData.discard([stored.location.name])
  }
  const tellAll = async (): Promise<void> => {
    while (!regular.isStopped) {
      const owners = await storage.run(findUntoldOwners, { usual, limit: ownersAtATime })
      for (const owner of owners) await tell(owner)
      if (owners.length < ownersAtATime) return
    }
  }
  /** A limit that has changed, and room that was made, are seen here. */
  const updateLevels = async (): Promise<void> => {
    for (let after: number | undefined = 0; after !== undefined && !regular.isStopped; ) {
      const page: readonly AccountQuota[] = await storage.run(listQuotas, {
        usual,
        after,
        limit: accountsAtATime,
      })
      for (const quota of page)
        if (levelOf(quota) !== quota.level)
          await storage.run(updateLevel, { accountId: quota.accountId, usual, now: clock.now() })
      after = page.at(-1)?.accountId
    }
  }
  const look = async (): Promise<void> => {
    await updateLevels()
    await tellAll()
  }
  const regular = new RegularWork({
    clock,
    everyMs: hourMs,
    trouble,
    work: ({ isWoken }) => (isWoken ? tellAll() : look()),
  })
  return {
    look,
    start() {
      storage.onWake('quota', () => regular.wake())
      regular.start()
    },
    stop: () => regular.stop(),
  }
}
