// The life of a lease owner among others: it says that it lives, learns which part of the queue is its own, and finds out
// when the others have stopped believing it.
import { buryOwners, enterOwner, keepOwner, removeOwner, retireOwner } from '../queue/lease-owners.ts'
import { shardsOf } from '../queue/shards.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import { oneAtATime } from '../runtime/one-at-a-time.ts'
import type { Storage } from '../storage/operation.ts'

export interface OwnerLife {
  /** False: others may have what it holds by now, so it finishes nothing. */
  readonly isAlive: boolean
  /** The parts of the queue that it takes from; undefined: all. */
  readonly shards: readonly number[] | undefined
  /** Resolves when it has been buried: what it held is the others'. */
  readonly buried: Promise<void>
  /** `sharesChanged` is called whenever `shards` is another from now on. */
  start(sharesChanged: () => void): Promise<void>
  /** It will take no more, and finishes what it holds. Never rejects. */
  retire(): Promise<void>
  /** Never rejects. */
  stop(): Promise<void>
}

/** Alone at the queue: nobody else could take anything. */
export const aloneAtQueue: OwnerLife = {
  isAlive: true,
  shards: undefined,
  buried: new Promise(() => {}),
  start: () => Promise.resolve(),
  retire: () => Promise.resolve(),
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
  /** Set when all mail for elsewhere has this one destination. */
  readonly onlyDestination?: string | undefined
}

export class SharedOwnerLife implements OwnerLife {
  readonly buried: Promise<void>
  readonly #parts: OwnerLifeParts
  readonly #tellBuried: () => void
  readonly #trouble: LastingTrouble
  #sharesChanged: () => void = () => {}
  #aliveUntil = 0
  /** It has said so without a break since then. */
  #heardSince = 0
  #owners = ''
  #shards: readonly number[] | undefined
  #timer: Timer | undefined
  readonly #buryOthers = oneAtATime(() => this.#bury())

  constructor(parts: OwnerLifeParts) {
    this.#parts = parts
    this.#trouble = new LastingTrouble(parts.log, {
      begins: 'others cannot be told that delivery goes on here',
      ends: 'others are told again that delivery goes on here',
    })
    const { promise, resolve } = Promise.withResolvers<void>()
    this.buried = promise
    this.#tellBuried = resolve
  }

  get isAlive(): boolean {
    return this.#parts.clock.now() < this.#aliveUntil - marginMs
  }

  get shards(): readonly number[] | undefined {
    return this.#shards
  }

  async start(sharesChanged: () => void): Promise<void> {
    const { clock, owner, storage } = this.#parts
    this.#sharesChanged = sharesChanged
    const now = clock.now()
    await storage.run(enterOwner, { owner, aliveUntil: now + lifeMs })
    await this.#keep(now)
    this.#heardSince = clock.now()
    this.#timer = clock.every(
      beatMs,
      oneAtATime(() => this.#beat()),
    )
  }

  async retire(): Promise<void> {
    const { log, owner, storage } = this.#parts
    try {
      await storage.run(retireOwner, { owner })
    } catch (cause) {
      log.debug('others wait until the owner of leases has ended', { reason: String(cause) })
    }
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
    const { clock } = this.#parts
    try {
      const believedUntil = this.#aliveUntil
      if (await this.#keep(clock.now())) {
        this.#trouble.over('beat')
        const heardAt = clock.now()
        // After an outage, in which a beat may wait to its end, the others have been silent too, and say first that they live.
        if (heardAt > believedUntil - marginMs || !this.isAlive) this.#heardSince = heardAt
        if (heardAt - this.#heardSince >= lifeMs - marginMs) this.#buryOthers()
      } else {
        this.#aliveUntil = 0
        this.#timer?.cancel()
        this.#tellBuried()
      }
    } catch (cause) {
      this.#trouble.hit(cause, 'beat')
    }
  }

  /**
   * Apart from the beat, which must not wait: what a silent one held may be locked by it until the database gives its
   * transaction up. Never rejects.
   */
  async #bury(): Promise<void> {
    const { clock, log, owner, storage } = this.#parts
    try {
      const { owners, released } = await storage.run(buryOwners, { now: clock.now(), except: owner })
      this.#trouble.over('burial')
      if (owners.length > 0)
        log.warn('others have fallen silent; what they held is due again', {
          owners: owners.join(', '),
          recipients: released,
        })
    } catch (cause) {
      this.#trouble.hit(cause, 'burial')
    }
  }

  /** False when it has been buried. */
  async #keep(now: number): Promise<boolean> {
    const { onlyDestination, owner, storage } = this.#parts
    const aliveUntil = now + lifeMs
    const owners = await storage.run(keepOwner, { owner, now, aliveUntil })
    if (!owners) return false
    this.#aliveUntil = aliveUntil
    const names = owners.join(' ')
    if (names !== this.#owners) {
      this.#owners = names
      this.#shards = shardsOf({ owner, owners, onlyDestination })
      this.#sharesChanged()
    }
    return true
  }
}
