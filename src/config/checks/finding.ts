// What `postrider check` has to say about one thing: what it is, what it costs, how to mend it.
import { formatDomainsForPeople } from '../../address/parse-domain.ts'
import type { Fault } from '../../runtime/fault.ts'

export type Severity = 'error' | 'warning' | 'ok'

export interface Finding {
  /** error: the server would not start, or would do harm. warning: it works less well than it could. */
  readonly severity: Severity
  /** 'settings', 'listeners', 'database', 'data folder', 'certificate', 'secrets', 'names', 'smart host', 'log-ins', 'relaying', 'limits', 'source addresses', 'hooks', 'scanners', 'disk' */
  readonly subject: string
  readonly what: string
  /** What goes wrong because of it; '' when all is well. */
  readonly cost: string
  /** What to do; '' when all is well. */
  readonly remedy: string
}

/** An error that a Fault tells of. */
export function findingOf({ what, remedy }: Fault, subject: string, cost: string): Finding {
  return {
    severity: 'error',
    subject,
    what,
    cost,
    remedy: remedy ?? 'Mend what that says, and run "postrider check" again.',
  }
}

export function ok(subject: string, what: string): Finding {
  return { severity: 'ok', subject, what, cost: '', remedy: '' }
}

const marks: Readonly<Record<Severity, string>> = { error: 'ERROR  ', warning: 'warning', ok: 'ok     ' }

export function formatFindings(findings: readonly Finding[]): string {
  const blocks = findings.map(({ severity, subject, what, cost, remedy }) => {
    const lines = [
      `${marks[severity]}  ${subject}: ${formatDomainsForPeople(what).replaceAll('\n', '\n         ')}`,
    ]
    if (cost !== '') lines.push(`         Costs: ${formatDomainsForPeople(cost)}`)
    if (remedy !== '') lines.push(`         Mend:  ${remedy.replaceAll('\n', '\n                ')}`)
    return lines
      .join('\n')
      .split('\n')
      .map(line => line.trimEnd())
      .join('\n')
  })
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const warnings = findings.filter(({ severity }) => severity === 'warning').length
  return [...blocks, '', summary(errors, warnings)].join('\n')
}

const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`

function summary(errors: number, warnings: number): string {
  if (errors + warnings === 0) return 'Nothing is wrong.'
  return `${count(errors, 'error')}, ${count(warnings, 'warning')}.`
}
