// The life of a lease owner among others: it says that it lives, and finds out when the others have stopped believing it.
import { buryOwners, enterOwner, keepOwner, removeOwner } from '../queue/lease-owners.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Storage } from '../storage/operation.ts'

export interface OwnerLife {
  /** False: others may have what it holds by now, so it finishes nothing. */
  readonly isAlive: boolean
  /** Resolves when it has been buried: what it held is the others'. */
  readonly buried: Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

/** Alone at the queue: nobody else could take anything. */
export const aloneAtQueue: OwnerLife = {
  isAlive: true,
  buried: new Promise(() => {}),
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
}

const beatMs = 5000
/** Three beats may be lost. */
const lifeMs = 16_000
/** So long before the others bury it, it ends by itself. */
const marginMs = 1000

export interface OwnerLifeParts {
  readonly storage: Pick<Storage, 'run'>
  /** The same time for all who share the queue. */
  readonly clock: Clock
  readonly log: Log
  readonly owner: string
}

export class SharedOwnerLife implements OwnerLife {
  readonly buried: Promise<void>
  readonly #parts: OwnerLifeParts
  readonly #tellBuried: () => void
  #aliveUntil = 0
  #timer: Timer | undefined
  #isBeating = false

  constructor(parts: OwnerLifeParts) {
    this.#parts = parts
    const { promise, resolve } = Promise.withResolvers<void>()
    this.buried = promise
    this.#tellBuried = resolve
  }

  get isAlive(): boolean {
    return this.#parts.clock.now() < this.#aliveUntil - marginMs
  }

  async start(): Promise<void> {
    const { clock, owner, storage } = this.#parts
    const aliveUntil = clock.now() + lifeMs
    await storage.run(enterOwner, { owner, aliveUntil })
    this.#aliveUntil = aliveUntil
    this.#timer = clock.every(beatMs, () => void this.#beat())
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    const { log, owner, storage } = this.#parts
    try {
      await storage.run(removeOwner, { owner })
    } catch (cause) {
      log.debug('the owner of leases is left to be buried by others', { reason: String(cause) })
    }
  }

  /** Never rejects. */
  async #beat(): Promise<void> {
    if (this.#isBeating) return
    this.#isBeating = true
    const { clock, log, owner, storage } = this.#parts
    try {
      const aliveUntil = clock.now() + lifeMs
      if (await storage.run(keepOwner, { owner, aliveUntil })) {
        this.#aliveUntil = aliveUntil
        const { owners, released } = await storage.run(buryOwners, { now: clock.now(), except: owner })
        if (owners.length > 0)
          log.warn('others have fallen silent; what they held is due again', {
            owners: owners.join(', '),
            recipients: released,
          })
      } else {
        this.#aliveUntil = 0
        this.#timer?.cancel()
        this.#tellBuried()
      }
    } catch (cause) {
      log.warn('others could not be told that delivery goes on here', { reason: String(cause) })
    }
    this.#isBeating = false
  }
}
