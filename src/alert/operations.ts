// Alerts as the database keeps them, so that several servers raise one once, and tell it once.
import { acceptMessage } from '../queue/accept-message.ts'
import type { NewMessage } from '../queue/new-message.ts'
import { newMessageWire } from '../queue/new-message-wire.ts'
import { defineRead, defineWrite, type Wire } from '../storage/operation.ts'
import {
  type Alert,
  type AlertEvidence,
  type AlertKey,
  alertKindNames,
  type FoundAlert,
  type Told,
} from './alert.ts'

const dayMs = 24 * 3_600_000
/** What comes back so soon after it was over is the same alert. */
const sameForMs = dayMs
/** So long one that is over can be shown. */
const keptForMs = 90 * dayMs

interface AlertRow {
  readonly kind: string
  readonly subject: string
  readonly since: number
  readonly seen_at: number
  readonly times: number
  readonly evidence: string
  readonly mended_at: number | null
  readonly over_at: number | null
  readonly told: Told['state'] | null
  readonly told_at: number | null
}

const columns = 'kind, subject, since, seen_at, times, evidence, mended_at, over_at, told, told_at'

/** None for a kind that only a newer version knows, which runs beside this one and looks after it. */
function readAlert(row: AlertRow): Alert | undefined {
  const kind = alertKindNames.find(name => name === row.kind)
  if (kind === undefined) return undefined
  return {
    kind,
    subject: row.subject,
    since: row.since,
    seenAt: row.seen_at,
    times: row.times,
    evidence: JSON.parse(row.evidence) as AlertEvidence,
    ...(row.mended_at === null ? {} : { mendedAt: row.mended_at }),
    ...(row.over_at === null ? {} : { overAt: row.over_at }),
    ...(row.told === null || row.told_at === null ? {} : { told: { state: row.told, at: row.told_at } }),
  }
}

const isSame = `(alert.over_at IS NULL OR alert.over_at > excluded.seen_at - ${sameForMs})`

/** A new alert, or once more one that is open. */
export const raiseAlert = defineWrite(
  'alert.raise',
  async (tx, { kind, subject, at, evidence }: FoundAlert): Promise<void> => {
    await tx.run(
      `INSERT INTO alert (kind, subject, since, seen_at, times, evidence) VALUES (?, ?, ?, ?, 1, ?)
         ON CONFLICT (kind, subject) DO UPDATE SET
           since = CASE WHEN ${isSame} THEN alert.since ELSE excluded.since END,
           times = CASE WHEN ${isSame} THEN alert.times + 1 ELSE 1 END,
           told = CASE WHEN ${isSame} THEN alert.told END,
           told_at = CASE WHEN ${isSame} THEN alert.told_at END,
           seen_at = excluded.seen_at, evidence = excluded.evidence, mended_at = NULL, over_at = NULL`,
      kind,
      subject,
      at,
      at,
      JSON.stringify(evidence),
    )
  },
)

const conditions = {
  open: 'over_at IS NULL',
  /** Open, and still so. */
  lasting: 'over_at IS NULL AND mended_at IS NULL',
  /** And those of which nobody was told that they are over. */
  unfinished: "over_at IS NULL OR told = 'open'",
  all: '1 = 1',
} as const

/** The newest first. */
export const listAlerts = defineRead(
  'alert.list',
  async (tx, { which }: { readonly which: keyof typeof conditions }): Promise<Alert[]> => {
    const rows = await tx.all<AlertRow>(
      `SELECT ${columns} FROM alert WHERE ${conditions[which]} ORDER BY since DESC, kind, subject`,
    )
    return rows.flatMap(row => readAlert(row) ?? [])
  },
)

/** Those that somebody has to act on: what is mended is open until that has lasted. */
export const countOpenAlerts = defineRead('alert.count-open', async (tx): Promise<number> => {
  const row = await tx.get<{ count: number }>(
    `SELECT count(*) AS count FROM alert WHERE ${conditions.lasting}`,
  )
  return row?.count ?? 0
})

/** An alert as somebody saw it: what changes it, changes it only if it was not found again since. */
export interface SeenAlert extends AlertKey {
  readonly seenAt: number
}

const isSeen = 'kind = ? AND subject = ? AND seen_at = ? AND over_at IS NULL'

/** undefined: it is so again. */
export const noteMended = defineWrite(
  'alert.mended',
  async (
    tx,
    { kind, subject, seenAt, mendedAt }: SeenAlert & { readonly mendedAt: number | undefined },
  ): Promise<void> => {
    await tx.run(`UPDATE alert SET mended_at = ? WHERE ${isSeen}`, mendedAt ?? null, kind, subject, seenAt)
  },
)

/** False: it was found again, or another server was first. */
export const endAlert = defineWrite(
  'alert.end',
  async (tx, { kind, subject, seenAt, at }: SeenAlert & { readonly at: number }): Promise<boolean> => {
    await tx.run('DELETE FROM alert WHERE over_at < ?', at - keptForMs)
    const { changes } = await tx.run(
      `UPDATE alert SET over_at = ? WHERE ${isSeen} AND mended_at IS NOT NULL`,
      at,
      kind,
      subject,
      seenAt,
    )
    return changes > 0
  },
)

export interface ToldAlert extends AlertKey {
  /** The time of the mail before. */
  readonly lastTold: number | undefined
  readonly told: Told
  readonly message: NewMessage
}

const toldAlertWire: Wire<ToldAlert> = {
  pack: ({ message, ...rest }) => ({ ...rest, message: newMessageWire.pack(message) }),
  unpack(packed) {
    const { message, ...rest } = packed as Omit<ToldAlert, 'message'> & { readonly message: unknown }
    return { ...rest, message: newMessageWire.unpack(message) }
  },
}

/** Queues the mail and notes it, in one transaction, so that it goes once. 'duplicate': the queue id is taken. */
export const tellAlert = defineWrite(
  'alert.tell',
  async (
    tx,
    { kind, subject, lastTold, told, message }: ToldAlert,
  ): Promise<'queued' | 'told-already' | 'duplicate'> => {
    const row = await tx.get<Pick<AlertRow, 'told_at'>>(
      `SELECT told_at FROM alert WHERE kind = ? AND subject = ? ${tx.forUpdate}`,
      kind,
      subject,
    )
    if (!row || row.told_at !== (lastTold ?? null)) return 'told-already'
    if ((await acceptMessage.run(tx, message)) === 'duplicate') return 'duplicate'
    await tx.run(
      'UPDATE alert SET told = ?, told_at = ? WHERE kind = ? AND subject = ?',
      told.state,
      told.at,
      kind,
      subject,
    )
    return 'queued'
  },
  { wakes: 'queue', wire: toldAlertWire },
)

export const alertOperations = [
  raiseAlert,
  listAlerts,
  countOpenAlerts,
  noteMended,
  endAlert,
  tellAlert,
] as const
