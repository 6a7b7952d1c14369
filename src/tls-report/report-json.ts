// The report itself (RFC 8460 §4.4), composed of our counts; and what is kept of those that others send.
import { dayMs, formatDay } from '../daily-report/day.ts'
import { type ReportFrame, reportId } from '../daily-report/report-frame.ts'
import type { TlsCount } from './operations.ts'

/** `counts` are of the day and domain of the frame. */
export function composeReportJson(frame: ReportFrame, counts: readonly TlsCount[]): string {
  const { hostname, day, domain } = frame
  const groups = new Map<string, TlsCount[]>()
  for (const count of counts) {
    const { policy, terms, hosts } = count.outcome
    const key = JSON.stringify([policy, terms, hosts])
    const group = groups.get(key)
    if (group) group.push(count)
    else groups.set(key, [count])
  }
  const report = {
    'organization-name': hostname,
    'date-range': {
      'start-datetime': `${formatDay(day)}T00:00:00Z`,
      'end-datetime': new Date((day + 1) * dayMs - 1000).toISOString().replace('.000Z', 'Z'),
    },
    'contact-info': `postmaster@${hostname}`,
    'report-id': reportId(frame),
    policies: [...groups.values()].map(group => composePolicy(domain, group)),
  }
  return `${JSON.stringify(report, null, 2)}\n`
}

function composePolicy(domain: string, group: readonly TlsCount[]) {
  const failures = group.filter(({ outcome }) => outcome.failure !== undefined)
  const all = sum(group)
  return {
    policy: describePolicy(domain, group[0]),
    summary: {
      'total-successful-session-count': all - sum(failures),
      'total-failure-session-count': sum(failures),
    },
    ...(failures.length > 0 ? { 'failure-details': failures.map(composeFailure) } : {}),
  }
}

function sum(counts: readonly TlsCount[]): number {
  return counts.reduce((total, { sessions }) => total + sessions, 0)
}

function describePolicy(domain: string, count: TlsCount | undefined) {
  const { policy = 'none', terms = [], hosts = [] } = count?.outcome ?? {}
  switch (policy) {
    case 'none':
      return { 'policy-type': 'no-policy-found', 'policy-domain': domain }
    case 'sts': {
      const [mode = '', , maxAge] = (terms[0] ?? '').split(' ')
      return {
        'policy-type': 'sts',
        'policy-string': [
          'version: STSv1',
          `mode: ${mode}`,
          ...hosts.map(host => `mx: ${host}`),
          // Counts of a version before are without it.
          ...(maxAge === undefined ? [] : [`max_age: ${maxAge}`]),
        ],
        'policy-domain': domain,
        'mx-host': hosts,
      }
    }
    case 'dane':
      return { 'policy-type': 'tlsa', 'policy-string': terms, 'policy-domain': domain, 'mx-host': hosts }
    default:
      return policy satisfies never
  }
}

function composeFailure({ outcome, sessions }: TlsCount) {
  const { failure, detail, mx, receivingIp, sendingIp } = outcome
  return {
    'result-type': failure,
    ...(sendingIp === undefined ? {} : { 'sending-mta-ip': sendingIp }),
    'receiving-mx-hostname': mx,
    'receiving-ip': receivingIp,
    'failed-session-count': sessions,
    'failure-reason-code': detail,
  }
}

export interface ReceivedTlsReport {
  readonly organization: string
  readonly reportId: string
  /** As written: '2026-11-26T00:00:00Z'. */
  readonly from: string
  readonly to: string
  readonly policies: readonly ReceivedPolicy[]
  /** The domain that is proven to have written it; '' or none: nobody's is. */
  readonly proven?: string | undefined
}

export interface ReceivedPolicy {
  readonly type: string
  readonly domain: string
  readonly successful: number
  readonly failed: number
  readonly failures: readonly {
    readonly type: string
    readonly mx: string
    readonly sessions: number
    readonly reason: string
  }[]
}
