// All outside scanners at one message, side by side, each within its time. One that is away costs what the settings say and no
// more.
import type { Clock } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import {
  type Advice,
  type HeaderFieldToAdd,
  type MessageChanges,
  type Scanner,
  ScannerFault,
  type ScanReport,
  type Specimen,
} from '../scanner/contract.ts'
import type { ScoreLine } from './score.ts'

export interface ScannerPolicy {
  readonly scanner: Scanner
  readonly timeoutMs: number
  /** What becomes of a message that it could not look at. */
  readonly whenDown: 'accept' | 'defer'
  /** Larger messages are not shown to it. */
  readonly maxBytes: number
  /** Its points times this. */
  readonly weight: number
}

/** What one scanner came to. */
export interface Scan {
  readonly scanner: string
  readonly lines: readonly ScoreLine[]
  readonly advice: Advice
  /** For the sender. */
  readonly text?: string | undefined
  readonly headerFields: readonly HeaderFieldToAdd[]
  readonly changes?: MessageChanges | undefined
  /** Why it did not look; `advice` is then what the settings say. */
  readonly notLooked?: string | undefined
}

export class Scanners {
  readonly #policies: readonly ScannerPolicy[]
  readonly #clock: Clock
  readonly #trouble: LastingTrouble

  constructor(
    policies: readonly ScannerPolicy[],
    { clock, log }: { readonly clock: Clock; readonly log: Log },
  ) {
    this.#policies = policies
    this.#clock = clock
    this.#trouble = new LastingTrouble(log, {
      begins: 'a scanner does not look at mail',
      ends: 'the scanner looks at mail again',
    })
  }

  get areAny(): boolean {
    return this.#policies.length > 0
  }

  /** Never rejects; in the order of the settings. */
  async scan(specimen: Specimen): Promise<readonly Scan[]> {
    return await Promise.all(this.#policies.map(policy => this.#scanWith(policy, specimen)))
  }

  async #scanWith(policy: ScannerPolicy, specimen: Specimen): Promise<Scan> {
    const { scanner, timeoutMs, maxBytes, whenDown } = policy
    if (specimen.size > maxBytes)
      return notLooked(
        scanner,
        'accept',
        `not shown: it has ${specimen.size} bytes, and ${maxBytes} are the most`,
      )
    const patience = new AbortController()
    const timer = this.#clock.after(timeoutMs, () => patience.abort())
    try {
      const report = await scanner.scan(specimen, patience.signal)
      this.#trouble.over(scanner.name)
      return { scanner: scanner.name, ...readReport(policy, report) }
    } catch (cause) {
      // What it will never look at is no trouble that passes: later it would be the same.
      if (cause instanceof ScannerFault && cause.code === 'SCANNER_TOO_LARGE')
        return notLooked(scanner, 'accept', cause.message)
      this.#trouble.hit(cause, scanner.name)
      return notLooked(scanner, whenDown, cause instanceof Error ? cause.message : String(cause))
    } finally {
      timer.cancel()
    }
  }
}

function notLooked({ name }: Scanner, advice: Advice, why: string): Scan {
  return { scanner: name, lines: [], advice, headerFields: [], notLooked: why }
}

function readReport(
  { scanner, weight }: ScannerPolicy,
  { advice, changes, score, findings, text, headerFields = [] }: ScanReport,
): Omit<Scan, 'scanner'> {
  const lines = findings.map(
    ({ name, score: points = 0, detail }): ScoreLine => ({
      source: scanner.name,
      name,
      points: points * weight,
      ...(detail === undefined ? {} : { detail }),
    }),
  )
  // What its rules do not account for.
  const rest = (score ?? 0) * weight - lines.reduce((sum, { points }) => sum + points, 0)
  const isAccounted = Math.abs(rest) < 0.05
  return {
    advice,
    lines: isAccounted ? lines : [...lines, { source: scanner.name, name: 'total', points: rest }],
    headerFields,
    ...(changes === undefined ? {} : { changes }),
    ...(text === undefined ? {} : { text }),
  }
}
