// What accounts have and may have, as others ask for it: one, or all of them.
import { defineRead, defineWrite, type Storage } from '../storage/operation.ts'
import { holdsMessage } from './holds-message.ts'
import { lockAccounts } from './mailbox-row.ts'
import {
  type Extent,
  findQuotaOf,
  findRoom,
  levelOf,
  type Quota,
  type QuotaRow,
  quotaColumns,
  quotaTables,
  type Room,
  readQuota,
  recountUse,
  writeLevel,
} from './quota.ts'

export interface QuotaQuestion {
  readonly accountId: number
  /** As the settings say, for whom nothing else is said. */
  readonly usual: Extent
}

/** undefined: there is no such account. */
export const readQuotaOf = defineRead(
  'mailbox.read-quota',
  async (tx, { accountId, usual }: QuotaQuestion): Promise<Quota | undefined> =>
    await findQuotaOf(tx, accountId, usual),
)

export interface RoomQuestion extends QuotaQuestion {
  readonly coming: Extent
  /** Of the limits, beyond them. */
  readonly spare?: number
  /** A message that the account may have already: then it takes no more room. */
  readonly queueId?: number
  readonly now: number
}

/** undefined: there is room. */
export const findLackOfRoom = defineRead(
  'mailbox.find-lack-of-room',
  async (
    tx,
    question: RoomQuestion,
  ): Promise<{ readonly room: Exclude<Room, 'there'>; readonly quota: Quota } | undefined> => {
    const { accountId, queueId, usual, coming } = question
    const quota = await findQuotaOf(tx, accountId, usual)
    const room = quota ? findRoom(quota, coming, question) : 'there'
    if (!quota || room === 'there') return undefined
    if (queueId !== undefined && (await holdsMessage(tx, accountId, queueId))) return undefined
    return { room, quota }
  },
)

export interface AccountQuota extends Quota {
  readonly accountId: number
}

/** Of the accounts after this id, `limit` at most, in the order of their ids. */
export const listQuotas = defineRead(
  'mailbox.list-quotas',
  async (
    tx,
    { usual, after, limit }: { readonly usual: Extent; readonly after: number; readonly limit: number },
  ): Promise<readonly AccountQuota[]> => {
    const rows = await tx.all<QuotaRow & { readonly id: number }>(
      `SELECT account.id AS id, ${quotaColumns} FROM ${quotaTables} WHERE account.id > ? ORDER BY account.id LIMIT ?`,
      after,
      limit,
    )
    return rows.map(row => ({ accountId: row.id, ...readQuota(row, usual) }))
  },
)

/** What its owner is to be told of by now, where that is another level than it was. */
export const updateLevel = defineWrite(
  'mailbox.update-fill-level',
  async (tx, { accountId, usual, now }: QuotaQuestion & { readonly now: number }): Promise<void> => {
    await lockAccounts(tx, accountId)
    const quota = await findQuotaOf(tx, accountId, usual)
    const level = quota && levelOf(quota)
    if (quota && level !== undefined && level !== quota.level) await writeLevel(tx, { accountId, level, now })
  },
)

export interface UseDamage {
  readonly accountId: number
  readonly address: string
}

/** Accounts that count otherwise than their mailboxes do. */
const findWrongUse = defineRead(
  'mailbox.find-wrong-use',
  async (tx, { accountId }: { readonly accountId: number | undefined }): Promise<readonly UseDamage[]> => {
    const rows = await tx.all<{ id: number; address: string }>(
      `SELECT id, address FROM account
        WHERE (used_bytes <> (SELECT COALESCE(sum(bytes), 0) FROM mailbox WHERE account_id = account.id)
           OR used_messages <> (SELECT COALESCE(sum(messages), 0) FROM mailbox WHERE account_id = account.id))
          ${accountId === undefined ? '' : 'AND id = ?'} ORDER BY id`,
      ...(accountId === undefined ? [] : [accountId]),
    )
    return rows.map(({ id, address }) => ({ accountId: id, address }))
  },
)

/** The account, else all. */
export async function findUseDamage(
  storage: Pick<Storage, 'run'>,
  accountId?: number,
): Promise<readonly UseDamage[]> {
  return await storage.run(findWrongUse, { accountId })
}

export const mendUse = defineWrite(
  'mailbox.mend-use',
  async (tx, { accountId }: { readonly accountId: number }): Promise<void> => {
    await lockAccounts(tx, accountId)
    await recountUse(tx, accountId)
  },
)
