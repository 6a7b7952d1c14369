// Accounts whose mail is held: because an administrator wants it, or because it is far from what they usually send. Mail that
// comes is taken, and is held when its turn comes (delivery/sending-rules.ts).
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'

export interface AccountHold {
  readonly accountId: number
  readonly since: number
  /** One English sentence. */
  readonly reason: string
  /** Then its mail was let go; the hold is over. */
  readonly releasedAt?: number | undefined
}

interface HoldRow {
  readonly account_id: number
  readonly since: number
  readonly reason: string
  readonly released_at: number | null
}

const columns = 'account_id, since, reason, released_at'

function readHold(row: HoldRow): AccountHold {
  return {
    accountId: row.account_id,
    since: row.since,
    reason: row.reason,
    ...(row.released_at === null ? {} : { releasedAt: row.released_at }),
  }
}

/** The last one, over or not. */
export async function readAccountHold(tx: Tx, accountId: number): Promise<AccountHold | undefined> {
  const row = await tx.get<HoldRow>(`SELECT ${columns} FROM account_hold WHERE account_id = ?`, accountId)
  return row && readHold(row)
}

/** False: it is on hold already. */
export async function writeAccountHold(tx: Tx, { accountId, since, reason }: AccountHold): Promise<boolean> {
  const { changes } = await tx.run(
    `INSERT INTO account_hold (account_id, since, reason, released_at) VALUES (?, ?, ?, NULL)
     ON CONFLICT (account_id) DO UPDATE SET since = excluded.since, reason = excluded.reason, released_at = NULL
       WHERE account_hold.released_at IS NOT NULL`,
    accountId,
    since,
    reason,
  )
  return changes > 0
}

/** False: it is on hold already. */
export const holdAccount = defineWrite(
  'queue.hold-account',
  async (tx, hold: AccountHold): Promise<boolean> => await writeAccountHold(tx, hold),
)

/** What is held is yet to be released. False: it was not on hold. */
export const endAccountHold = defineWrite(
  'queue.end-account-hold',
  async (tx, { accountId, at }: { readonly accountId: number; readonly at: number }): Promise<boolean> => {
    const { changes } = await tx.run(
      'UPDATE account_hold SET released_at = ? WHERE account_id = ? AND released_at IS NULL',
      at,
      accountId,
    )
    return changes > 0
  },
)

/** Those that are not over. */
export const listAccountHolds = defineRead(
  'queue.list-account-holds',
  async (tx): Promise<readonly AccountHold[]> => {
    const rows = await tx.all<HoldRow>(
      `SELECT ${columns} FROM account_hold WHERE released_at IS NULL ORDER BY account_id`,
    )
    return rows.map(readHold)
  },
)

/** Of its address: whether it is on hold, and how many recipients wait; at most `limit` are counted. */
export const findHeldAccount = defineRead(
  'queue.find-held-account',
  async (
    tx,
    { address, limit }: { readonly address: Address; readonly limit: number },
  ): Promise<{ readonly waiting: number } | undefined> => {
    const row = await tx.get<{ account_id: number }>(
      `SELECT account_id FROM account_hold JOIN account ON account.id = account_id
        WHERE account.address_key = ? AND released_at IS NULL`,
      addressKey(address),
    )
    if (!row) return undefined
    const counted = await tx.get<{ count: number }>(
      `SELECT count(*) AS count FROM (SELECT 1 AS one FROM queue_recipient JOIN queue_message ON queue_message.id = message_id
        WHERE account_id = ? LIMIT ?) AS waiting`,
      row.account_id,
      limit,
    )
    return { waiting: counted?.count ?? 0 }
  },
)
