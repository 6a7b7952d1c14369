// Scanners that do not look at mail, as alerts: raised when it is more than a hiccup, again each hour for as long as it lasts,
// and mended when the scanner answers.
import { raisedAgainMs } from '../alert/kinds.ts'
import { listAlerts, noteMended, raiseAlert } from '../alert/operations.ts'
import type { Clock } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import type { ScannerWatch } from '../screening/run-scanners.ts'
import type { Storage } from '../storage/operation.ts'

/** One message may be at fault, or the scanner be reading its rules anew. */
const messagesInARow = 3
/** Where little mail comes, the sender of one message has come again by then. */
const lastingMs = 2 * 60_000

interface Failing {
  readonly since: number
  times: number
  /** When the alert was raised last. */
  raisedAt?: number | undefined
}

export function createScannerAlerts(storage: Pick<Storage, 'run'>, clock: Clock, log: Log): ScannerWatch {
  /** undefined: it has answered the last time; no entry: not asked since the start. */
  const states = new Map<string, Failing | undefined>()
  const trouble = new LastingTrouble(log, {
    begins: 'an alert about a scanner is not kept',
    ends: 'alerts about scanners are kept again',
  })
  let writing = Promise.resolve()
  /** One after the other: what is mended has been raised. */
  const keep = (scanner: string, write: () => Promise<void>, onFailure: () => void): void => {
    writing = writing.then(write).then(
      () => trouble.over(scanner),
      (cause: unknown) => {
        // The next message tries again.
        onFailure()
        trouble.hit(cause, scanner)
      },
    )
  }
  const mend = async (subject: string): Promise<void> => {
    const open = await storage.run(listAlerts, { which: 'lasting' })
    const alert = open.find(one => one.kind === 'scanner-away' && one.subject === subject)
    if (alert) await storage.run(noteMended, { ...alert, mendedAt: clock.now() })
  }
  return {
    failed(scanner, why, whenDown) {
      const at = clock.now()
      const state = states.get(scanner) ?? { since: at, times: 0 }
      states.set(scanner, state)
      state.times++
      const isMore = state.times >= messagesInARow || at - state.since >= lastingMs
      if (!isMore || (state.raisedAt !== undefined && at - state.raisedAt < raisedAgainMs)) return
      state.raisedAt = at
      const found = {
        kind: 'scanner-away',
        subject: scanner,
        at,
        evidence: { detail: why, sort: whenDown },
      } as const
      keep(
        scanner,
        () => storage.run(raiseAlert, found),
        () => (state.raisedAt = undefined),
      )
    },
    answered(scanner) {
      const state = states.get(scanner)
      // Before the start another one may have raised it.
      const mayBeOpen = state ? state.raisedAt !== undefined : !states.has(scanner)
      states.set(scanner, undefined)
      if (mayBeOpen)
        keep(
          scanner,
          () => mend(scanner),
          () => states.delete(scanner),
        )
    },
  }
}
