// MTA-STS policies as they are kept: the last one that was fetched for each domain.
import { defineRead, defineWrite } from '../storage/operation.ts'
import type { StsMode, StsPolicy } from './sts-policy.ts'

export interface KeptStsPolicy {
  readonly domain: string
  readonly policyId: string
  readonly mode: StsMode
  readonly mx: readonly string[]
  readonly fetchedAt: number
  /** Until when it holds, whatever the domain says meanwhile. */
  readonly expiresAt: number
  /** About when mail last went there: not to the second, so that it is not a write for each message. */
  readonly usedAt: number
}

interface PolicyRow {
  readonly domain: string
  readonly policy_id: string
  readonly mode: StsMode
  readonly mx: string
  readonly fetched_at: number
  readonly expires_at: number
  readonly used_at: number
}

const columns = 'domain, policy_id, mode, mx, fetched_at, expires_at, used_at'

function readRow(row: PolicyRow): KeptStsPolicy {
  return {
    domain: row.domain,
    policyId: row.policy_id,
    mode: row.mode,
    mx: row.mx === '' ? [] : row.mx.split(' '),
    fetchedAt: row.fetched_at,
    expiresAt: row.expires_at,
    usedAt: row.used_at,
  }
}

/** undefined: none, or one whose time is over. */
export const findStsPolicy = defineRead(
  'tls-policy.find',
  async (
    tx,
    input: { readonly domain: string; readonly now: number },
  ): Promise<KeptStsPolicy | undefined> => {
    const row = await tx.get<PolicyRow>(
      `SELECT ${columns} FROM sts_policy WHERE domain = ? AND expires_at > ?`,
      input.domain,
      input.now,
    )
    return row && readRow(row)
  },
)

export interface FetchedPolicy {
  readonly domain: string
  readonly policyId: string
  readonly policy: StsPolicy
  readonly at: number
  /** Fetched for mail, and not only because its time was running out. */
  readonly isUsed: boolean
}

export const keepStsPolicy = defineWrite(
  'tls-policy.keep',
  async (tx, { domain, policyId, policy, at, isUsed }: FetchedPolicy): Promise<void> => {
    const used = isUsed ? ', used_at = excluded.used_at' : ''
    await tx.run(
      `INSERT INTO sts_policy (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (domain) DO UPDATE SET policy_id = excluded.policy_id, mode = excluded.mode, mx = excluded.mx,
           fetched_at = excluded.fetched_at, expires_at = excluded.expires_at${used}`,
      domain,
      policyId,
      policy.mode,
      policy.mx.join(' '),
      at,
      at + policy.maxAgeMs,
      at,
    )
  },
)

export const noteStsPolicyUsed = defineWrite(
  'tls-policy.used',
  async (tx, input: { readonly domain: string; readonly at: number }): Promise<void> => {
    await tx.run('UPDATE sts_policy SET used_at = ? WHERE domain = ?', input.at, input.domain)
  },
)

/** Those that are to be fetched anew before their time is over (RFC 8461 §3.3), the oldest first. */
export const listStsPoliciesToRefresh = defineRead(
  'tls-policy.to-refresh',
  async (
    tx,
    input: {
      readonly now: number
      readonly fetchedBefore: number
      readonly expiresBefore: number
      readonly usedSince: number
      readonly limit: number
    },
  ): Promise<KeptStsPolicy[]> => {
    const rows = await tx.all<PolicyRow>(
      `SELECT ${columns} FROM sts_policy
        WHERE expires_at > ? AND (fetched_at < ? OR expires_at < ?) AND used_at >= ? ORDER BY fetched_at LIMIT ?`,
      input.now,
      input.fetchedBefore,
      input.expiresBefore,
      input.usedSince,
      input.limit,
    )
    return rows.map(readRow)
  },
)

export const expireStsPolicies = defineWrite(
  'tls-policy.expire',
  async (tx, input: { readonly now: number }): Promise<void> => {
    await tx.run('DELETE FROM sts_policy WHERE expires_at <= ?', input.now)
  },
)

export const tlsPolicyOperations = [
  findStsPolicy,
  keepStsPolicy,
  noteStsPolicyUsed,
  listStsPoliciesToRefresh,
  expireStsPolicies,
] as const
