// What the examination found, for a person and for programs.
import { formatDomainForPeople, formatDomainsForPeople } from '../address/parse-domain.ts'
import type { Finding, Severity } from './finding.ts'
import type { CheckName, Examined } from './ledger.ts'

export interface Report {
  readonly findings: readonly (Finding & Place)[]
  readonly notChecked: readonly (Place & { readonly because: string })[]
  /** Looked at, and nothing to say. */
  readonly passed: readonly Place[]
}

interface Place {
  readonly check: CheckName
  readonly subject: string
}

export function composeReport(examined: readonly Examined[]): Report {
  return {
    findings: examined.flatMap(({ check, subject, findings }) =>
      findings.map(finding => ({ check, subject, ...finding })),
    ),
    notChecked: examined.flatMap(({ check, subject, notChecked }) =>
      notChecked.map(because => ({ check, subject, because })),
    ),
    passed: examined.flatMap(({ check, subject, findings, notChecked }) =>
      findings.length + notChecked.length === 0 ? [{ check, subject }] : [],
    ),
  }
}

/** Advice is nothing that is wrong. */
export function isAnythingWrong({ findings }: Report): boolean {
  return findings.some(({ severity }) => severity !== 'advice')
}

const marks: Readonly<Record<Severity, string>> = { error: 'ERROR  ', warning: 'warning', advice: 'advice ' }
const indent = '         '

export function formatReport(report: Report): string {
  const { findings, notChecked, passed } = report
  const good = Map.groupBy(passed, ({ check }) => check)
  const blocks = [
    ...[...good].map(
      ([check, places]) =>
        `ok       ${check}: ${places.map(({ subject }) => formatDomainForPeople(subject)).join(', ')}`,
    ),
    ...[...Map.groupBy(notChecked, ({ because }) => because)].map(([because, places]) =>
      formatDomainsForPeople(`-        ${formatPlaces(places)}: not checked, because: ${because}.`),
    ),
    ...findings.map(
      ({ severity, check, subject, what, cost, remedy }) =>
        // What is to be published stays in the letters of the DNS.
        `${formatDomainsForPeople(`${marks[severity]}  ${check} ${subject}: ${what}\n${indent}Costs: ${cost}`)}\n${indent}Mend:  ${remedy}`,
    ),
  ]
  return [...blocks, '', summary(report)].join('\n')
}

/** 'MX, SPF example.test; names mail.example.test' */
function formatPlaces(places: readonly Place[]): string {
  return [...Map.groupBy(places, ({ subject }) => subject)]
    .map(([subject, own]) => `${own.map(({ check }) => check).join(', ')} ${subject}`)
    .join('; ')
}

const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`

function summary({ findings, notChecked }: Report): string {
  const of = (severity: Severity): number => findings.filter(one => one.severity === severity).length
  const wrong =
    of('error') + of('warning') === 0
      ? 'Nothing is wrong'
      : `${count(of('error'), 'error')}, ${count(of('warning'), 'warning')}`
  const rest = notChecked.length === 0 ? '' : ` (${notChecked.length} not checked)`
  return `${wrong}${rest}.`
}
