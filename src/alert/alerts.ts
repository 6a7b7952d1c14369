// Raises alerts, finds out when they are over, and tells administrators: once when there is one, once when it is over, and
// at most once a day that it has happened again.
import { needsSmtpUtf8 } from '../address/scan-mailbox.ts'
import { storeOwnMessage } from '../queue/own-message.ts'
import { formatQueueId, type QueueId } from '../queue/queue-id.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import { oneAtATime } from '../runtime/one-at-a-time.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import { type AdministratorOptions, findAdministrators } from './administrators.ts'
import type { Alert, FoundAlert } from './alert.ts'
import { composeAlertMail } from './compose-mail.ts'
import { alertKinds } from './kinds.ts'
import { endAlert, listAlerts, noteMended, raiseAlert, tellAlert } from './operations.ts'
import type { AlertNews } from './texts.ts'

export interface AlertsOptions extends AdministratorOptions {
  readonly storage: Storage
  readonly mailData: MailDataStore
  readonly clock: Clock
  readonly log: Log
  readonly nextQueueId: () => QueueId
  readonly lifetimeMs: number
  /** The queue is on hold: mail about alerts waits like any message. */
  readonly held: boolean
}

/** Long enough that what waits because of it can be counted when it is told. */
const lookEveryMs = 60_000
/** What is mended for so long is over: not each time that one message passes. */
const overAfterMs = 3_600_000
const remindAfterMs = 24 * 3_600_000

export class Alerts {
  readonly #options: AlertsOptions
  readonly #trouble: LastingTrouble
  /** What is not written down yet. */
  #found: readonly FoundAlert[] = []
  #writing: Promise<void> = Promise.resolve()
  #timer: Timer | undefined

  constructor(options: AlertsOptions) {
    this.#options = options
    this.#trouble = new LastingTrouble(options.log, {
      begins: 'alerts are not kept',
      ends: 'alerts are kept again',
    })
  }

  /** Resolves when it is written down; never rejects: what cannot be written is written later. */
  raise(found: FoundAlert): Promise<void> {
    this.#found = [...this.#found, found]
    return this.#writeFound()
  }

  start(): void {
    const look = oneAtATime(() => this.look())
    this.#timer ??= this.#options.clock.every(lookEveryMs, look)
    look()
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    await this.#writing
  }

  /** What is due now. Never rejects. */
  async look(): Promise<void> {
    await this.#writeFound()
    await this.#guard('look', async () => {
      const { clock, storage } = this.#options
      for (const alert of await storage.run(listAlerts, { which: 'unfinished' })) {
        const now = clock.now()
        const current = alert.overAt === undefined ? await this.#examine(alert, now) : alert
        const news = newsOf(current, now)
        if (news) await this.#tell(current, news, now)
      }
    })
  }

  async #guard(part: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
      this.#trouble.over(part)
    } catch (cause) {
      this.#trouble.hit(cause, part)
    }
  }

  /** One after the other: nothing is written twice. */
  #writeFound(): Promise<void> {
    this.#writing = this.#writing.then(() =>
      this.#guard('raise', async () => {
        for (const found of this.#found) {
          await this.#options.storage.run(raiseAlert, found)
          this.#found = this.#found.filter(one => one !== found)
        }
      }),
    )
    return this.#writing
  }

  /** The alert as it is now. */
  async #examine(alert: Alert, now: number): Promise<Alert> {
    const { log, storage } = this.#options
    const { kind, subject, mendedAt } = alert
    const lasts = await alertKinds[kind].lasts(storage, alert, now)
    if (lasts === (mendedAt === undefined)) {
      if (mendedAt === undefined || now - mendedAt < overAfterMs) return alert
      const isOver = await storage.run(endAlert, { ...alert, at: now })
      if (isOver) log.info('an alert is over', { alert: kind, subject })
      return isOver ? { ...alert, overAt: now } : alert
    }
    const changed = { ...alert, mendedAt: lasts ? undefined : now }
    await storage.run(noteMended, changed)
    return changed
  }

  async #tell(alert: Alert, news: AlertNews, at: number): Promise<void> {
    const { hostname, lifetimeMs, held, log, mailData, nextQueueId, storage } = this.#options
    const { to, language } = await findAdministrators(storage, this.#options)
    if (to.length === 0) return
    const id = nextQueueId()
    const queueId = formatQueueId(id)
    const waiting = await alertKinds[alert.kind].countWaiting(storage, alert)
    const mail = composeAlertMail(alert, { news, waiting, hostname, language, to, at, queueId })
    const own = await storeOwnMessage(mailData, mail, {
      id,
      body: '7BIT',
      smtpUtf8: to.some(needsSmtpUtf8),
      language,
      to,
      at,
      lifetimeMs,
      held,
    })
    const { kind, subject, told } = alert
    const queued = await storage.run(tellAlert, {
      kind,
      subject,
      lastTold: told?.at,
      told: { state: news === 'over' ? 'over' : 'open', at },
      message: own.message,
    })
    // Another server was first; or the queue id is taken, and the next look takes another.
    if (queued !== 'queued') await own.abort()
    else log.info('an alert was told by mail', { alert: kind, subject, news, queueId })
  }
}

/** What is to be told now. */
function newsOf({ seenAt, mendedAt, overAt, told }: Alert, now: number): AlertNews | undefined {
  if (overAt !== undefined) return told?.state === 'open' ? 'over' : undefined
  if (mendedAt !== undefined || (told && now - told.at < remindAfterMs)) return undefined
  if (told?.state !== 'open') return 'raised'
  return seenAt > told.at ? 'lasting' : undefined
}
