// The maildrops that the sessions of a thread have: locked while they last, and for a quarter of a minute longer where the thread
// dies (RFC 1939 §4, docs/adr/0034).

import type { OpenMailbox } from '../mailbox/mailbox-row.ts'
import {
  lockMaildrop,
  type MaildropLock,
  renewMaildropLocks,
  unlockMaildrop,
} from '../mailbox/maildrop-locks.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import { oneAtATime } from '../runtime/one-at-a-time.ts'
import type { Random } from '../runtime/random.ts'
import type { Storage } from '../storage/operation.ts'

const renewMs = 5000
/** Three renewals may be lost. */
const lifeMs = 16_000

export interface MaildropLeasesParts {
  readonly storage: Pick<Storage, 'run'>
  /** The same time for all who share the storage. */
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export interface HeldMaildrop {
  readonly lock: MaildropLock
  readonly mailbox: OpenMailbox
}

export class MaildropLeases {
  readonly #parts: MaildropLeasesParts
  readonly #owner: string
  readonly #trouble: LastingTrouble
  readonly #held = new Set<string>()
  readonly #releasing = new Set<Promise<void>>()
  #lastToken = 0
  #timer: Timer | undefined
  readonly #renew = oneAtATime(() => this.#renewAll())

  constructor(parts: MaildropLeasesParts) {
    this.#parts = parts
    this.#owner = Buffer.from(parts.random.bytes(12)).toString('hex')
    this.#trouble = new LastingTrouble(parts.log, {
      begins: 'the locks of POP3 sessions cannot be renewed: others may take their mailboxes over',
      ends: 'the locks of POP3 sessions are renewed again',
    })
  }

  async take(accountId: number): Promise<HeldMaildrop | 'in-use'> {
    const { clock, storage } = this.#parts
    const now = clock.now()
    const token = String(++this.#lastToken)
    const lock = { accountId, owner: this.#owner, token }
    this.#hold(token)
    try {
      const locked = await storage.run(lockMaildrop, { lock, expiresAt: now + lifeMs, now })
      if (locked.kind === 'locked') return { lock, mailbox: locked.mailbox }
      this.forget(lock)
      return 'in-use'
    } catch (cause) {
      // Whether it was written is not always known.
      void this.release(lock)
      throw cause
    }
  }

  #hold(token: string): void {
    this.#held.add(token)
    this.#timer ??= this.#parts.clock.every(renewMs, this.#renew)
  }

  /** It is nobody's already. */
  forget({ token }: MaildropLock): void {
    this.#held.delete(token)
    if (this.#held.size > 0) return
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** Never rejects: what cannot be released runs out. */
  release(lock: MaildropLock): Promise<void> {
    this.forget(lock)
    const releasing = this.#unlock(lock).finally(() => this.#releasing.delete(releasing))
    this.#releasing.add(releasing)
    return releasing
  }

  async #unlock(lock: MaildropLock): Promise<void> {
    const { log, storage } = this.#parts
    try {
      await storage.run(unlockMaildrop, lock)
    } catch (cause) {
      log.debug('the lock of a POP3 session is left to run out', { reason: String(cause) })
    }
  }

  /** Never rejects. */
  async #renewAll(): Promise<void> {
    const { clock, storage } = this.#parts
    try {
      await storage.run(renewMaildropLocks, { owner: this.#owner, expiresAt: clock.now() + lifeMs })
      this.#trouble.over()
    } catch (cause) {
      this.#trouble.hit(cause)
    }
  }

  /** After the sessions have ended. Never rejects. */
  async close(): Promise<void> {
    this.#timer?.cancel()
    await Promise.all(this.#releasing)
  }
}
