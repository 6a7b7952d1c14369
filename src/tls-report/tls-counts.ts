// Counts what came of TLS with other servers.
import { DailyCounts, type DailyCountsOptions } from '../daily-report/daily-counts.ts'
import type { Storage } from '../storage/operation.ts'
import type { TlsEvidence } from '../tls-policy/server-policy.ts'
import { addTlsCounts } from './operations.ts'
import { outcomeOf, type TlsOutcome } from './tls-outcome.ts'

export interface TlsCountsOptions extends Pick<DailyCountsOptions<TlsOutcome>, 'clock' | 'log'> {
  readonly storage: Storage
}

export class TlsCounts {
  readonly #counts: DailyCounts<TlsOutcome>

  constructor({ storage, clock, log }: TlsCountsOptions) {
    this.#counts = new DailyCounts({
      clock,
      log,
      what: 'TLS connections',
      write: counts =>
        storage.run(
          addTlsCounts,
          counts.map(({ times, ...count }) => ({ ...count, sessions: times })),
        ),
    })
  }

  note(domain: string, evidence: TlsEvidence): void {
    this.#counts.note(domain, outcomeOf(evidence))
  }

  /** Never rejects: what cannot be written now is written later. */
  flush(): Promise<void> {
    return this.#counts.flush()
  }
}
