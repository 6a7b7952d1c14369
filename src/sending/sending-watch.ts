// Counts what accounts send, as it comes and as it ends, and holds the mail of whoever suddenly sends as a stranger with a
// stolen password would. What comes while a write is under way goes with the next.
import type { Clock, Timer } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import { oneAtATime } from '../runtime/one-at-a-time.ts'
import type { Storage } from '../storage/operation.ts'
import { countSending, forgetCorrespondents, type SendingCounts } from './sending-counts.ts'

export interface SendingWatchOptions {
  readonly storage: Pick<Storage, 'run'>
  readonly clock: Clock
  readonly log: Log
  readonly holdsSuspects: boolean
  readonly bulkSenders: readonly string[]
}

interface Sums {
  recipients: number
  ended: number
  failed: number
}

const dayMs = 24 * 3_600_000
/** Accounts in one write. */
const maxAccounts = 200

export class SendingWatch {
  readonly #options: SendingWatchOptions
  readonly #trouble: LastingTrouble
  readonly #sums = new Map<number, Sums>()
  #writing: Promise<void> | undefined
  #timer: Timer | undefined

  constructor(options: SendingWatchOptions) {
    this.#options = options
    this.#trouble = new LastingTrouble(options.log, {
      begins: 'what accounts send is not counted',
      ends: 'what accounts send is counted again',
    })
  }

  note({ accountId, recipients = 0, ended = 0, failed = 0 }: Omit<SendingCounts, 'newRecipients'>): void {
    const sums = this.#sums.get(accountId)
    if (sums) {
      sums.recipients += recipients
      sums.ended += ended
      sums.failed += failed
    } else this.#sums.set(accountId, { recipients, ended, failed })
    this.#writing ??= this.#write()
  }

  /** Forgets, once a day, to whom nothing was written for long: one of the watches does. */
  start(): void {
    const { clock, storage } = this.#options
    const forget = oneAtATime(async () => {
      try {
        await storage.run(forgetCorrespondents, { now: clock.now() })
        this.#trouble.over('forget')
      } catch (cause) {
        this.#trouble.hit(cause, 'forget')
      }
    })
    this.#timer ??= clock.every(dayMs, forget)
    forget()
  }

  stop(): Promise<void> {
    this.#timer?.cancel()
    return this.flush()
  }

  /** Resolves when all is counted that was noted. */
  async flush(): Promise<void> {
    await this.#writing
  }

  /** Never rejects: while the storage is away nothing is counted, and nothing is sent either. */
  async #write(): Promise<void> {
    const { storage, clock, log, holdsSuspects, bulkSenders } = this.#options
    while (this.#sums.size > 0) {
      const counts = [...this.#sums]
        .slice(0, maxAccounts)
        .map(([accountId, sums]) => ({ accountId, ...sums }))
      for (const { accountId } of counts) this.#sums.delete(accountId)
      try {
        const held = await storage.run(countSending, { counts, now: clock.now(), holdsSuspects, bulkSenders })
        this.#trouble.over()
        for (const { account, reason } of held) {
          log.error('the mail of an account is held: it may be in the hands of a stranger', {
            account,
            reason,
            lookWith: 'postrider alerts',
            releaseWith: `postrider account release ${account}`,
          })
        }
      } catch (cause) {
        this.#trouble.hit(cause)
      }
    }
    this.#writing = undefined
  }
}
