// The lane to one receiver's servers, from one address of ours: messages that wait for them, and workers that each hold at most one connection and
// send one message after the other over it. A worker without work leaves its connection idle for the next message. Few wait
// here: who comes when there is no room stands in line at a gate, in the queue.

import type { ServerFinder } from '../../routing/find-servers.ts'
import type { RemoteServer } from '../../routing/remote-server.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { Log } from '../../runtime/log.ts'
import { localError, logLocalError } from '../local-error.ts'
import type { NegativeOutcome } from '../outcome.ts'
import { judgeFailure } from '../replies/diagnose.ts'
import { classOf } from '../replies/reply-class.ts'
import { type ConnectionSharing, type PolicyKey, policedDomain } from '../transfer/connection-sharing.ts'
import {
  type ConnectionTerms,
  type NoConnection,
  type OpenConnection,
  openConnection,
} from '../transfer/open-connection.ts'
import type { RemoteAttempt } from '../transfer/remote-attempt.ts'
import type { UnwrittenOutcomes } from '../unwritten-outcomes.ts'
import type { Allowance } from './allowance.ts'
import type { ConnectionBudget, ConnectionHolder } from './connection-budget.ts'
import type { Closure, DestinationHealth } from './destination-health.ts'
import type { ShapingRules } from './shaping.ts'
import type { Source } from './source-pools.ts'

export interface LaneOptions {
  readonly clock: Clock
  readonly log: Log
  readonly budget: ConnectionBudget
  /** No transaction is begun while there is no room in it. */
  readonly unwritten: Pick<UnwrittenOutcomes, 'room'>
  readonly termsOf: (attempt: RemoteAttempt) => ConnectionTerms
  readonly sharing: ConnectionSharing
  readonly rules: ShapingRules
  readonly health: DestinationHealth
  readonly allowance: Allowance
  /** From where its connections come. */
  readonly source: Source
  /** The servers of a destination that can be reached from there, in the order of this attempt. */
  readonly findServers: ServerFinder
  /** 0 … 1: how much of all room for what is under way is left. */
  readonly roomLeft: () => number
  /** More may come. */
  readonly roomAgain: () => void
}

/** An idle connection is somebody else's process: not longer than the next message of a burst is likely to come. */
export const idleConnectionMs = 5000
/** So long a message waits for a connection that is open but busy, before another one is opened for it. */
const overtakeMs = 500

/** So many may wait for each connection, so that it never runs dry. */
const roomForEach = 5

/** A connection that a worker holds, or that is idle. */
interface Held {
  readonly open: OpenConnection
  /** What it was checked for. */
  readonly policyKey: PolicyKey
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
  #pulse = new Pulse()
  /** An attempt that began before one of them tells nothing of the time after. */
  #reopenings = 0
  /** The end of a span that is used up. */
  #limitTimer: Timer | undefined
  #closed = false

  constructor(options: LaneOptions) {
    this.#options = options
  }

  /** The address of ours from which its connections come; undefined: the system chooses. */
  get source(): string | undefined {
    return this.#options.source.address
  }

  get closure(): Closure | undefined {
    return this.#options.health.closure
  }

  /** So many messages may come. */
  get room(): number {
    if (this.closure || this.#closed) return 0
    // One finds out, for all.
    if (this.#options.health.isOnProbation) return this.#workers + this.#waitingCount() > 0 ? 0 : 1
    return Math.max(0, this.#wanted - this.#waitingCount())
  }

  /** The same for whoever stands in line, in portions: each taking is a transaction. */
  get roomForLine(): number {
    return this.#waitingCount() > this.#wanted / 2 ? 0 : this.room
  }

  /** So many may wait. What was taken a moment ago tells how fast more will leave, where others leave room for them. */
  get #wanted(): number {
    const { clock, health, roomLeft } = this.#options
    return roomForEach * health.connections + Math.floor(this.#pulse.recent(clock.now()) * roomLeft())
  }

  enqueue(attempt: RemoteAttempt): void {
    attempt.source = this.source
    this.#waiting.push(attempt)
    this.#pump()
  }

  /** The destination may have been mended: one message finds out. */
  reopen(): void {
    if (this.#options.health.reopen()) this.#reopenings++
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
    this.#limitTimer?.cancel()
    while (this.closeIdle());
    for (const held of this.#busy) held.open.connection.close()
    await Promise.all(this.#transactions)
    await this.giveBackAllowance()
  }

  /** Never rejects. */
  async giveBackAllowance(): Promise<void> {
    const { allowance, log } = this.#options
    await allowance.close().catch((cause: unknown) => {
      log.debug('an allowance that was not used is lost', { reason: String(cause) })
    })
  }

  closeIdleSince(time: number): void {
    while (this.#idle[0] && this.#idle[0].idleSince <= time) this.closeIdle()
  }

  /** Nothing waits, nothing is open, nothing is remembered here alone. */
  get isForgettable(): boolean {
    const { health } = this.#options
    return (
      health.isForgettable && this.#workers === 0 && this.#idle.length === 0 && this.#waitingCount() === 0
    )
  }

  closeIdle(): boolean {
    const held = this.#idle.shift()
    if (!held) return false
    if (this.#idle.length === 0) this.#options.budget.hasNoIdle(this)
    this.#end(held)
    this.#options.budget.giveBack(this)
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
    const { budget, health } = this.#options
    // As many workers on their way as messages wait; a worker that is busy may be faster than a new connection.
    while (this.#waitingCount() > this.#opening) {
      const held = this.#takeIdle(this.#waiting[this.#first])
      if (!held && (this.#workers + this.#idle.length >= health.connections || !budget.take(this))) return
      void this.#work(held)
    }
  }

  /**
   * One that was opened for the domain of `next`; else any, for its place: whoever serves the message sees whether the
   * connection fits. The one used last, as the others then grow old enough to be closed.
   */
  #takeIdle(next: RemoteAttempt | undefined): Held | undefined {
    const key = next && policedDomain(next)
    for (;;) {
      const fitting = this.#idle.findLastIndex(({ policyKey }) => policyKey === key)
      const [held] = this.#idle.splice(fitting, 1) // -1: the last
      if (this.#idle.length === 0) this.#options.budget.hasNoIdle(this)
      if (!held || held.open.connection.usable) return held
      this.#end(held)
      this.#options.budget.giveBack(this)
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
        if ((await this.#serve(attempt, worker)) === 'waits') {
          this.#waiting.splice(this.#first, 0, attempt)
          break
        }
        if (!this.#closed) attempt.assertEnded()
      } catch (cause) {
        // One exception costs one attempt. The connection may be anywhere in a transaction.
        logLocalError(log, cause)
        this.#drop(worker)
        attempt.endElsewhere()
        attempt.endPending(localError(cause))
      }
      if (this.room > 0) this.#options.roomAgain()
      if (this.#isUsedUp(worker.held)) {
        this.#drop(worker)
        // Others wait for a place: theirs now, ours again when it is our turn.
        if (budget.someoneWaits) break
      }
      if (budget.hasMoreThanItsShare(this)) break
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
      budget.giveBack(this)
    }
    this.#pump()
    if (this.room > 0) this.#options.roomAgain()
  }

  /**
   * Ends with an outcome for every recipient of the attempt, unless the lane is closed meanwhile, or it 'waits' for one of
   * the connections that there are; leaves the worker a connection if it is of further use.
   */
  async #serve(attempt: RemoteAttempt, worker: Worker): Promise<'waits' | 'ended'> {
    const { sharing, unwritten } = this.#options
    while (attempt.pending.length > 0) {
      const room = unwritten.room()
      if (room) await room
      if (worker.held && !(await sharing.fits(worker.held.policyKey, attempt))) this.#drop(worker)
      if (this.#closed) return 'ended'
      // Closed meanwhile, by what another message met.
      if (this.closure && !attempt.isSuspect) {
        attempt.standAtGate()
        return 'ended'
      }
      // A message for many takes several transactions: it may be used up in the middle of them.
      if (this.#isUsedUp(worker.held)) this.#drop(worker)
      // Before there is a connection: one that has nothing to send is a burden to the other server.
      const most = await this.#allow(attempt)
      if (most === 0) return 'ended'
      const held = this.#closed ? 'ended' : (worker.held ?? (await this.#open(attempt)))
      if (held === 'waits' || held === 'ended') {
        this.#options.allowance.putBack(most)
        return held
      }
      worker.held = held
      const reused = held.messages > 0
      held.messages++
      // Why mail does not go to the preferred server is asked of each message, and not of the first on a connection.
      if (reused) attempt.notePassed(held.open.passed)
      const verdict = await this.#transact(attempt, held.open, reused, most)
      if (verdict === 'stale' || !held.open.connection.usable) this.#drop(worker)
    }
    if (!attempt.wantsElsewhere) return 'ended'
    // Another of its servers is the same receiver, which has just asked to be left alone.
    if (this.closure && !attempt.isSuspect) attempt.endElsewhere()
    else await this.#serveElsewhere(attempt, worker)
    return 'ended'
  }

  /** For so many recipients its limits leave room; 0: none, and it stands in line. */
  async #allow(attempt: RemoteAttempt): Promise<number> {
    const { allowance, clock, health, rules } = this.#options
    const wanted = Math.min(attempt.pending.length, rules.maxRecipientsPerTransaction, attempt.mostAtOnce)
    const { granted, moreAt, diagnosis } = await allowance.take(wanted)
    if (moreAt !== undefined && diagnosis) {
      health.limited(moreAt, diagnosis)
      this.#limitTimer?.cancel()
      this.#limitTimer = clock.after(moreAt - clock.now(), () => this.#options.roomAgain())
    }
    if (granted === 0) {
      attempt.standAtGate()
      this.#standWaiting()
    }
    return granted
  }

  /** All that nobody has begun. */
  #standWaiting(): void {
    for (const waiting of this.abandonWaiting()) waiting.standAtGate()
  }

  async #transact(
    attempt: RemoteAttempt,
    open: OpenConnection,
    reused: boolean,
    most: number,
  ): Promise<'served' | 'stale'> {
    const transaction = attempt.transact(open, reused, most)
    const ended = transaction.catch(() => {}) // whoever serves the attempt is told
    this.#transactions.add(ended)
    try {
      const { verdict, asked } = await transaction
      this.#options.allowance.putBack(most - asked)
      this.#learn(attempt)
      return verdict
    } finally {
      this.#transactions.delete(ended)
    }
  }

  /** What the replies to a transaction say of the destination. */
  #learn(attempt: RemoteAttempt): void {
    const { clock, health } = this.#options
    const { taken, refused } = attempt.takeReplies()
    if (taken > 0) {
      health.took()
      this.#pulse.beat(clock.now())
    }
    for (const diagnosis of refused) health.refused(classOf(diagnosis), diagnosis)
    if (this.closure) this.#standWaiting()
  }

  async #open(attempt: RemoteAttempt): Promise<Held | 'waits' | 'ended'> {
    const { clock, findServers, termsOf } = this.#options
    const started = { at: clock.now(), reopenings: this.#reopenings }
    this.#opening++
    try {
      const found = await findServers(attempt.destination)
      if (this.#closed) return 'ended'
      attempt.noteLookup(found.lookup)
      if (found.kind !== 'servers') {
        attempt.noteTried(found.hosts)
        return this.#couldNotOpen(
          attempt,
          { outcome: { kind: found.kind, diagnosis: found.diagnosis } },
          started,
        )
      }
      const terms = { ...termsOf(attempt), isOver: () => this.#closed }
      const opened = await openConnection(terms, found.servers, attempt.dialogue)
      if (opened.kind === 'unreachable') {
        attempt.noteTried(opened.triedHosts, opened.tls)
        attempt.notePassed(opened.passed)
        return this.#couldNotOpen(attempt, opened, started)
      }
      this.#options.health.reached()
      return this.#hold(opened, attempt)
    } finally {
      this.#opening--
      // Who waited for this worker may be served by it soon, or wait long: it has a message of its own.
      if (this.#waitingCount() > 0) clock.after(overtakeMs, () => this.#pump())
    }
  }

  /**
   * The destination cannot be reached: so it is for all that wait for it, else each of them would wait for the same
   * silence in turn.
   */
  #couldNotOpen(
    attempt: RemoteAttempt,
    { outcome, isPolicy = false }: Pick<NoConnection, 'outcome'> & Partial<Pick<NoConnection, 'isPolicy'>>,
    started: { readonly at: number; readonly reopenings: number },
  ): 'waits' | 'ended' {
    const { health } = this.#options
    const open = this.#busy.size + this.#idle.length
    const deliveryClass = classOf(outcome.diagnosis)
    // It bears those that are open, and one of them takes this message when it is its turn.
    if (deliveryClass === 'rate-limited' && open > 0 && outcome.kind === 'deferred' && !attempt.isSuspect) {
      health.refusedConnection(open)
      return 'waits'
    }
    // What the TLS policy of its domain forbids tells nothing of others: they have the same servers.
    if (!isPolicy && this.#reopenings === started.reopenings) {
      health.refused(deliveryClass, outcome.diagnosis)
      // What was refused for good is not out of reach: the next message hears it for itself.
      const isOutOfReach = open === 0 && outcome.kind === 'deferred'
      if (isOutOfReach && !health.closure) health.couldNotReach(outcome.diagnosis, started.at)
    }
    attempt.endPending(outcome, this.closure && attempt.gate?.key)
    attempt.endElsewhere(outcome)
    if (this.closure) this.#standWaiting()
    return 'ended'
  }

  #isUsedUp(held: Held | undefined): boolean {
    return held !== undefined && held.messages >= this.#options.rules.maxMessagesPerConnection
  }

  /** With the place in the budget that the worker has, so without the connection that it has. */
  async #serveElsewhere(attempt: RemoteAttempt, worker: Worker): Promise<void> {
    const { findServers, termsOf } = this.#options
    this.#drop(worker)
    const found = await findServers(attempt.destination)
    attempt.noteLookup(found.lookup)
    let servers: readonly RemoteServer[] = found.kind === 'servers' ? attempt.untried(found.servers) : []
    while (attempt.wantsElsewhere) {
      if (servers.length === 0) {
        attempt.endElsewhere()
        return
      }
      const opened = await openConnection(termsOf(attempt), servers, attempt.dialogue)
      if (opened.kind === 'unreachable') {
        attempt.noteTried(opened.triedHosts, opened.tls)
        attempt.notePassed(opened.passed)
        attempt.endElsewhere(opened.outcome)
        return
      }
      let held = this.#hold(opened, attempt)
      worker.held = held
      attempt.tryElsewhere()
      while (attempt.pending.length > 0) {
        const room = this.#options.unwritten.room()
        if (room) await room
        if (this.#isUsedUp(held)) {
          this.#drop(worker)
          const again = await openConnection(termsOf(attempt), [opened.server], attempt.dialogue)
          if (again.kind === 'unreachable') {
            attempt.endPending(again.outcome)
            break
          }
          held = this.#hold(again, attempt)
          worker.held = held
        }
        if (!held.open.connection.usable) attempt.endPending(connectionLost(attempt, held.open))
        else {
          const most = await this.#allow(attempt)
          held.messages++
          if (most > 0) await this.#transact(attempt, held.open, false, most)
        }
      }
      // The next message asks the servers in their own order again.
      this.#drop(worker)
      servers = attempt.untried(servers)
    }
  }

  #hold(open: OpenConnection, attempt: RemoteAttempt): Held {
    attempt.notePassed(open.passed)
    const held: Held = { open, policyKey: policedDomain(attempt), messages: 0, idleSince: 0 }
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

/** What left within the last seconds. */
class Pulse {
  #second = 0
  #now = 0
  #before = 0

  beat(now: number): void {
    this.#turn(now)
    this.#now++
  }

  recent(now: number): number {
    this.#turn(now)
    return this.#now + this.#before
  }

  #turn(now: number): void {
    const second = Math.floor(now / 1000)
    if (second === this.#second) return
    this.#before = second === this.#second + 1 ? this.#now : 0
    this.#now = 0
    this.#second = second
  }
}

function connectionLost(attempt: RemoteAttempt, { server }: OpenConnection): NegativeOutcome {
  attempt.dialogue.note('the connection was closed between two transactions')
  const detail = `${server.host} closed the connection before it had taken all recipients`
  return judgeFailure(server, { stage: 'mail', kind: 'closed', detail })
}
