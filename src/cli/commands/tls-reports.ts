// postrider tls-reports: what came of TLS with other servers, as this server counted it and as others report it.
import type { Command } from 'commander'
import { formatDomainForPeople, formatDomainsForPeople } from '../../address/parse-domain.ts'
import { dayOf, formatDay } from '../../daily-report/day.ts'
import {
  type KeptTlsReport,
  listReceivedReports,
  listTlsCounts,
  type TlsCount,
} from '../../tls-report/operations.ts'
import { formatColumns } from '../columns.ts'
import type { CommandRun } from '../command.ts'
import { formatTime } from '../quantities.ts'
import { addReportsCommand, tableOf } from '../reports-command.ts'

const maxShown = 1000

export function addTlsReportsCommand(program: Command, run: CommandRun): void {
  addReportsCommand(program, run, {
    usage: 'tls-reports',
    summary: 'Show how TLS with other servers went',
    description:
      'Show how TLS with other servers went: how many connections to each domain kept its policy (DANE, MTA-STS), which did ' +
      'not and why; and what other servers report of their connections to this one (TLS-RPT), with the domain that is ' +
      'proven to have written it (DMARC): what nobody is proven to have written may be anything.',
    examples: ['tls-reports', 'tls-reports --days 30'],
    async read(storage, { days, now, since }) {
      const counts = await storage.run(listTlsCounts, { sinceDay: dayOf(now) - days + 1, limit: maxShown })
      const received = await storage.run(listReceivedReports, { since, limit: maxShown })
      return {
        json: { sent: counts.map(countJson), received: received.map(receivedJson) },
        sections: [
          {
            title: 'Connections of this server to others',
            table: tableOf(counts, countTable),
            none: 'None',
          },
          {
            title: 'What others report of their connections to this server',
            table: tableOf(received, receivedTable),
            none: 'Nothing',
          },
        ],
      }
    },
  })
}

const policyNames = { none: 'none', sts: 'MTA-STS', dane: 'DANE' } as const

function countJson({ day, domain, outcome, sessions }: TlsCount) {
  return { day: formatDay(day), domain, sessions, ...outcome }
}

function receivedJson({ receivedAt, report }: KeptTlsReport) {
  return { receivedAt: new Date(receivedAt).toISOString(), ...report }
}

function countTable(counts: readonly TlsCount[]): string {
  return formatColumns<TlsCount>(
    [
      { title: 'DAY', cell: ({ day }) => formatDay(day) },
      { title: 'DOMAIN', cell: ({ domain }) => formatDomainForPeople(domain) },
      { title: 'POLICY', cell: ({ outcome }) => policyNames[outcome.policy] },
      { title: 'SESSIONS', align: 'right', cell: ({ sessions }) => String(sessions) },
      { title: 'RESULT', cell: ({ outcome }) => describe(outcome.failure, outcome.detail) },
    ],
    counts,
  )
}

interface ReceivedLine {
  readonly receivedAt: number
  readonly from: string
  readonly proven: string
  readonly domain: string
  readonly policy: string
  readonly sessions: number
  readonly result: string
}

function receivedTable(received: readonly KeptTlsReport[]): string {
  const lines = received.flatMap(({ receivedAt, report }) =>
    report.policies.flatMap((policy): ReceivedLine[] => {
      const common = {
        receivedAt,
        from: report.organization,
        proven: report.proven ?? '',
        domain: policy.domain,
        policy: policy.type,
      }
      return [
        { ...common, sessions: policy.successful, result: 'good' },
        ...policy.failures.map(({ type, reason, sessions }) => ({
          ...common,
          sessions,
          result: describe(type, reason),
        })),
        ...(policy.failed > 0 && policy.failures.length === 0
          ? [{ ...common, sessions: policy.failed, result: 'failed' }]
          : []),
      ]
    }),
  )
  return formatColumns<ReceivedLine>(
    [
      { title: 'RECEIVED', cell: ({ receivedAt }) => formatTime(receivedAt) },
      { title: 'FROM', cell: ({ from }) => from },
      { title: 'PROVEN TO BE OF', cell: ({ proven }) => formatDomainForPeople(proven) || 'nobody' },
      { title: 'DOMAIN', cell: ({ domain }) => formatDomainForPeople(domain) },
      { title: 'POLICY', cell: ({ policy }) => policy },
      { title: 'SESSIONS', align: 'right', cell: ({ sessions }) => String(sessions) },
      { title: 'RESULT', cell: ({ result }) => result },
    ],
    lines,
  )
}

function describe(failure: string | undefined, detail: string | undefined): string {
  if (failure === undefined) return 'good'
  return detail === undefined || detail === '' ? failure : `${failure}: ${formatDomainsForPeople(detail)}`
}
