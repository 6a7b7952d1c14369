// What each check came to, in the order in which it is told.
import { notChecked, type Verdict } from './finding.ts'

export const checkNames = [
  'server',
  'resolver',
  'names',
  'zones',
  'DNSSEC',
  'MX',
  'SPF',
  'DKIM',
  'DMARC',
  'MTA-STS',
  'TLS reports',
  'DANE',
  'mail programs',
  'ports',
  'certificates',
  'relaying',
  'reverse DNS',
  'way out',
  'block lists',
  'clock',
] as const

export type CheckName = (typeof checkNames)[number]

export interface Examined extends Verdict {
  readonly check: CheckName
  /** What was looked at: a domain, a name, an address. */
  readonly subject: string
}

export class Ledger {
  readonly #entries: Examined[] = []

  /** Returns the verdict. */
  add(check: CheckName, subject: string, verdict: Verdict): Verdict {
    this.#entries.push({ check, subject, ...verdict })
    return verdict
  }

  /** Of every check that came to nothing so far: why. */
  fillIn(subject: string, because: string): void {
    for (const check of checkNames)
      if (!this.#entries.some(entry => entry.check === check)) this.add(check, subject, notChecked(because))
  }

  entries(): readonly Examined[] {
    return this.#entries.toSorted(
      (a, b) =>
        checkNames.indexOf(a.check) - checkNames.indexOf(b.check) || a.subject.localeCompare(b.subject, 'en'),
    )
  }
}
