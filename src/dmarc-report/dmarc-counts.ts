// Counts what came of DMARC for mail of strangers.
import { DailyCounts, type DailyCountsOptions } from '../daily-report/daily-counts.ts'
import type { Storage } from '../storage/operation.ts'
import { type DmarcOutcome, type JudgedMessage, outcomeOf } from './dmarc-outcome.ts'
import { addDmarcCounts } from './operations.ts'

export interface DmarcCountsOptions extends Pick<DailyCountsOptions<DmarcOutcome>, 'clock' | 'log'> {
  readonly storage: Storage
}

export class DmarcCounts {
  readonly #counts: DailyCounts<DmarcOutcome>

  constructor({ storage, clock, log }: DmarcCountsOptions) {
    this.#counts = new DailyCounts({
      clock,
      log,
      what: 'DMARC results',
      write: counts => storage.run(addDmarcCounts, counts),
    })
  }

  note(message: JudgedMessage): void {
    const reportable = outcomeOf(message)
    if (reportable) this.#counts.note(reportable.domain, reportable.outcome)
  }

  /** Never rejects: what cannot be written now is written later. */
  flush(): Promise<void> {
    return this.#counts.flush()
  }
}
