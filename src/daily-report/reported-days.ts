// Which days were reported on. A report is queued and its day noted in one transaction, so that it goes once, whoever comes first.
import { acceptMessage } from '../queue/accept-message.ts'
import type { NewMessage } from '../queue/new-message.ts'
import { newMessageWire } from '../queue/new-message-wire.ts'
import { defineRead, defineWrite, type Operation, type Tx, type Wire } from '../storage/operation.ts'
import type { DayOfDomain } from './day.ts'

export interface ReportedDay extends DayOfDomain {
  readonly at: number
  /** Where the report went; none when the domain wants none. */
  readonly targets: readonly string[]
}

export interface QueuedReport {
  readonly reported: ReportedDay
  readonly message: NewMessage
}

export interface UnreportedDaysQuestion {
  readonly beforeDay: number
  readonly after: DayOfDomain
  readonly limit: number
}

export interface ReportedDaysOperations {
  /** Days before `beforeDay` on which nobody has decided yet whether they are reported. */
  readonly listUnreported: Operation<UnreportedDaysQuestion, DayOfDomain[]>
  /** False: another server was first. */
  readonly noteDone: Operation<ReportedDay, boolean>
  readonly queueReport: Operation<QueuedReport, 'queued' | 'done-already' | 'duplicate'>
}

/** The tables: where days have counts, and where those stand that are reported. */
const tables = {
  'tls-report': { counted: 'tls_result', sent: 'tls_report_sent' },
  'dmarc-report': { counted: 'dmarc_day', sent: 'dmarc_report_sent' },
} as const

const queuedReportWire: Wire<QueuedReport> = {
  pack: ({ reported, message }) => ({ reported, message: newMessageWire.pack(message) }),
  unpack(packed) {
    const { reported, message } = packed as { reported: ReportedDay; message: unknown }
    return { reported, message: newMessageWire.unpack(message) }
  },
}

export function defineReportedDays(name: keyof typeof tables): ReportedDaysOperations {
  const { counted, sent } = tables[name]
  const noteReported = async (tx: Tx, { day, domain, at, targets }: ReportedDay): Promise<boolean> => {
    const { changes } = await tx.run(
      `INSERT INTO ${sent} (day, domain, sent_at, targets) VALUES (?, ?, ?, ?) ON CONFLICT (day, domain) DO NOTHING`,
      day,
      domain,
      at,
      targets.join(' '),
    )
    return changes > 0
  }
  return {
    listUnreported: defineRead(`${name}.unreported`, async (tx, { beforeDay, after, limit }) => {
      const { day, domain } = after
      return await tx.all<DayOfDomain>(
        `SELECT DISTINCT day, domain FROM ${counted}
          WHERE day < ? AND (day > ? OR (day = ? AND domain > ?)) AND NOT EXISTS (
            SELECT 1 FROM ${sent} WHERE ${sent}.day = ${counted}.day AND ${sent}.domain = ${counted}.domain)
          ORDER BY day, domain LIMIT ?`,
        beforeDay,
        day,
        day,
        domain,
        limit,
      )
    }),
    noteDone: defineWrite(`${name}.done`, noteReported),
    queueReport: defineWrite(
      `${name}.queue`,
      async (tx, { reported, message }) => {
        if (!(await noteReported(tx, reported))) return 'done-already'
        if ((await acceptMessage.run(tx, message)) === 'accepted') return 'queued'
        await tx.run(`DELETE FROM ${sent} WHERE day = ? AND domain = ?`, reported.day, reported.domain)
        return 'duplicate'
      },
      { wakes: 'queue', wire: queuedReportWire },
    ),
  }
}
