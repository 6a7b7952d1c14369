// How much a limit leaves: so many recipients in a span of time. What is used is counted in the database, so that a limit
// holds beyond a restart, and for all servers that share it.
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'

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

interface LimitState {
  readonly limit: RateLimit
  readonly used: readonly Used[]
  readonly left: number
}

/** Takes as much as all limits leave, up to what is wanted. */
export const takeAllowance = defineWrite(
  'queue.take-allowance',
  async (tx, { allowance, limits, wanted, now }: AllowanceClaim): Promise<Allowed> => {
    await tx.lockAll('allowances')
    const states: LimitState[] = []
    for (const limit of limits) {
      const used = await readUsed(tx, allowance, limit, now)
      states.push({ limit, used, left: Math.max(0, limit.most - sumOf(used)) })
    }
    const allowed = judge(states, wanted, now)
    const { granted } = allowed
    if (granted > 0) for (const limit of limits) await note(tx, allowance, limit, granted, now)
    return allowed
  },
)

/** What would be granted, for people: nothing is taken. */
export const lookAtAllowance = defineRead(
  'queue.look-at-allowance',
  async (tx, { allowance, limits, wanted, now }: AllowanceClaim): Promise<Allowed> => {
    const states: LimitState[] = []
    for (const limit of limits) {
      const used = (await selectUsed(tx, allowance, limit)).filter(
        ({ at }) => at > now - limit.spanMs - partOf(limit),
      )
      states.push({ limit, used, left: Math.max(0, limit.most - sumOf(used)) })
    }
    return judge(states, wanted, now)
  },
)

function judge(states: readonly LimitState[], wanted: number, now: number): Allowed {
  const granted = Math.min(wanted, ...states.map(({ left }) => left))
  // One that leaves more than was granted is not what there is to wait for, however long it would take.
  const binding = states
    .filter(({ left }) => left === granted && left < wanted)
    .map(({ limit, used }) => ({ limit, moreAt: whenLeft(used, limit, now) }))
    .toSorted((a, b) => b.moreAt - a.moreAt)[0]
  return { granted, ...binding }
}

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

/** What was used before then, which is longer ago than any span; at most `limit` parts. Their number. */
export const forgetAllowances = defineWrite(
  'queue.forget-allowances',
  async (tx, { before, limit }: { readonly before: number; readonly limit: number }): Promise<number> => {
    const { changes } = await tx.run(
      `DELETE FROM allowance_use WHERE (allowance, span, at) IN
         (SELECT allowance, span, at FROM allowance_use WHERE at < ? LIMIT ?)`,
      before,
      limit,
    )
    return changes
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
  return await selectUsed(tx, allowance, limit)
}

async function selectUsed(tx: Tx, allowance: string, limit: RateLimit): Promise<Used[]> {
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

function sumOf(used: readonly Used[]): number {
  return used.reduce((sum, part) => sum + part.used, 0)
}

/** When the first of what is used has left the span. */
function whenLeft(used: readonly Used[], limit: RateLimit, now: number): number {
  let over = sumOf(used) - limit.most
  for (const { at, used: count } of used) {
    over -= count
    if (over < 0) return Math.max(now + 1, at + limit.spanMs + partOf(limit))
  }
  return now + limit.spanMs
}
