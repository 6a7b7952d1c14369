// Writes outcomes to the queue: whatever came together while the last write was under way goes in one transaction, with
// the reports about it.

import type { GateKey, GatePlace } from '../queue/gates.ts'
import { type ReportsOutdated, type SettlementReport, settle } from '../queue/settle.ts'
import type { Clock } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import type { Random } from '../runtime/random.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import { isOutcomeUnknown, isPassing } from '../storage/storage-fault.ts'
import {
  type Attempted,
  isAttempted,
  type NotAttempted,
  planSettlement,
  type SettlementPlan,
} from './plan-settlement.ts'
import type { ComposeReports } from './reports.ts'
import type { RetrySchedule } from './retry-schedule.ts'
import type { UnwrittenOutcomes } from './unwritten-outcomes.ts'

export interface SettlerOptions {
  readonly storage: Storage
  readonly mailData: MailDataStore
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly owner: string
  readonly schedule: RetrySchedule
  readonly composeReports: ComposeReports
  readonly unwritten: UnwrittenOutcomes
  /** These recipients are no longer this agent's concern. */
  readonly settled: (recipientIds: readonly number[]) => void
  /** Somebody stands in line at a gate now. */
  readonly stands: (gate: GateKey) => void
}

const maxBatch = 500
const firstRetryMs = 1000
const maxRetryMs = 10_000

export class Settler {
  readonly #options: SettlerOptions
  readonly #trouble: LastingTrouble
  #collected: (Attempted | NotAttempted)[] = []
  #flushing = false
  #retryTimer: { cancel: () => void; resolve: () => void } | undefined
  #stopped = false
  readonly #whenFinished: (() => void)[] = []

  constructor(options: SettlerOptions) {
    this.#options = options
    this.#trouble = new LastingTrouble(options.log, {
      begins: 'outcomes cannot be written; waiting',
      ends: 'outcomes are written again',
    })
  }

  add(ended: Attempted | NotAttempted): void {
    this.#collected.push(ended)
    if (isAttempted(ended)) this.#options.unwritten.add(1)
    if (this.#flushing) return
    this.#flushing = true
    // Not at once: what else ends in this turn of the event loop comes along.
    setImmediate(() => void this.#flush())
  }

  /** Gives up waiting for a storage that is not there. */
  stop(): void {
    this.#stopped = true
    this.#retryTimer?.cancel()
    this.#retryTimer?.resolve()
  }

  /** Resolves when nothing is left to write. */
  finished(): Promise<void> {
    if (!this.#flushing) return Promise.resolve()
    return new Promise(resolve => this.#whenFinished.push(resolve))
  }

  async #flush(): Promise<void> {
    while (this.#collected.length > 0) {
      const batch = this.#collected.slice(0, maxBatch)
      this.#collected = this.#collected.slice(maxBatch)
      await this.#settle(batch)
      this.#options.unwritten.written(batch.filter(isAttempted).length)
      for (const gate of gatesOf(batch)) this.#options.stands(gate)
      this.#options.settled(batch.map(({ recipient }) => recipient.id))
    }
    this.#flushing = false
    for (const resolve of this.#whenFinished.splice(0)) resolve()
  }

  /** Never rejects. */
  async #settle(batch: readonly (Attempted | NotAttempted)[]): Promise<void> {
    const { log } = this.#options
    try {
      await this.#write(batch)
    } catch (cause) {
      // It was stopped while the storage was away.
      if (isPassing(cause)) {
        log.warn('outcomes could not be written before the end; what may have arrived is sent again', {
          outcomes: batch.length,
          reason: String(cause),
        })
        return
      }
      if (batch.length === 1) {
        // Its lease runs out and it comes back; nothing is lost.
        log.error(
          'an outcome could not be settled',
          { queueId: batch[0]?.recipient.messageId ?? null },
          cause,
        )
        return
      }
      // One of them spoils the batch: each on its own.
      log.warn('a batch of outcomes could not be settled together', { reason: String(cause) })
      for (const one of batch) await this.#settle([one])
    }
  }

  #plan(batch: readonly (Attempted | NotAttempted)[], now: number): SettlementPlan[] {
    const spreads = new Map<number, number>()
    return batch.map(ended => {
      const { id } = ended.work.message
      let spread = spreads.get(id)
      if (spread === undefined) {
        spread = this.#options.random.fraction()
        spreads.set(id, spread)
      }
      return planSettlement(ended, now, this.#options.schedule, spread)
    })
  }

  /** While the disk is full or the database away the outcomes wait here, and no new work is claimed. */
  async #write(batch: readonly (Attempted | NotAttempted)[]): Promise<void> {
    const now = this.#options.clock.now()
    const plans = this.#plan(batch, now)
    const unsettled = new Set<number>()
    let reports: readonly SettlementReport[] | undefined
    /** They may be queued. */
    let isInDoubt = false
    for (let waitMs = firstRetryMs; ; waitMs = Math.min(2 * waitMs, maxRetryMs)) {
      try {
        reports ??= await this.#composeReports(plans, unsettled, now)
        const outdated = await this.#commit(plans, reports, now)
        this.#trouble.over()
        if (!outdated) return
        await this.#discard(outdated.orphanedFiles)
        reports = undefined
        isInDoubt = false
        for (const id of outdated.unsettled) unsettled.add(id)
      } catch (cause) {
        // The store may have gone away after its commit.
        isInDoubt ||= isOutcomeUnknown(cause)
        if (this.#stopped || !isPassing(cause)) {
          // What a row may name is left to the sweep.
          if (reports && !isInDoubt) await this.#discard(filesOf(reports))
          throw cause
        }
        this.#trouble.hit(cause, '', { settlements: plans.length })
        await this.#wait(waitMs)
      }
    }
  }

  #composeReports(
    plans: readonly SettlementPlan[],
    unsettled: ReadonlySet<number>,
    now: number,
  ): Promise<readonly SettlementReport[]> {
    const settled = plans.filter(({ settlement }) => !unsettled.has(settlement.recipientId))
    return this.#options.composeReports(
      settled.flatMap(plan => plan.report ?? []),
      now,
    )
  }

  async #commit(
    plans: readonly SettlementPlan[],
    reports: readonly SettlementReport[],
    at: number,
  ): Promise<ReportsOutdated | undefined> {
    const { storage, owner, log } = this.#options
    const settlements = plans.map(plan => plan.settlement)
    const settled = await storage.run(settle, { owner, at, settlements, reports })
    if ('unsettled' in settled) return settled
    const { lost, orphanedFiles } = settled
    if (lost > 0) log.warn('recipients were settled by another thread, after the lease had run out', { lost })
    await this.#discard(orphanedFiles)
    return undefined
  }

  #wait(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = this.#options.clock.after(ms, resolve)
      this.#retryTimer = { cancel: () => timer.cancel(), resolve }
    })
  }

  /** Never rejects: what is settled is settled, whatever becomes of files that nothing names. */
  async #discard(names: readonly string[]): Promise<void> {
    if (names.length === 0) return
    try {
      await this.#options.mailData.discard(names)
    } catch (cause) {
      this.#options.log.warn('mail data that nothing refers to is left over', { reason: String(cause) })
    }
  }
}

function gatesOf(batch: readonly (Attempted | NotAttempted)[]): ReadonlySet<GateKey> {
  return new Set(batch.flatMap(ended => placeOf(ended)?.gate ?? []))
}

function placeOf(ended: Attempted | NotAttempted): GatePlace | undefined {
  if (isAttempted(ended)) return ended.place
  return ended.outcome.kind === 'waiting' ? ended.outcome.place : undefined
}

export function filesOf(reports: readonly SettlementReport[]): string[] {
  return reports.flatMap(({ message: { mailData } }) =>
    mailData.location.kind === 'file' ? [mailData.location.name] : [],
  )
}
