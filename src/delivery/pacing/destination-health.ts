// How the servers of one destination take our mail: how many connections at a time they bear, and whether they are to be
// left alone for a while (docs/adr/0013). Their replies drive it.
import type { Clock } from '../../runtime/clock.ts'
import type { Diagnosis } from '../outcome.ts'
import { askedWaitMs } from '../replies/asked-wait.ts'
import { closesDestination, type DeliveryClass } from '../replies/reply-class.ts'

export type ClosureReason =
  /** No server of it could be reached, or let us in. */
  | 'unreachable'
  /** It asked for less, or less often. */
  | 'slow-down'
  /** It wants nothing from us: our name is bad there. */
  | 'suspended'
  /** A limit of our own is used up. */
  | 'limit'

/** While it lasts nothing is sent there; whoever is due stands in line. */
export interface Closure {
  readonly reason: ClosureReason
  readonly until: number
  readonly diagnosis: Diagnosis
}

export interface Refusal {
  /** The last time. */
  readonly at: number
  readonly diagnosis: Diagnosis
}

/** What outlasts a restart. */
export interface HealthRecord {
  readonly closure?: Closure | undefined
  /** It refused mail because of our name, and has taken none since. */
  readonly refusal?: Refusal | undefined
  /** How often in a row it was closed for this. */
  readonly times: Readonly<Partial<Record<ClosureReason, number>>>
}

/** Nothing that somebody who starts anew would not know. */
export function isUnremarkable({ closure, refusal, times }: HealthRecord): boolean {
  return closure === undefined && refusal === undefined && Object.keys(times).length === 0
}

export interface DestinationHealthParts {
  readonly clock: Clock
  readonly maxConnections: number
  /** It has been closed, or is open again. */
  readonly changed: (record: HealthRecord) => void
  readonly known?: HealthRecord | undefined
}

const minuteMs = 60_000

/** The waits for each reason; the last one repeats. */
const waitsMs: Readonly<Record<Exclude<ClosureReason, 'limit'>, readonly number[]>> = {
  // One message finds out each time: soon at first, as a server that is started anew is back in a minute.
  unreachable: [1, 2, 4, 8, 15, 30].map(minutes => minutes * minuteMs),
  'slow-down': [1, 2, 5, 10, 20, 30].map(minutes => minutes * minuteMs),
  suspended: [5, 15, 60, 180, 360].map(minutes => minutes * minuteMs),
}

/** Until a server answers there is one connection, then so many, and one more for each message that is taken. */
const firstConnections = 2
/** Whoever asks for mail to be tried asks for much of it, as a rule: so long that is one request. */
export const requestMs = 10_000
/** So many messages in a row without a complaint make a complaint forgotten. */
const forgiveAfter = 50
/** Whoever waits there would have found something out by then. */
const quietMs = 60 * minuteMs
/** How long nobody asks whether it bears one connection more than it has borne; the last one repeats. */
const oneMoreAfterMs = [10, 20, 40, 60].map(minutes => minutes * minuteMs)

export class DestinationHealth {
  readonly #parts: DestinationHealthParts
  #connections: number
  #closure: Closure | undefined
  #refusal: Refusal | undefined
  readonly #times: Partial<Record<ClosureReason, number>>
  /** It was closed for this, and no message has shown since that it is over. */
  #probation: ClosureReason | undefined
  #takenInARow = 0
  /** Since it was closed last. */
  #takenSinceClosed = 0
  /** It refused one connection more than that. */
  #bears: { readonly connections: number; readonly until: number; readonly times: number } | undefined
  #reopenedAt = -Infinity
  /** When there was something new to remember. */
  #toldAt: number

  constructor(parts: DestinationHealthParts) {
    this.#parts = parts
    this.#connections = 1
    this.#closure = parts.known?.closure
    this.#refusal = parts.known?.refusal
    this.#times = { ...parts.known?.times }
    this.#probation = parts.known?.closure?.reason
    this.#toldAt = parts.clock.now()
  }

  /** So many at a time, now. */
  get connections(): number {
    return Math.min(this.#connections, this.#mostConnections)
  }

  get #mostConnections(): number {
    const { clock, maxConnections } = this.#parts
    if (!this.#bears) return maxConnections
    const { connections, until } = this.#bears
    return Math.min(maxConnections, clock.now() < until ? connections : connections + 1)
  }

  /** undefined: it is open. */
  get closure(): Closure | undefined {
    if (this.#closure && this.#parts.clock.now() >= this.#closure.until) this.#closure = undefined
    return this.#closure
  }

  /** Whoever comes first finds out whether it is open again. */
  get isOnProbation(): boolean {
    return this.#probation !== undefined
  }

  /** What there is to remember of it outlasts this object, or is nothing. */
  get isForgettable(): boolean {
    const record = { closure: this.closure, refusal: this.#refusal, times: this.#times }
    if (isUnremarkable(record)) return true
    return record.closure === undefined && this.#parts.clock.now() - this.#toldAt > quietMs
  }

  /** It has complained of too much, and has not taken enough since for that to be forgotten: one connection finds out. */
  get #isCautious(): boolean {
    return this.#times['slow-down'] !== undefined
  }

  /** A server of it answered and let us in. */
  reached(): void {
    if (!this.#isCautious) this.#connections = Math.max(this.#connections, firstConnections)
    if (this.#times.unreachable === undefined) return
    delete this.#times.unreachable
    if (this.#probation === 'unreachable') this.#probation = undefined
    if (this.#closure?.reason === 'unreachable') this.#closure = undefined
    this.#tell()
  }

  /** `startedAt`: when it was tried; the longer that took, the longer nobody else is made to wait for it. */
  couldNotReach(diagnosis: Diagnosis, startedAt: number): void {
    const tookMs = this.#parts.clock.now() - startedAt
    this.#connections = 1
    this.#close('unreachable', diagnosis, tookMs)
  }

  /** It refused another connection, and goes on taking mail over the `open` ones, at least one. */
  refusedConnection(open: number): void {
    const now = this.#parts.clock.now()
    // Several may have been refused at one time: that is one refusal.
    const same = this.#bears && now < this.#bears.until ? this.#bears : undefined
    const times = same?.times ?? (this.#bears?.times ?? 0) + 1
    const connections = Math.min(open, same?.connections ?? open)
    this.#bears = { connections, until: now + waitAfter(times, oneMoreAfterMs), times }
  }

  took(): void {
    // While it is closed it is what was under way before.
    if (!this.closure) {
      this.#probation = undefined
      this.#takenSinceClosed++
    }
    if (!this.#isCautious && this.#connections < this.#mostConnections) this.#connections++
    this.#takenInARow++
    const isForgiven = this.#takenInARow >= forgiveAfter && this.#forgive()
    // What was under way when it was closed tells nothing of the time after.
    const isAccepted = this.#refusal !== undefined && this.closure?.reason !== 'suspended'
    if (isAccepted) this.#refusal = undefined
    if (isForgiven || isAccepted) this.#tell()
  }

  #forgive(): boolean {
    this.#takenInARow = 0
    const forgiven = (['slow-down', 'suspended'] as const).filter(reason => this.#times[reason] !== undefined)
    for (const reason of forgiven) {
      const times = (this.#times[reason] ?? 0) - 1
      if (times > 0) this.#times[reason] = times
      else delete this.#times[reason]
    }
    return forgiven.length > 0
  }

  /** What a refusal means for all that is to go there; of one recipient, or one message, it says nothing about them. */
  refused(deliveryClass: DeliveryClass, diagnosis: Diagnosis): void {
    if (!closesDestination(deliveryClass)) return
    this.#takenInARow = 0
    if (deliveryClass === 'rate-limited') {
      this.#connections = 1
      this.#close('slow-down', diagnosis)
    } else {
      this.#connections = 1
      this.#refusal = { at: this.#parts.clock.now(), diagnosis }
      this.#close('suspended', diagnosis)
    }
  }

  /** A limit of our own is used up until then. */
  limited(until: number, diagnosis: Diagnosis): void {
    if (this.closure && this.closure.until >= until) return
    this.#closure = { reason: 'limit', until, diagnosis }
  }

  /** It may have been mended. False: that was said a moment ago. */
  reopen(): boolean {
    const now = this.#parts.clock.now()
    if (now < this.#reopenedAt + requestMs) return false
    this.#reopenedAt = now
    if (this.closure && this.closure.reason !== 'limit') {
      this.#closure = undefined
      delete this.#times.unreachable
      this.#tell()
    }
    return true
  }

  #close(reason: Exclude<ClosureReason, 'limit'>, diagnosis: Diagnosis, leastMs = 0): void {
    // Several connections hear the same at one time: that is one complaint.
    if (this.closure?.reason === reason) return
    const times = this.#timesAfter(reason)
    this.#times[reason] = times
    this.#takenSinceClosed = 0
    const waitMs = waitAfter(times, waitsMs[reason])
    const askedMs = diagnosis.reply ? (askedWaitMs(diagnosis.reply) ?? 0) : 0
    const until = this.#parts.clock.now() + Math.max(waitMs, leastMs, askedMs)
    if (this.closure && this.closure.until > until) return
    this.#closure = { reason, until, diagnosis }
    this.#probation = reason
    this.#tell()
  }

  /**
   * Longer each time. Whoever limits how much it takes in a while closes again and again, and takes what it bears between: then
   * the wait was long enough, and a shorter one may be.
   */
  #timesAfter(reason: ClosureReason): number {
    const times = this.#times[reason] ?? 0
    return reason === 'slow-down' && times > 0 && this.#takenSinceClosed > 0
      ? Math.max(1, times - 1)
      : times + 1
  }

  #tell(): void {
    this.#toldAt = this.#parts.clock.now()
    this.#parts.changed({ closure: this.#closure, refusal: this.#refusal, times: { ...this.#times } })
  }
}

/** `times`: from 1. */
function waitAfter(times: number, waits: readonly number[]): number {
  return waits[Math.min(times, waits.length) - 1] ?? minuteMs
}
