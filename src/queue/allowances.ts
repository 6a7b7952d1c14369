// How much a limit leaves: so many recipients in a span of time. What is used is counted in the database, so that a limit
// holds beyond a restart, and for all servers that share it.
import { defineWrite, type Tx } from '../storage/operation.ts'

/** No more than `most` in any `spanMs`. */
export interface RateLimit {
  readonly most: number
  readonly spanMs: number
}

export interface AllowanceClaim {
  /** Whose: 'destination gmail', 'destination gmail from 192.0.2.1', 'sender account 5'. */
  readonly allowance: string
  readonly limits: readonly RateLimit[]
  readonly wanted: number
  readonly now: number
}

export interface Allowed {
  readonly granted: number
  /** When there will be more, where less was granted than wanted; ms since 1970. */
  readonly moreAt?: number | undefined
  /** The limit that is used up. */
  readonly limit?: RateLimit | undefined
}

/** A span is counted in so many parts, and ends up to one of them late: never more than the limit in any span. */
const partsOfSpan = 60

interface Used {
  readonly at: number
  readonly used: number
}

/** Takes as much as all limits leave, up to what is wanted. */
export const takeAllowance = defineWrite(
  'queue.take-allowance',
  async (tx, { allowance, limits, wanted, now }: AllowanceClaim): Promise<Allowed> => {
    await tx.lockAll('allowances')
    const short: { readonly limit: RateLimit; readonly left: number; readonly moreAt: number }[] = []
    for (const limit of limits) {
      const used = await readUsed(tx, allowance, limit, now)
      const left = Math.max(0, limit.most - used.reduce((sum, part) => sum + part.used, 0))
      if (left < wanted) short.push({ limit, left, moreAt: whenLeft(used, limit, now) })
    }
    const granted = Math.min(wanted, ...short.map(({ left }) => left))
    if (granted > 0) for (const limit of limits) await note(tx, allowance, limit, granted, now)
    // One that leaves something beyond that is in nobody's way yet.
    const usedUp = short.filter(({ left }) => left === granted)
    const last = usedUp.reduce<(typeof short)[number] | undefined>(
      (latest, one) => (latest && latest.moreAt >= one.moreAt ? latest : one),
      undefined,
    )
    return { granted, moreAt: last?.moreAt, limit: last?.limit }
  },
)

export interface AllowanceReturn extends Omit<AllowanceClaim, 'wanted' | 'now'> {
  readonly unused: number
  readonly takenAt: number
}

/** What was taken and not used. */
export const returnAllowance = defineWrite(
  'queue.return-allowance',
  async (tx, { allowance, limits, unused, takenAt }: AllowanceReturn): Promise<void> => {
    await tx.lockAll('allowances')
    for (const limit of limits) await note(tx, allowance, limit, -unused, takenAt)
  },
)

export function partOf({ spanMs }: RateLimit): number {
  return Math.max(1, Math.ceil(spanMs / partsOfSpan))
}

/** The parts that count yet, oldest first. */
async function readUsed(tx: Tx, allowance: string, limit: RateLimit, now: number): Promise<Used[]> {
  const part = partOf(limit)
  await tx.run(
    'DELETE FROM allowance_use WHERE allowance = ? AND span = ? AND at <= ?',
    allowance,
    limit.spanMs,
    now - limit.spanMs - part,
  )
  return await tx.all<Used>(
    'SELECT at, used FROM allowance_use WHERE allowance = ? AND span = ? ORDER BY at',
    allowance,
    limit.spanMs,
  )
}

async function note(tx: Tx, allowance: string, limit: RateLimit, used: number, at: number): Promise<void> {
  await tx.run(
    `INSERT INTO allowance_use (allowance, span, at, used) VALUES (?, ?, ?, ?)
     ON CONFLICT (allowance, span, at) DO UPDATE SET used = allowance_use.used + excluded.used`,
    allowance,
    limit.spanMs,
    at - (at % partOf(limit)),
    used,
  )
}

/** When the first of what is used has left the span. */
function whenLeft(used: readonly Used[], limit: RateLimit, now: number): number {
  let over = used.reduce((sum, part) => sum + part.used, 0) - limit.most
  for (const { at, used: count } of used) {
    over -= count
    if (over < 0) return Math.max(now + 1, at + limit.spanMs + partOf(limit))
  }
  return now + limit.spanMs
}
