// The queue as a whole: how much waits for which destination, for which cause, of whom, and since when. One pass over the rows,
// and only the largest groups come back, however long the queue is.
import { defineRead } from '../storage/operation.ts'
import { firstQueueIdAt } from './queue-id.ts'
import { type QueueSelection, selectRecipients } from './select-recipients.ts'

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
}

export interface QueueGroup {
  /** A domain, a mail host, a cause, an address; '' where there is none. */
  readonly name: string
  readonly recipients: number
  readonly held: number
  readonly underway: number
  /** Ready, and due. */
  readonly due: number
  /** When the first of those that wait is tried. */
  readonly nextAt: number | undefined
  /** How many are younger than the first of the ages, than the second, …; and the rest. */
  readonly ages: readonly number[]
}

export interface QueueSummary {
  readonly recipients: number
  readonly groups: readonly QueueGroup[]
  /** How many groups there are in all. */
  readonly groupCount: number
}

const expressions: Readonly<Record<SummaryGroup, string>> = {
  destination: 'domain',
  // Where it goes next: where an administrator sends it, or where it was last.
  host: "COALESCE(route_to, last_host, '')",
  cause: "COALESCE(last_cause, '')",
  sender: "COALESCE(reverse_path, '')",
}

interface GroupRow {
  readonly name: string
  readonly recipients: number
  readonly held: number
  readonly underway: number
  readonly due: number
  readonly next_at: number | null
  readonly all_recipients: number
  readonly all_groups: number
  readonly [age: `age_${number}`]: number
}

export const summarizeQueue = defineRead(
  'queue.summarize',
  async (tx, { by, selection, now, ages, limit }: QueueSummaryQuestion): Promise<QueueSummary> => {
    const { where, values } = selectRecipients(selection)
    const needsMessage = /\b(reverse_path|accepted_at)\b/.test(`${expressions[by]} ${where}`)
    const younger = ages.map((_, n) => `COUNT(CASE WHEN message_id >= ? THEN 1 END) AS age_${n}`)
    const rows = await tx.all<GroupRow>(
      `SELECT ${expressions[by]} AS name, COUNT(*) AS recipients,
          COUNT(CASE WHEN state = 'held' THEN 1 END) AS held,
          COUNT(lease_owner) AS underway,
          COUNT(CASE WHEN state = 'ready' AND lease_owner IS NULL AND due_at <= ? THEN 1 END) AS due,
          MIN(CASE WHEN state = 'ready' AND lease_owner IS NULL THEN due_at END) AS next_at,
          ${younger.map(column => `${column},`).join(' ')}
          SUM(COUNT(*)) OVER () AS all_recipients, COUNT(*) OVER () AS all_groups
        FROM queue_recipient ${needsMessage ? 'JOIN queue_message ON queue_message.id = message_id' : ''}
        WHERE ${where} GROUP BY 1 ORDER BY recipients DESC, name LIMIT ?`,
      now,
      // A queue id tells when the message came: no need to look for the message.
      ...ages.map(age => firstQueueIdAt(now - age)),
      ...values,
      limit,
    )
    return {
      recipients: rows[0]?.all_recipients ?? 0,
      groupCount: rows[0]?.all_groups ?? 0,
      groups: rows.map(row => readGroup(row, ages.length)),
    }
  },
)

function readGroup(row: GroupRow, ages: number): QueueGroup {
  const { name, recipients, held, underway, due } = row
  const younger = [...Array.from({ length: ages }, (_, n) => row[`age_${n}`] ?? 0), recipients]
  return {
    name,
    recipients,
    held,
    underway,
    due,
    nextAt: row.next_at ?? undefined,
    ages: younger.map((count, n) => count - (younger[n - 1] ?? 0)),
  }
}
