// The queue as a whole: how much waits for which destination, for which cause, of whom, and since when. One pass over the rows,
// and only the largest groups come back, however long the queue is.
import { defineRead } from '../storage/operation.ts'
import { causeOfWaiting, type GateKey } from './gates.ts'
import { firstQueueIdAt, type QueueId } from './queue-id.ts'
import { isKept, type QueueSelection, selectRecipients } from './select-recipients.ts'

export const summaryGroups = ['destination', 'host', 'cause', 'sender'] as const
export type SummaryGroup = (typeof summaryGroups)[number]

export interface QueueSummaryQuestion {
  readonly by: SummaryGroup
  readonly selection: QueueSelection
  readonly now: number
  /** Ascending, in ms: the ages that part the groups. */
  readonly ages: readonly number[]
  /** Of groups, the largest first. */
  readonly limit: number
  /** Of destinations: to which of them a mail host belongs. The first that fits counts. */
  readonly hosts?: readonly DestinationHost[] | undefined
}

export interface DestinationHost {
  /** 'mx1.example.org', or the end of its name: '.google.com'. */
  readonly host: string
  /** 'gmail', 'mx1.example.org mx2.example.org' */
  readonly destination: string
}

export interface QueueGroup {
  /** A destination, a mail host, a cause, an address; '' where there is none. */
  readonly name: string
  /** Of a destination: only a domain is known, since nothing has been tried yet. */
  readonly isDomain: boolean
  /** One of those in it: of those in line, where there are any. For the limits that name a domain or a host. */
  readonly domain: string
  readonly host: string | undefined
  readonly recipients: number
  readonly held: number
  readonly underway: number
  /** Ready, and due. */
  readonly due: number
  /** They stand in line, and go when there is room. */
  readonly inLine: number
  /** Where those stand; the longest lines of the queue alone. */
  readonly lines: readonly Line[]
  /** Their server fetches them: no time. */
  readonly kept: number
  /** When the first of those is tried that wait for their time. */
  readonly nextAt: number | undefined
  /** How many are younger than the first of the ages, than the second, …; and the rest. */
  readonly ages: readonly number[]
}

/** Those of a group who stand at one gate; `messageId`, `domain` and `host` are of one of them each. */
export interface Line {
  readonly gate: GateKey
  readonly messageId: QueueId
  readonly domain: string
  readonly host: string | undefined
}

export interface QueueSummary {
  readonly recipients: number
  readonly groups: readonly QueueGroup[]
  /** How many groups there are in all. */
  readonly groupCount: number
}

interface LineRow {
  readonly name: string
  readonly gate: string
  readonly message_id: number
  readonly domain: string
  readonly host: string | null
}

const expressions: Readonly<Record<SummaryGroup, string>> = {
  // Who stands in line knows the destination, who was tried a host of it. '@' marks the domain of whoever knows neither.
  destination:
    "CASE WHEN gate LIKE 'destination %' THEN substr(gate, 13) ELSE COALESCE('host ' || route_to, LOWER(last_host), '@' || domain) END",
  // Where it goes next: where an administrator sends it, or where it was last.
  host: "COALESCE(route_to, last_host, '')",
  cause: `COALESCE(${causeOfWaiting}, '')`,
  sender: "COALESCE(reverse_path, '')",
}

interface GroupRow {
  readonly name: string
  readonly domain: string
  readonly host: string | null
  readonly recipients: number
  readonly held: number
  readonly underway: number
  readonly due: number
  readonly in_line: number
  readonly kept: number
  readonly next_at: number | null
  readonly all_recipients: number
  readonly all_groups: number
  readonly [age: `age_${number}`]: number
}

/** Lines that are looked at: more would take long, and say little. */
const maxLines = 200
const waits = "state = 'ready' AND lease_owner IS NULL"
const isFetched = `relay_domain IS NOT NULL AND ${isKept}`

export const summarizeQueue = defineRead(
  'queue.summarize',
  async (
    tx,
    { by, selection, now, ages, limit, hosts = [] }: QueueSummaryQuestion,
  ): Promise<QueueSummary> => {
    const { where, values } = selectRecipients(selection)
    const needsMessage = /\b(reverse_path|accepted_at)\b/.test(`${expressions[by]} ${where}`)
    const join = needsMessage ? 'JOIN queue_message ON queue_message.id = message_id' : ''
    const names = nameOf(by === 'destination' ? hosts : [])
    const younger = ages.map((_, n) => `COUNT(CASE WHEN message_id >= ? THEN 1 END) AS age_${n}`)
    const sums = [
      'recipients',
      'held',
      'underway',
      'due',
      'in_line',
      'kept',
      ...ages.map((_, n) => `age_${n}`),
    ]
    // What belongs together is asked of each name once, not of each row.
    const rows = await tx.all<GroupRow>(
      `SELECT ${names.sql} AS name, ${sums.map(sum => `SUM(${sum}) AS ${sum}`).join(', ')}, MIN(next_at) AS next_at,
          MIN(domain) AS domain, MIN(host) AS host,
          SUM(SUM(recipients)) OVER () AS all_recipients, COUNT(*) OVER () AS all_groups
        FROM (SELECT ${expressions[by]} AS stored, COUNT(*) AS recipients,
            COALESCE(MIN(CASE WHEN gate IS NOT NULL THEN domain END), MIN(domain)) AS domain,
            COALESCE(MIN(CASE WHEN gate IS NOT NULL THEN last_host END), MIN(last_host)) AS host,
            COUNT(CASE WHEN state = 'held' THEN 1 END) AS held,
            COUNT(lease_owner) AS underway,
            COUNT(CASE WHEN ${waits} AND due_at <= ? THEN 1 END) AS due,
            COUNT(CASE WHEN ${waits} AND due_at > ? AND gate IS NOT NULL THEN 1 END) AS in_line,
            COUNT(CASE WHEN ${waits} AND due_at > ? AND ${isFetched} THEN 1 END) AS kept,
            ${younger.map(column => `${column},`).join(' ')}
            MIN(CASE WHEN ${waits} AND (due_at <= ? OR gate IS NULL AND NOT (${isFetched})) THEN due_at END) AS next_at
          FROM queue_recipient ${join}
          WHERE ${where} GROUP BY 1) AS named
        GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?`,
      ...names.values,
      now,
      now,
      now,
      // A queue id tells when the message came: no need to look for the message.
      ...ages.map(age => firstQueueIdAt(now - age)),
      now,
      ...values,
      limit,
    )
    const lines = rows.some(row => row.in_line > 0)
      ? await tx.all<LineRow>(
          `SELECT ${names.sql} AS name, gate, SUM(recipients) AS recipients, MIN(message_id) AS message_id,
              MIN(domain) AS domain, MIN(host) AS host
            FROM (SELECT ${expressions[by]} AS stored, gate, COUNT(*) AS recipients, MIN(message_id) AS message_id,
                MIN(domain) AS domain, MIN(last_host) AS host
              FROM queue_recipient ${join}
              WHERE ${where} AND ${waits} AND due_at > ? AND gate IS NOT NULL GROUP BY 1, 2) AS named
            GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT ?`,
          ...names.values,
          ...values,
          now,
          maxLines,
        )
      : []
    return {
      recipients: rows[0]?.all_recipients ?? 0,
      groupCount: rows[0]?.all_groups ?? 0,
      groups: rows.map(row => readGroup(row, lines, by, ages.length)),
    }
  },
)

/** The name of the group that a stored name belongs to. */
function nameOf(hosts: readonly DestinationHost[]): {
  readonly sql: string
  readonly values: readonly string[]
} {
  if (hosts.length === 0) return { sql: 'stored', values: [] }
  const cases = hosts.map(({ host }) =>
    host.startsWith('.') ? "WHEN '.' || stored LIKE '%' || ? THEN ?" : 'WHEN stored = ? THEN ?',
  )
  return {
    // A domain is no host: most of what has not been tried is not looked for.
    sql: `CASE WHEN stored LIKE '@%' THEN stored ${cases.join(' ')} ELSE stored END`,
    values: hosts.flatMap(({ host, destination }) => [host, destination]),
  }
}

function readGroup(row: GroupRow, lines: readonly LineRow[], by: SummaryGroup, ages: number): QueueGroup {
  const { name, recipients, held, underway, due, in_line: inLine, kept, next_at: nextAt } = row
  const isDomain = by === 'destination' && name.startsWith('@')
  const younger = [...Array.from({ length: ages }, (_, n) => row[`age_${n}`] ?? 0), recipients]
  return {
    name: isDomain ? name.slice(1) : name,
    isDomain,
    domain: row.domain,
    host: row.host ?? undefined,
    recipients,
    held,
    underway,
    due,
    inLine,
    lines: lines
      .filter(line => line.name === name)
      .map(({ gate, message_id: messageId, domain, host }) => ({
        gate,
        messageId,
        domain,
        host: host ?? undefined,
      })),
    kept,
    nextAt: nextAt ?? undefined,
    ages: younger.map((count, n) => count - (younger[n - 1] ?? 0)),
  }
}
