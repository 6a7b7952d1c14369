// What feeds the list, inside the transaction of whoever has found it out.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { formatAddress } from '../address/format-address.ts'
import type { Tx } from '../storage/operation.ts'
import {
  deadForMs,
  rememberedMs,
  type SuppressedMail,
  type SuppressionReason,
  type SuppressionSource,
  senderKey,
} from './suppression.ts'

/** What an outcome says of an address. */
export type AddressNews =
  | {
      readonly kind: 'dead'
      readonly address: Address
      readonly reason: Extract<SuppressionReason, 'unknown-user' | 'unknown-domain'>
      readonly detail: string
    }
  /** A server took mail for it; it is on the list as one that does not exist. */
  | { readonly kind: 'alive'; readonly address: Address }

export interface NewSuppression {
  readonly address: Address
  readonly sender?: Address | undefined
  readonly reason: SuppressionReason
  readonly mail: SuppressedMail
  readonly at: number
  readonly queueId?: number | undefined
  readonly foundBy: SuppressionSource
  readonly detail: string
  /** undefined: by its reason. null: it stays. */
  readonly until?: number | null | undefined
}

const maxDetail = 400
const [first = 0, ...later] = deadForMs

/** For how long, by how often it was so before. */
const nextSpan = `CASE suppression.times ${later
  .slice(0, -1)
  .map((ms, index) => `WHEN ${index + 1} THEN ${ms}`)
  .join(' ')} ELSE ${later.at(-1)} END`

/** Found again while it holds, it counts no more and lasts no longer. */
export async function noteSuppression(tx: Tx, found: NewSuppression): Promise<void> {
  const { address, sender, reason, mail, at, queueId, foundBy, detail } = found
  const isDead = reason === 'unknown-user' || reason === 'unknown-domain'
  const until = found.until === undefined ? (isDead ? at + first : null) : found.until
  const isOver = 'suppression.until IS NOT NULL AND suppression.until <= excluded.last_at'
  await tx.run(
    `INSERT INTO suppression
       (address_key, sender_key, reason, address, sender, mail, since, last_at, until, times, queue_id, found_by, detail)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)
     ON CONFLICT (address_key, sender_key, reason) DO UPDATE SET
       until = ${
         found.until === undefined && isDead
           ? `CASE WHEN ${isOver} THEN excluded.last_at + ${nextSpan} ELSE suppression.until END`
           : 'excluded.until'
       },
       times = suppression.times + CASE WHEN ${isOver} THEN 1 ELSE 0 END,
       mail = excluded.mail, last_at = excluded.last_at, queue_id = excluded.queue_id, found_by = excluded.found_by,
       detail = excluded.detail`,
    addressKey(address),
    sender ? senderKey(sender) : '',
    reason,
    formatAddress(address),
    sender ? senderKey(sender) : '',
    mail,
    at,
    at,
    until,
    queueId ?? null,
    foundBy,
    detail.slice(0, maxDetail),
  )
}

/** `news`: of one settling. In one order, so that two do not wait for each other. */
export async function noteAddressNews(
  tx: Tx,
  at: number,
  news: readonly { readonly queueId: number; readonly about: AddressNews }[],
): Promise<void> {
  if (news.length === 0) return
  const byAddress = new Map(news.map(one => [addressKey(one.about.address), one]))
  for (const [key, { queueId, about }] of [...byAddress].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (about.kind === 'dead') {
      const { address, reason, detail } = about
      await noteSuppression(tx, { address, reason, mail: 'bulk', at, queueId, foundBy: 'reply', detail })
    } else {
      // A server that takes everything and reports later says nothing by taking it.
      await tx.run(
        `UPDATE suppression SET until = ? WHERE address_key = ? AND sender_key = ''
           AND reason IN ('unknown-user', 'unknown-domain') AND found_by = 'reply' AND until > ?`,
        at,
        key,
        at,
      )
    }
  }
  await tx.run('DELETE FROM suppression WHERE until < ?', at - rememberedMs)
}
