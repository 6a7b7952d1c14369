// The suppression list as the database keeps it: what delivery asks, and what an administrator does.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { formatAddress } from '../address/format-address.ts'
import { parseAddress } from '../address/parse-address.ts'
import { defineRead, defineWrite, type SqlValue, type Tx } from '../storage/operation.ts'
import type { TrailEvent } from '../trail/events.ts'
import { type NewSuppression, noteSuppression } from './note-suppression.ts'
import {
  type SuppressedMail,
  type Suppression,
  type SuppressionReason,
  type SuppressionSource,
  senderKey,
} from './suppression.ts'

interface SuppressionRow {
  readonly address_key: string
  readonly address: string
  readonly sender: string
  readonly reason: SuppressionReason
  readonly mail: SuppressedMail
  readonly since: number
  readonly last_at: number
  readonly until: number | null
  readonly times: number
  readonly queue_id: number | null
  readonly found_by: SuppressionSource
  readonly detail: string
}

const columns =
  'address_key, address, sender, reason, mail, since, last_at, until, times, queue_id, found_by, detail'

function readSuppression(row: SuppressionRow): Suppression {
  return {
    address: row.address,
    ...(row.sender === '' ? {} : { sender: row.sender }),
    reason: row.reason,
    mail: row.mail,
    since: row.since,
    lastAt: row.last_at,
    ...(row.until === null ? {} : { until: row.until }),
    times: row.times,
    ...(row.queue_id === null ? {} : { queueId: row.queue_id }),
    foundBy: row.found_by,
    detail: row.detail,
  }
}

/** An account that has mail under way. */
export interface SendingAccount {
  readonly id: number
  readonly address: string
  /** Why its mail is held; undefined: it is not. */
  readonly heldBecause?: string | undefined
}

export interface SendingRules {
  /** Those that hold now, by `addressKey`. */
  readonly suppressions: ReadonlyMap<string, readonly Suppression[]>
  readonly accounts: ReadonlyMap<number, SendingAccount>
}

/** Keys and ids of one question: the statement is one of few, so that the engines know it by heart. */
const sizes = [1, 16, 128, 1024]

function valuesOf<Value extends SqlValue>(values: readonly Value[]): readonly Value[] {
  const size = sizes.find(each => each >= values.length) ?? values.length
  const last = values.at(-1)
  return last === undefined ? [] : [...values, ...Array.from({ length: size - values.length }, () => last)]
}

const placesFor = (values: readonly unknown[]): string => values.map(() => '?').join(', ')

/** Asked once for all that one claim has taken. */
export const findSendingRules = defineRead(
  'suppression.find-rules',
  async (
    tx,
    {
      addressKeys,
      accountIds,
      now,
    }: {
      readonly addressKeys: readonly string[]
      readonly accountIds: readonly number[]
      readonly now: number
    },
  ): Promise<SendingRules> => {
    const suppressions = new Map<string, Suppression[]>()
    const accounts = new Map<number, SendingAccount>()
    const askForAddresses = async (): Promise<void> => {
      const keys = valuesOf(addressKeys)
      const rows = await tx.all<SuppressionRow>(
        `SELECT ${columns} FROM suppression WHERE address_key IN (${placesFor(keys)}) AND (until IS NULL OR until > ?)
          ORDER BY sender_key, reason`,
        ...keys,
        now,
      )
      for (const row of rows) {
        const known = suppressions.get(row.address_key)
        if (known) known.push(readSuppression(row))
        else suppressions.set(row.address_key, [readSuppression(row)])
      }
    }
    const askForAccounts = async (): Promise<void> => {
      const ids = valuesOf(accountIds)
      const rows = await tx.all<{ id: number; address: string; reason: string | null }>(
        `SELECT account.id AS id, account.address AS address, account_hold.reason AS reason FROM account
           LEFT JOIN account_hold ON account_hold.account_id = account.id AND account_hold.released_at IS NULL
          WHERE account.id IN (${placesFor(ids)})`,
        ...ids,
      )
      for (const { id, address, reason } of rows)
        accounts.set(id, { id, address, ...(reason === null ? {} : { heldBecause: reason }) })
    }
    await tx.forAll(
      [
        ...(addressKeys.length > 0 ? [askForAddresses] : []),
        ...(accountIds.length > 0 ? [askForAccounts] : []),
      ],
      ask => ask(),
    )
    return { suppressions, accounts }
  },
)

export interface SuppressionPage {
  /** Of this address only. */
  readonly address?: Address | undefined
  readonly reason?: SuppressionReason | undefined
  /** Those too that are over and only remembered. */
  readonly evenOver: boolean
  readonly now: number
  /** The last of the page before. */
  readonly after?: PageEnd | undefined
  readonly limit: number
}

export interface PageEnd {
  readonly addressKey: string
  readonly senderKey: string
  readonly reason: string
}

/** By address. */
export const listSuppressions = defineRead(
  'suppression.list',
  async (
    tx,
    { address, reason, evenOver, now, after, limit }: SuppressionPage,
  ): Promise<{ readonly suppressions: readonly Suppression[]; readonly end?: PageEnd | undefined }> => {
    const conditions: string[] = []
    const values: SqlValue[] = []
    const add = (condition: string, ...bound: SqlValue[]): void => {
      conditions.push(condition)
      values.push(...bound)
    }
    if (address) add('address_key = ?', addressKey(address))
    if (reason !== undefined) add('reason = ?', reason)
    if (!evenOver) add('(until IS NULL OR until > ?)', now)
    if (after)
      add('(address_key, sender_key, reason) > (?, ?, ?)', after.addressKey, after.senderKey, after.reason)
    const rows = await tx.all<SuppressionRow & { readonly sender_key: string }>(
      `SELECT ${columns}, sender_key FROM suppression ${conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''}
        ORDER BY address_key, sender_key, reason LIMIT ?`,
      ...values,
      limit,
    )
    const last = rows.length === limit ? rows.at(-1) : undefined
    return {
      suppressions: rows.map(readSuppression),
      ...(last
        ? { end: { addressKey: last.address_key, senderKey: last.sender_key, reason: last.reason } }
        : {}),
    }
  },
)

/** A page of them; those that are there already are renewed. */
export const addSuppressions = defineWrite(
  'suppression.add',
  async (tx, { suppressions }: { readonly suppressions: readonly NewSuppression[] }): Promise<void> => {
    const inOrder = suppressions.toSorted((a, b) => (addressKey(a.address) < addressKey(b.address) ? -1 : 1))
    for (const suppression of inOrder) await noteSuppression(tx, suppression)
  },
)

/** Returns how many went. */
export const removeSuppressions = defineWrite(
  'suppression.remove',
  async (
    tx,
    {
      address,
      sender,
      reason,
    }: {
      readonly address: Address
      readonly sender?: Address | undefined
      readonly reason?: SuppressionReason | undefined
    },
  ): Promise<number> => {
    const conditions = ['address_key = ?']
    const values: SqlValue[] = [addressKey(address)]
    if (sender) {
      conditions.push('sender_key = ?')
      values.push(senderKey(sender))
    }
    if (reason !== undefined) {
      conditions.push('reason = ?')
      values.push(reason)
    }
    const { changes } = await tx.run(`DELETE FROM suppression WHERE ${conditions.join(' AND ')}`, ...values)
    return changes
  },
)

export interface ReturnedNews {
  /** The message that it speaks of. */
  readonly queueId: number
  /** Whom it names. undefined: nobody; then it is about the only one to whom the message went, if there is one. */
  readonly recipient?: Address | undefined
  readonly suppression: Omit<NewSuppression, 'address'>
}

/**
 * By what came back from elsewhere. Whoever has seen a message of ours can write such a report, so it counts only for those to
 * whom that message went.
 */
export const noteReturned = defineWrite(
  'suppression.note-returned',
  async (tx, { news }: { readonly news: readonly ReturnedNews[] }): Promise<void> => {
    for (const { queueId, recipient, suppression } of news) {
      const address = recipient
        ? (await wentTo(tx, queueId, recipient)) && recipient
        : await onlyRecipient(tx, queueId)
      if (address) await noteSuppression(tx, { ...suppression, address })
    }
  },
)

async function wentTo(tx: Tx, queueId: number, recipient: Address): Promise<boolean> {
  const beginning = JSON.stringify({ kind: 'attempted', recipient: formatAddress(recipient) }).slice(0, -1)
  const rows = await tx.all<{ event: string }>(
    'SELECT event FROM trail_event WHERE queue_id = ? AND substr(event, 1, ?) = ?',
    queueId,
    // Both engines count characters, and not code units.
    Array.from(beginning).length,
    beginning,
  )
  return rows.some(({ event }) => wasTaken(event) !== undefined)
}

/** Of so many attempts; where there are more, it went to several. */
const maxAttempts = 100

async function onlyRecipient(tx: Tx, queueId: number): Promise<Address | undefined> {
  const rows = await tx.all<{ event: string }>(
    'SELECT event FROM trail_event WHERE queue_id = ? AND substr(event, 1, 19) = \'{"kind":"attempted"\' ORDER BY id LIMIT ?',
    queueId,
    maxAttempts + 1,
  )
  const recipients = new Set(rows.flatMap(({ event }) => wasTaken(event) ?? []))
  const [only] = recipients
  return recipients.size === 1 && rows.length <= maxAttempts && only !== undefined
    ? parseAddress(only)
    : undefined
}

/** By another server: the recipient. */
function wasTaken(text: string): string | undefined {
  const event = JSON.parse(text) as TrailEvent
  return event.kind === 'attempted' && event.outcome.kind === 'relayed' ? event.recipient : undefined
}

export const suppressionOperations = [
  findSendingRules,
  listSuppressions,
  addSuppressions,
  removeSuppressions,
  noteReturned,
] as const
