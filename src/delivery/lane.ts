// The lane to one destination: messages that wait for it, and workers that each hold at most one connection and
// send one message after the other over it. A worker without work leaves its connection idle for the next message.

import type { ServerLookup } from '../routing/find-servers.ts'
import type { RemoteServer } from '../routing/remote-server.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { ConnectionBudget, ConnectionHolder } from './connection-budget.ts'
import { judgeFailure } from './diagnose.ts'
import { localError, logLocalError } from './local-error.ts'
import { type ConnectionTerms, type OpenConnection, openConnection } from './open-connection.ts'
import type { Diagnosis, NegativeOutcome } from './outcome.ts'
import type { RemoteAttempt } from './remote-attempt.ts'
import type { UnwrittenOutcomes } from './unwritten-outcomes.ts'

export interface LaneOptions {
  readonly clock: Clock
  readonly log: Log
  readonly budget: ConnectionBudget
  /** No transaction is begun while there is no room in it. */
  readonly unwritten: Pick<UnwrittenOutcomes, 'room'>
  readonly terms: ConnectionTerms
  readonly maxConnections: number
  readonly maxRecipientsPerTransaction: number
  /** The servers of the destination, in the order of this attempt. */
  readonly findServers: () => Promise<ServerLookup>
}

/** RFC 5321 asks for no limit; some servers turn nasty after a hundred messages on one connection. */
const maxMessagesPerConnection = 100
/** An idle connection is somebody else's process: not longer than the next message of a burst is likely to come. */
export const idleConnectionMs = 5000
const maxUnreachableMs = 60_000
/** So long a message waits for a connection that is open but busy, before another one is opened for it. */
const overtakeMs = 500

/** A connection that a worker holds, or that is idle. */
interface Held {
  readonly open: OpenConnection
  messages: number
  idleSince: number
}

interface Worker {
  held: Held | undefined
}

export class Lane implements ConnectionHolder {
  readonly #options: LaneOptions
  #waiting: RemoteAttempt[] = []
  /** Index of the first that waits: taking one costs the same however many wait. */
  #first = 0
  readonly #idle: Held[] = []
  readonly #busy = new Set<Held>()
  readonly #transactions = new Set<Promise<unknown>>()
  #workers = 0
  #opening = 0
  #unreachable: { readonly diagnosis: Diagnosis; readonly until: number } | undefined
  /** How often that was to be forgotten: an attempt that began before tells nothing of the time after. */
  #forgotten = 0
  #closed = false

  constructor(options: LaneOptions) {
    this.#options = options
  }

  enqueue(attempt: RemoteAttempt): void {
    if (this.#unreachable && this.#options.clock.now() < this.#unreachable.until) {
      attempt.postpone({ kind: 'postponed', ...this.#unreachable })
      return
    }
    this.#waiting.push(attempt)
    this.#pump()
  }

  /** The destination may have been mended: what comes, and what waits, is tried. */
  forgetUnreachable(): void {
    this.#unreachable = undefined
    this.#forgotten++
  }

  /** Takes away what no worker has begun. */
  abandonWaiting(): readonly RemoteAttempt[] {
    const abandoned = this.#waiting.slice(this.#first)
    this.#waiting = []
    this.#first = 0
    return abandoned
  }

  /** Nothing more is begun. Resolves when the transactions that were under way have failed. */
  async closeAll(): Promise<void> {
    this.#closed = true
    while (this.closeIdle());
    for (const held of this.#busy) held.open.connection.close()
    await Promise.all(this.#transactions)
  }

  closeIdleSince(time: number): void {
    while (this.#idle[0] && this.#idle[0].idleSince <= time) this.closeIdle()
  }

  /** Nothing waits, nothing is open, nothing is remembered. */
  isForgettable(now: number): boolean {
    const remembers = this.#unreachable !== undefined && now < this.#unreachable.until
    return !remembers && this.#workers === 0 && this.#idle.length === 0 && this.#waitingCount() === 0
  }

  closeIdle(): boolean {
    const held = this.#idle.shift()
    if (!held) return false
    if (this.#idle.length === 0) this.#options.budget.hasNoIdle(this)
    this.#end(held)
    this.#options.budget.giveBack()
    return true
  }

  roomAgain(): void {
    this.#pump()
  }

  #waitingCount(): number {
    return this.#waiting.length - this.#first
  }

  #next(): RemoteAttempt | undefined {
    const attempt = this.#waiting[this.#first]
    if (!attempt) return undefined
    this.#first++
    if (this.#first >= 1024 || this.#first === this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#first)
      this.#first = 0
    }
    return attempt
  }

  #pump(): void {
    if (this.#closed) return
    const { budget, maxConnections } = this.#options
    // As many workers on their way as messages wait; a worker that is busy may be faster than a new connection.
    while (this.#waitingCount() > this.#opening) {
      const held = this.#takeIdle()
      if (!held && (this.#workers + this.#idle.length >= maxConnections || !budget.take(this))) return
      void this.#work(held)
    }
  }

  /** The one used last: the others then grow old enough to be closed. */
  #takeIdle(): Held | undefined {
    for (;;) {
      const held = this.#idle.pop()
      if (this.#idle.length === 0) this.#options.budget.hasNoIdle(this)
      if (!held || held.open.connection.usable) return held
      this.#end(held)
      this.#options.budget.giveBack()
    }
  }

  /** Works until nothing waits. It holds one place of the budget, which an idle connection keeps. */
  async #work(idle: Held | undefined): Promise<void> {
    const { budget, clock, log } = this.#options
    const worker: Worker = { held: idle }
    if (idle) this.#busy.add(idle)
    this.#workers++
    // The first is taken before anything is awaited, so that #pump counts right.
    for (let attempt = this.#next(); attempt && !this.#closed; attempt = this.#next()) {
      try {
        await this.#serve(attempt, worker)
        if (!this.#closed) attempt.assertEnded()
      } catch (cause) {
        // One exception costs one attempt. The connection may be anywhere in a transaction.
        logLocalError(log, cause)
        this.#drop(worker)
        attempt.endElsewhere()
        attempt.endPending(localError(cause))
      }
      if (worker.held && worker.held.messages >= maxMessagesPerConnection) {
        this.#drop(worker)
        // Others wait for a place: theirs now, ours again when it is our turn.
        if (budget.someoneWaits) break
      }
    }
    this.#workers--
    const { held } = worker
    if (held && !this.#closed) {
      this.#busy.delete(held)
      held.idleSince = clock.now()
      this.#idle.push(held)
      budget.hasIdle(this)
      if (budget.someoneWaits) this.closeIdle()
    } else {
      this.#drop(worker)
      budget.giveBack()
    }
    this.#pump()
  }

  /**
   * Ends with an outcome for every recipient of the attempt, unless the lane is closed meanwhile; leaves the worker a
   * connection if it is of further use.
   */
  async #serve(attempt: RemoteAttempt, worker: Worker): Promise<void> {
    while (attempt.pending.length > 0) {
      const room = this.#options.unwritten.room()
      if (room) await room
      if (this.#closed) return
      worker.held ??= await this.#open(attempt)
      const { held } = worker
      if (!held) return
      const reused = held.messages > 0
      held.messages++
      const verdict = await this.#transact(attempt, held.open, reused)
      if (verdict === 'stale' || !held.open.connection.usable) this.#drop(worker)
    }
    if (attempt.wantsElsewhere) await this.#serveElsewhere(attempt, worker)
  }

  async #transact(
    attempt: RemoteAttempt,
    open: OpenConnection,
    reused: boolean,
  ): Promise<'served' | 'stale'> {
    const transaction = attempt.transact(open, reused, this.#options.maxRecipientsPerTransaction)
    const ended = transaction.catch(() => {}) // whoever serves the attempt is told
    this.#transactions.add(ended)
    try {
      return await transaction
    } finally {
      this.#transactions.delete(ended)
    }
  }

  async #open(attempt: RemoteAttempt): Promise<Held | undefined> {
    const { clock, findServers, terms } = this.#options
    const started = { at: clock.now(), forgotten: this.#forgotten }
    this.#opening++
    try {
      const found = await findServers()
      if (found.kind !== 'servers') {
        attempt.noteTried(found.hosts)
        this.#couldNotOpen(attempt, { kind: found.kind, diagnosis: found.diagnosis }, started)
        return undefined
      }
      const opened = await openConnection(terms, found.servers, attempt.dialogue)
      if (opened.kind === 'unreachable') {
        attempt.noteTried(opened.triedHosts, opened.tls)
        this.#couldNotOpen(attempt, opened.outcome, started)
        return undefined
      }
      this.#unreachable = undefined
      return this.#hold(opened)
    } finally {
      this.#opening--
      // Who waited for this worker may be served by it soon, or wait long: it has a message of its own.
      if (this.#waitingCount() > 0) clock.after(overtakeMs, () => this.#pump())
    }
  }

  /**
   * The destination cannot be reached: so it is for all that wait for it, else each of them would wait for the same
   * silence in turn. And as long as the vain attempt took, nobody else is tried.
   */
  #couldNotOpen(
    attempt: RemoteAttempt,
    outcome: NegativeOutcome,
    started: { readonly at: number; readonly forgotten: number },
  ): void {
    attempt.endPending(outcome)
    attempt.endElsewhere(outcome)
    if (this.#busy.size > 0 || this.#idle.length > 0 || this.#forgotten > started.forgotten) return
    // What was refused for good is not out of reach: the next message hears it for itself.
    if (outcome.kind === 'failed') return
    const now = this.#options.clock.now()
    const window = Math.min(now - started.at, maxUnreachableMs)
    if (window > 0) this.#unreachable = { diagnosis: outcome.diagnosis, until: now + window }
    for (const waiting of this.abandonWaiting()) waiting.endPending(outcome)
  }

  /** With the place in the budget that the worker has, so without the connection that it has. */
  async #serveElsewhere(attempt: RemoteAttempt, worker: Worker): Promise<void> {
    const { findServers, terms } = this.#options
    this.#drop(worker)
    const found = await findServers()
    let servers: readonly RemoteServer[] = found.kind === 'servers' ? attempt.untried(found.servers) : []
    while (attempt.wantsElsewhere) {
      if (servers.length === 0) {
        attempt.endElsewhere()
        return
      }
      const opened = await openConnection(terms, servers, attempt.dialogue)
      if (opened.kind === 'unreachable') {
        attempt.noteTried(opened.triedHosts, opened.tls)
        attempt.endElsewhere(opened.outcome)
        return
      }
      worker.held = this.#hold(opened)
      attempt.tryElsewhere()
      while (attempt.pending.length > 0) {
        const room = this.#options.unwritten.room()
        if (room) await room
        if (!opened.connection.usable) attempt.endPending(connectionLost(attempt, opened))
        else await this.#transact(attempt, opened, false)
      }
      // The next message asks the servers in their own order again.
      this.#drop(worker)
      servers = attempt.untried(servers)
    }
  }

  #hold(open: OpenConnection): Held {
    const held: Held = { open, messages: 0, idleSince: 0 }
    this.#busy.add(held)
    // Closed while it was opening: what is tried on it fails at once.
    if (this.#closed) open.connection.close()
    return held
  }

  #drop(worker: Worker): void {
    const { held } = worker
    if (!held) return
    worker.held = undefined
    this.#busy.delete(held)
    this.#end(held)
  }

  #end({ open }: Held): void {
    open.record.dialogue = undefined
    if (this.#closed || !open.connection.usable) open.connection.close()
    // QUIT is courtesy (RFC 5321 §4.1.1.10): what becomes of it matters to nobody.
    else open.connection.quit().catch(() => open.connection.close())
  }
}

function connectionLost(attempt: RemoteAttempt, { server }: OpenConnection): NegativeOutcome {
  attempt.dialogue.note('the connection was closed between two transactions')
  const detail = `${server.host} closed the connection before it had taken all recipients`
  return judgeFailure(server, { stage: 'mail', kind: 'closed', detail })
}
