// How much an account may have in its mailboxes (RFC 9208), and how much it has: inside somebody's transaction. What is used stands in
// the row of the account, which whoever changes one of its mailboxes has locked.
import { formatSize } from '../runtime/format-size.ts'
import type { Tx } from '../storage/operation.ts'

/** Sizes of the delivered texts, and how many they are; as a limit, 0 is none. */
export interface Extent {
  readonly bytes: number
  readonly messages: number
}

export const noLimit: Extent = { bytes: 0, messages: 0 }

export interface Quota {
  readonly used: Extent
  readonly limit: Extent
  /** What its owner has been warned of, or is to be, and since when that is so. */
  readonly level: FillLevel
  readonly levelSince: number
}

/** So many hundredths of its quota, at least, are used. */
export type FillLevel = 0 | 80 | 95

export const quotaColumns = `used_bytes, used_messages, fill_level, fill_since,
  COALESCE(account.quota_bytes, domain.quota_bytes) AS quota_bytes,
  COALESCE(account.quota_messages, domain.quota_messages) AS quota_messages`

/** Of the columns above. */
export const quotaTables = 'account LEFT JOIN domain ON domain.name = account.domain'

export interface QuotaRow {
  readonly used_bytes: number
  readonly used_messages: number
  readonly fill_level: FillLevel
  readonly fill_since: number
  readonly quota_bytes: number | null
  readonly quota_messages: number | null
}

/** `usual`: as the settings say, for whom nothing else is said. */
export function readQuota(row: QuotaRow, usual: Extent): Quota {
  return {
    used: { bytes: row.used_bytes, messages: row.used_messages },
    limit: { bytes: row.quota_bytes ?? usual.bytes, messages: row.quota_messages ?? usual.messages },
    level: row.fill_level,
    levelSince: row.fill_since,
  }
}

/** '5.1 GB of 5 GB, 1200 of 1000 messages': of what has a limit. */
export function formatUse({ used, limit }: Pick<Quota, 'used' | 'limit'>): string {
  const parts = [
    ...(limit.bytes > 0 ? [`${formatSize(used.bytes)} of ${formatSize(limit.bytes)}`] : []),
    ...(limit.messages > 0 ? [`${used.messages} of ${limit.messages} messages`] : []),
  ]
  return parts.join(', ')
}

/** undefined: there is no such account. */
export async function findQuotaOf(tx: Tx, accountId: number, usual: Extent): Promise<Quota | undefined> {
  const row = await tx.get<QuotaRow>(
    `SELECT ${quotaColumns} FROM ${quotaTables} WHERE account.id = ?`,
    accountId,
  )
  return row && readQuota(row, usual)
}

/** Its messages come or leave. */
export async function changeUse(tx: Tx, accountId: number, { bytes, messages }: Extent): Promise<void> {
  await tx.run(
    'UPDATE account SET used_bytes = used_bytes + ?, used_messages = used_messages + ? WHERE id = ?',
    bytes,
    messages,
    accountId,
  )
}

/** Of the mailboxes as they count, whatever it said before. Whoever calls has locked the account. */
export async function recountUse(tx: Tx, accountId: number): Promise<void> {
  await tx.run(
    `UPDATE account SET
       used_bytes = (SELECT COALESCE(sum(bytes), 0) FROM mailbox WHERE account_id = account.id),
       used_messages = (SELECT COALESCE(sum(messages), 0) FROM mailbox WHERE account_id = account.id) WHERE id = ?`,
    accountId,
  )
}

/** Whether what comes has room; where it has not, for how long that may be so. */
export type Room =
  | 'there'
  /** Its owner may make room. */
  | 'full'
  /** Its owner has been warned, and has made none for a week. */
  | 'full-for-long'
  /** It is more than the account may have in all. */
  | 'too-large'

const weekMs = 7 * 24 * 3_600_000

/**
 * `spare`: the part of the limits that may be taken beyond them. A message that has been accepted comes from it: it was taken
 * when there was room, and its sender would hear of it late.
 */
export function findRoom(
  { used, limit, level, levelSince }: Quota,
  coming: Extent,
  { now, spare = 0 }: { readonly now: number; readonly spare?: number },
): Room {
  const kinds = ['bytes', 'messages'] as const
  // What makes no more of it is let in, whatever there is.
  const limited = kinds.filter(kind => limit[kind] > 0 && coming[kind] > 0)
  const most = (kind: keyof Extent): number => limit[kind] * (1 + spare)
  if (limited.some(kind => coming[kind] > most(kind))) return 'too-large'
  if (limited.every(kind => used[kind] + coming[kind] <= most(kind))) return 'there'
  return level === 95 && now - levelSince >= weekMs ? 'full-for-long' : 'full'
}

/** A level is left when somewhat less is used: else who stands at its edge would be told again and again. */
const hysteresis = 5

export function levelOf({ used, limit, level }: Omit<Quota, 'levelSince'>): FillLevel {
  const parts = (['bytes', 'messages'] as const).map(kind =>
    limit[kind] > 0 ? (100 * used[kind]) / limit[kind] : 0,
  )
  const percent = Math.max(...parts)
  const reaches = (wanted: FillLevel): boolean => percent >= (level >= wanted ? wanted - hysteresis : wanted)
  return reaches(95) ? 95 : reaches(80) ? 80 : 0
}

/** What the transaction brings into an account, and by which rule it is let in. */
export interface Coming {
  readonly accountId: number
  readonly extent: Extent
  readonly usual: Extent
  readonly spare?: number
  readonly now: number
}

/** Whoever calls has locked the account, and brings it when it is 'there'. */
export async function takeRoom(tx: Tx, coming: Coming): Promise<Room> {
  const { accountId, extent, usual } = coming
  const quota = await findQuotaOf(tx, accountId, usual)
  if (!quota) return 'there'
  const room = findRoom(quota, extent, coming)
  if (room !== 'there') return room
  await raiseLevel(tx, coming, quota)
  return room
}

/** What comes may fill the account so far that its owner is to be told. Before it comes. */
export async function raiseLevel(
  tx: Tx,
  { accountId, extent, now }: Pick<Coming, 'accountId' | 'extent' | 'now'>,
  quota: Quota,
): Promise<void> {
  const { used } = quota
  const filled = { bytes: used.bytes + extent.bytes, messages: used.messages + extent.messages }
  const level = levelOf({ ...quota, used: filled })
  if (level > quota.level) await writeLevel(tx, { accountId, level, now })
}

/** Who is told of a level is told once, until it has been left. */
export async function writeLevel(
  tx: Tx,
  { accountId, level, now }: { readonly accountId: number; readonly level: FillLevel; readonly now: number },
): Promise<void> {
  await tx.run(
    `UPDATE account SET fill_level = ?, fill_since = ?, fill_told = CASE WHEN fill_told > ? THEN ? ELSE fill_told END
      WHERE id = ?`,
    level,
    now,
    level,
    level,
    accountId,
  )
  tx.wake('quota', accountId)
}
