// postrider dmarc-reports: who sends in the name of our domains, as others report it, and what this server reports to others.
import { type Command, Option } from 'commander'
import { formatDomainForPeople, formatDomainsForPeople } from '../../address/parse-domain.ts'
import { dayOf, formatDay } from '../../daily-report/day.ts'
import { type DmarcDay, listDmarcDays } from '../../dmarc-report/operations.ts'
import {
  listDmarcReports,
  listDmarcSources,
  type ShownDmarcReport,
  type ShownSource,
} from '../../dmarc-report/received-reports.ts'
import { formatQueueId } from '../../queue/queue-id.ts'
import { domainArgument } from '../arguments.ts'
import { formatColumns } from '../columns.ts'
import type { CommandRun } from '../command.ts'
import { formatTime } from '../quantities.ts'
import { addReportsCommand, tableOf } from '../reports-command.ts'

const maxShown = 1000

export function addDmarcReportsCommand(program: Command, run: CommandRun): void {
  addReportsCommand<{ readonly domain?: string }>(program, run, {
    usage: 'dmarc-reports',
    summary: 'Show who sends in the name of your domains',
    description:
      'Show who sends in the name of your domains, as other servers report it (DMARC aggregate reports, RFC 9990): from which ' +
      'addresses, how much, and whether DKIM or SPF proved it; and what this server reports to others about theirs. The ' +
      'reports come to the address that the DMARC record of a domain names (rua=), which has to lead to an account here.',
    examples: ['dmarc-reports', 'dmarc-reports --days 30 --domain example.com'],
    options: [
      new Option('--domain <domain>', 'only what is sent in the name of this domain').argParser(
        domainArgument,
      ),
    ],
    async read(storage, { days, now, since }, { domain }) {
      const sources = await storage.run(listDmarcSources, { since, limit: maxShown, domain })
      const reports = (await storage.run(listDmarcReports, { since, limit: maxShown })).filter(
        report => domain === undefined || report.domain === domain,
      )
      const [read, unread] = [reports.filter(isRead), reports.filter(report => !isRead(report))]
      const sent = (
        await storage.run(listDmarcDays, { sinceDay: dayOf(now) - days + 1, limit: maxShown })
      ).filter(day => domain === undefined || day.domain === domain)
      return {
        json: {
          sources,
          received: read.map(reportJson),
          unread: unread.map(({ receivedAt, queueId, problem }) => ({
            receivedAt: new Date(receivedAt).toISOString(),
            queueId: formatQueueId(queueId),
            problem,
          })),
          sent: sent.map(day => ({ ...day, day: formatDay(day.day) })),
        },
        sections: [
          {
            title: 'Who sends in the name of your domains, as others report it',
            table: tableOf(sources, sourceTable),
            none: 'Nothing was reported',
          },
          { title: 'Reports that came', table: tableOf(read, reportTable), none: 'None' },
          ...(unread.length > 0
            ? [{ title: 'Reports that cannot be read', table: unreadTable(unread), none: 'None' }]
            : []),
          {
            title: 'Mail of others that this server reports on',
            table: tableOf(sent, sentTable),
            none: 'None that anybody wants reports on',
          },
        ],
      }
    },
  })
}

function isRead({ problem }: ShownDmarcReport): boolean {
  return problem === ''
}

function reportJson(shown: ShownDmarcReport) {
  const { receivedAt, beginAt, endAt, queueId, organization, contact, reportId } = shown
  const { domain, policy, proven, messages, failed } = shown
  return {
    receivedAt: new Date(receivedAt).toISOString(),
    from: new Date(beginAt).toISOString(),
    to: new Date(endAt).toISOString(),
    queueId: formatQueueId(queueId),
    organization,
    contact,
    reportId,
    domain,
    policy,
    proven,
    messages,
    failed,
  }
}

function sourceTable(sources: readonly ShownSource[]): string {
  return formatColumns<ShownSource>(
    [
      { title: 'DOMAIN', cell: ({ domain }) => formatDomainForPeople(domain) || 'others' },
      { title: 'FROM', cell: ({ address }) => address || 'others' },
      { title: 'MESSAGES', align: 'right', cell: ({ messages }) => String(messages) },
      { title: 'FAILED', align: 'right', cell: ({ failed }) => String(failed) },
      { title: 'DKIM', cell: ({ messages, dkimFailed }) => share(messages, dkimFailed) },
      { title: 'SPF', cell: ({ messages, spfFailed }) => share(messages, spfFailed) },
      { title: 'SENDER', cell: ({ sender }) => formatDomainsForPeople(sender) || '-' },
      { title: 'NOTES', cell: notesOf },
    ],
    sources,
  )
}

/** How much of it is proved. */
function share(messages: number, failed: number): string {
  if (failed === 0) return 'pass'
  return failed >= messages ? 'fail' : `${Math.floor((100 * (messages - failed)) / messages)} % pass`
}

function notesOf({ isOwn, quarantined, rejected }: ShownSource): string {
  return [
    ...(isOwn ? ['this server'] : []),
    ...(quarantined > 0 ? [`${quarantined} taken for spam`] : []),
    ...(rejected > 0 ? [`${rejected} refused`] : []),
  ].join(', ')
}

function reportTable(reports: readonly ShownDmarcReport[]): string {
  return formatColumns<ShownDmarcReport>(
    [
      { title: 'RECEIVED', cell: ({ receivedAt }) => formatTime(receivedAt) },
      { title: 'FROM', cell: ({ organization }) => organization },
      { title: 'DAY', cell: ({ beginAt }) => formatDay(dayOf(beginAt)) },
      { title: 'DOMAIN', cell: ({ domain }) => formatDomainForPeople(domain) },
      { title: 'MESSAGES', align: 'right', cell: ({ messages }) => String(messages) },
      { title: 'FAILED', align: 'right', cell: ({ failed }) => String(failed) },
      { title: 'PROVEN TO BE OF', cell: ({ proven }) => formatDomainsForPeople(proven) || 'nobody' },
    ],
    reports,
  )
}

function unreadTable(reports: readonly ShownDmarcReport[]): string {
  return formatColumns<ShownDmarcReport>(
    [
      { title: 'RECEIVED', cell: ({ receivedAt }) => formatTime(receivedAt) },
      { title: 'MESSAGE', cell: ({ queueId }) => formatQueueId(queueId) },
      { title: 'WHY', cell: ({ problem }) => problem },
    ],
    reports,
  )
}

function sentTable(days: readonly DmarcDay[]): string {
  return formatColumns<DmarcDay>(
    [
      { title: 'DAY', cell: ({ day }) => formatDay(day) },
      { title: 'DOMAIN', cell: ({ domain }) => formatDomainForPeople(domain) },
      { title: 'MESSAGES', align: 'right', cell: ({ messages }) => String(messages) },
      { title: 'FAILED', align: 'right', cell: ({ failed }) => String(failed) },
      { title: 'SENT TO', cell: sentTo },
    ],
    days,
  )
}

function sentTo({ targets }: DmarcDay): string {
  if (!targets) return 'not yet'
  return targets.length === 0 ? 'nobody' : targets.map(target => target.replace(/^mailto:/, '')).join(' ')
}
