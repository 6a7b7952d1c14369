// All outside scanners at one message, side by side, each within its time. One that is away costs what the settings say and no
// more.
import type { Clock } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import {
  type Advice,
  type Attendance,
  type AttendedRecipient,
  type AttendedTransaction,
  type HeaderFieldToAdd,
  type MessageChanges,
  type Scanner,
  ScannerFault,
  type ScanReport,
  type Specimen,
} from '../scanner/contract.ts'
import type { Reply } from '../smtp/reply.ts'
import type { ScoreLine } from './score.ts'

export interface ScannerPolicy {
  readonly scanner: Scanner
  readonly timeoutMs: number
  /** What becomes of a message that it could not look at. */
  readonly whenDown: 'accept' | 'defer'
  /** What becomes of one that is too large for it. */
  readonly whenTooLarge: 'accept' | 'quarantine' | 'refuse'
  /** Larger messages are not shown to it. */
  readonly maxBytes: number
  /** Its points times this. */
  readonly weight: number
}

/** Who hears whether scanners look at mail. */
export interface ScannerWatch {
  failed(scanner: string, why: string, whenDown: ScannerPolicy['whenDown']): void
  answered(scanner: string): void
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
  readonly #watch: ScannerWatch | undefined

  constructor(
    policies: readonly ScannerPolicy[],
    { clock, log, watch }: { readonly clock: Clock; readonly log: Log; readonly watch?: ScannerWatch },
  ) {
    this.#policies = policies
    this.#clock = clock
    this.#watch = watch
    this.#trouble = new LastingTrouble(log, {
      begins: 'a scanner does not look at mail',
      ends: 'the scanner looks at mail again',
    })
  }

  get areAny(): boolean {
    return this.#policies.length > 0
  }

  /** Some want to hear of each recipient when it is named. */
  get attends(): boolean {
    return this.#policies.some(({ scanner }) => scanner.attend !== undefined)
  }

  /** Those who want to hear of each recipient when it is named; undefined: nobody does. */
  attend(transaction: AttendedTransaction): Attending | undefined {
    const attendances = new Map<ScannerPolicy, Attendance>()
    for (const policy of this.#policies) {
      const attendance = policy.scanner.attend?.(transaction)
      if (attendance) attendances.set(policy, attendance)
    }
    return attendances.size > 0 ? new Attending(attendances, this.#clock) : undefined
  }

  /** Never rejects; in the order of the settings. `attending`: what `attend` gave for this message. */
  async scan(specimen: Specimen, attending?: Attending): Promise<readonly Scan[]> {
    return await Promise.all(this.#policies.map(policy => this.#scanWith(policy, specimen, attending)))
  }

  async #scanWith(
    policy: ScannerPolicy,
    specimen: Specimen,
    attending: Attending | undefined,
  ): Promise<Scan> {
    const { scanner, timeoutMs, maxBytes, whenDown } = policy
    if (specimen.size > maxBytes)
      return tooLarge(
        policy,
        specimen,
        `not shown: it has ${specimen.size} bytes, and ${maxBytes} are the most`,
      )
    try {
      const report = await within(this.#clock, timeoutMs, signal =>
        attending ? attending.scan(policy, specimen, signal) : scanner.scan(specimen, signal),
      )
      this.#trouble.over(scanner.name)
      this.#watch?.answered(scanner.name)
      return { scanner: scanner.name, ...readReport(policy, report) }
    } catch (cause) {
      // What it will never look at is no trouble that passes: later it would be the same.
      if (cause instanceof ScannerFault && cause.code === 'SCANNER_TOO_LARGE')
        return tooLarge(policy, specimen, cause.message)
      this.#trouble.hit(cause, scanner.name)
      const why = cause instanceof Error ? cause.message : String(cause)
      this.#watch?.failed(scanner.name, why, whenDown)
      return notLooked(scanner, whenDown, why)
    }
  }
}

export interface RefusedRecipient {
  readonly scanner: string
  readonly reply: Reply
}

/** The scanners that follow one transaction. */
export class Attending {
  readonly #attendances: ReadonlyMap<ScannerPolicy, Attendance>
  readonly #clock: Clock
  /** What one has come to grief of: the message, when it has come, is told of it, and no recipient is. */
  readonly #faults = new Map<ScannerPolicy, unknown>()

  constructor(attendances: ReadonlyMap<ScannerPolicy, Attendance>, clock: Clock) {
    this.#attendances = attendances
    this.#clock = clock
  }

  /** One after the other: whom the first refuses the next does not hear of. Never rejects. */
  async recipient(recipient: AttendedRecipient): Promise<RefusedRecipient | undefined> {
    for (const [policy, attendance] of this.#attendances) {
      if (this.#faults.has(policy)) continue
      try {
        const reply = await within(this.#clock, policy.timeoutMs, signal =>
          attendance.recipient(recipient, signal),
        )
        if (reply) return { scanner: policy.scanner.name, reply }
      } catch (cause) {
        this.#faults.set(policy, cause)
      }
    }
    return undefined
  }

  /** As that of a Scanner, also by one that does not follow. */
  async scan(policy: ScannerPolicy, specimen: Specimen, signal: AbortSignal): Promise<ScanReport> {
    if (this.#faults.has(policy)) throw this.#faults.get(policy)
    const attendance = this.#attendances.get(policy)
    return await (attendance ?? policy.scanner).scan(specimen, signal)
  }

  close(): void {
    for (const attendance of this.#attendances.values()) attendance.close()
  }
}

async function within<Result>(
  clock: Clock,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const patience = new AbortController()
  const timer = clock.after(timeoutMs, () => patience.abort())
  try {
    return await work(patience.signal)
  } finally {
    timer.cancel()
  }
}

/** Here it is the same each time: nothing that the sender could wait for. */
function tooLarge({ scanner, whenTooLarge }: ScannerPolicy, { size }: Specimen, why: string): Scan {
  const scan = notLooked(scanner, whenTooLarge, why)
  return whenTooLarge === 'accept'
    ? scan
    : { ...scan, text: `it is too large to be looked at (${megabytes.format(size / 1e6)} MB)` }
}

const megabytes = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

function notLooked({ name }: Scanner, advice: Advice, why: string): Scan {
  return { scanner: name, lines: [], advice, headerFields: [], notLooked: why }
}

const adviceWords = {
  mark: 'takes it for spam',
  quarantine: 'wants somebody to look at it first',
  defer: 'puts it off',
  refuse: 'refuses it',
} as const

function adviceLine(
  { name: source }: Scanner,
  advice: keyof typeof adviceWords,
  detail: string | undefined,
): ScoreLine {
  return { source, name: adviceWords[advice], points: 0, ...(detail === undefined ? {} : { detail }) }
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
  const all = isAccounted ? lines : [...lines, { source: scanner.name, name: 'total', points: rest }]
  return {
    advice,
    // Who wanted it shall stand there, though he gives no reason.
    lines: all.length === 0 && advice !== 'accept' ? [adviceLine(scanner, advice, text)] : all,
    headerFields,
    ...(changes === undefined ? {} : { changes }),
    ...(text === undefined ? {} : { text }),
  }
}
