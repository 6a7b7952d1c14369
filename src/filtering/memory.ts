// What the runs of scripts leave for later ones: whom an answer has gone to (RFC 5230 §4.2), what has been here (RFC 7352),
// what has been decided, and of which mistake its owner has been told. Written in the transaction that does what the script
// wants, so that a crash leaves both or neither.
import { createHash } from 'node:crypto'
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'

/** message: the script has decided on it. mistake: its owner has been told of it. */
export type MemoryKind = 'duplicate' | 'vacation' | 'message' | 'mistake'

export interface MemoryKey {
  readonly kind: MemoryKind
  /** As `digestKey` gives it. */
  readonly key: string
}

export interface Memory extends MemoryKey {
  /** ms since 1970. */
  readonly until: number
}

/** Of what a script says and a stranger writes, of any length. */
export function digestKey(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

export function messageKey(queueId: number): MemoryKey {
  return { kind: 'message', key: String(queueId) }
}

/** Of one kind and one account; what would be forgotten first goes when it is more. */
const maxRemembered = 10_000

export async function isRemembered(
  tx: Tx,
  accountId: number,
  { kind, key }: MemoryKey,
  now: number,
): Promise<boolean> {
  const found = await tx.get(
    'SELECT 1 AS found FROM script_memory WHERE account_id = ? AND kind = ? AND key = ? AND until > ?',
    accountId,
    kind,
    key,
    now,
  )
  return found !== undefined
}

/** Whoever calls has locked the account. */
export async function remember(tx: Tx, accountId: number, { kind, key, until }: Memory): Promise<void> {
  await tx.run(
    `INSERT INTO script_memory (account_id, kind, key, until) VALUES (?, ?, ?, ?)
       ON CONFLICT (account_id, kind, key) DO UPDATE SET until = excluded.until`,
    accountId,
    kind,
    key,
    until,
  )
}

export const findRemembered = defineRead(
  'filtering.find-remembered',
  async (tx, { accountId, now, ...key }: MemoryKey & { readonly accountId: number; readonly now: number }) =>
    await isRemembered(tx, accountId, key, now),
)

/** Rows whose time is over, and those beyond what an account may have; how many have gone. */
export const forgetRemembered = defineWrite(
  'filtering.forget',
  async (tx, { now, limit }: { readonly now: number; readonly limit: number }): Promise<number> => {
    const over = await tx.all<{ account_id: number; kind: string; key: string }>(
      'SELECT account_id, kind, key FROM script_memory WHERE until <= ? ORDER BY until LIMIT ?',
      now,
      limit,
    )
    const crowded = await tx.all<{ account_id: number; kind: string; count: number }>(
      'SELECT account_id, kind, count(*) AS count FROM script_memory GROUP BY account_id, kind HAVING count(*) > ?',
      maxRemembered,
    )
    for (const { account_id, kind, key } of over)
      await tx.run(
        'DELETE FROM script_memory WHERE account_id = ? AND kind = ? AND key = ?',
        account_id,
        kind,
        key,
      )
    for (const { account_id, kind, count } of crowded)
      await tx.run(
        `DELETE FROM script_memory WHERE account_id = ? AND kind = ? AND key IN
           (SELECT key FROM script_memory WHERE account_id = ? AND kind = ? ORDER BY until, key LIMIT ?)`,
        account_id,
        kind,
        account_id,
        kind,
        Math.min(count - maxRemembered, limit),
      )
    return over.length
  },
)
