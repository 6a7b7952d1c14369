// Mail that is kept aside: taken, durable, in nobody's mailbox and in no line, until an administrator releases or deletes it,
// or its time is over (docs/adr/0027). Its sender is told nothing meanwhile, since nothing has happened.
import { formatAddress } from '../address/format-address.ts'
import { removeUnreferencedMailData } from '../storage/mail-data-rows.ts'
import { defineRead, defineWrite, type SqlValue } from '../storage/operation.ts'
import { StorageFault } from '../storage/storage-fault.ts'
import { appendEvent } from '../trail/append-event.ts'
import { insertQueueMessage, insertRecipient } from './insert-message.ts'
import type { QuarantineContent, QuarantinedMessage } from './insert-quarantined.ts'
import { formatQueueId, type QueueId } from './queue-id.ts'
import { readIfIntact } from './rows.ts'

export interface QuarantineRow {
  readonly id: QueueId
  readonly kept_at: number
  readonly ends_at: number
  readonly because: string
  readonly content: string
}

export const quarantineColumns = 'id, kept_at, ends_at, because, content'

export interface QuarantineSelection {
  readonly queueId?: QueueId | undefined
  /** '' is the null reverse-path. */
  readonly reversePath?: string | undefined
  /** ms since 1970 */
  readonly keptBefore?: number | undefined
  readonly keptAfter?: number | undefined
}

export interface QuarantinePage {
  readonly selection: QuarantineSelection
  /** Only messages with a greater queue id; 0 for the first page. */
  readonly afterId: QueueId
  readonly limit: number
}

export interface QuarantineListing {
  readonly messages: readonly QuarantinedMessage[]
  /** Rows that cannot be read. */
  readonly damaged: readonly QueueId[]
  /** Where the next page begins; undefined after the last one. */
  readonly lastId: QueueId | undefined
}

/** Oldest first. */
export const listQuarantine = defineRead(
  'queue.list-quarantine',
  async (tx, { selection, afterId, limit }: QuarantinePage): Promise<QuarantineListing> => {
    const { where, values } = select(selection)
    const rows = await tx.all<QuarantineRow>(
      `SELECT ${quarantineColumns} FROM quarantined WHERE id > ? AND ${where} ORDER BY id LIMIT ?`,
      afterId,
      ...values,
      limit,
    )
    const messages: QuarantinedMessage[] = []
    const damaged: QueueId[] = []
    for (const row of rows) {
      const message = readIfIntact(() => readQuarantined(row))
      if (message) messages.push(message)
      else damaged.push(row.id)
    }
    return { messages, damaged, lastId: rows.length < limit ? undefined : rows.at(-1)?.id }
  },
)

export const countQuarantine = defineRead('queue.count-quarantine', async (tx): Promise<number> => {
  const row = await tx.get<{ count: number }>('SELECT count(*) AS count FROM quarantined')
  return row?.count ?? 0
})

function select({ queueId, reversePath, keptBefore, keptAfter }: QuarantineSelection): {
  readonly where: string
  readonly values: readonly SqlValue[]
} {
  const wanted = (
    [
      ['id = ?', queueId],
      ['reverse_path = ?', reversePath],
      ['kept_at < ?', keptBefore],
      ['kept_at >= ?', keptAfter],
    ] as const
  ).flatMap(([sql, value]) => (value === undefined ? [] : [{ sql, value }]))
  return {
    where: wanted.length === 0 ? '1 = 1' : wanted.map(({ sql }) => sql).join(' AND '),
    values: wanted.map(({ value }) => value),
  }
}

export function readQuarantined(row: QuarantineRow): QuarantinedMessage {
  const content = JSON.parse(row.content) as Partial<QuarantineContent>
  const { message, recipients, identity = {}, author } = content
  if (!message || !Array.isArray(recipients))
    throw new StorageFault(
      'STORAGE_DAMAGED',
      `The quarantined message ${formatQueueId(row.id)} cannot be read.`,
    )
  return {
    message,
    recipients,
    identity,
    ...(author === undefined ? {} : { author }),
    keptAt: row.kept_at,
    endsAt: row.ends_at,
    because: row.because,
  }
}

export interface QuarantineRelease {
  readonly queueId: QueueId
  readonly at: number
  /** It has all its time in the queue from now on. */
  readonly lifetimeMs: number
  /** The filter has learned from it that it is wanted. */
  readonly taught?: true | undefined
}

/** Into the queue, for those for whom it was kept. undefined: it is not (any more) in the quarantine. */
export const releaseQuarantined = defineWrite(
  'queue.release-quarantined',
  async (
    tx,
    { queueId, at, lifetimeMs, taught }: QuarantineRelease,
  ): Promise<QuarantinedMessage | undefined> => {
    // Others of its recipients may still be in the queue, and be the last to leave it now.
    await tx.lockRow('queue_message', queueId)
    const row = await tx.get<QuarantineRow>(
      `DELETE FROM quarantined WHERE id = ? RETURNING ${quarantineColumns}`,
      queueId,
    )
    if (!row) return undefined
    const found = readQuarantined(row)
    await insertQueueMessage(tx, { ...found.message, expiresAt: at + lifetimeMs })
    const place = { state: 'ready', dueAt: at, priority: found.message.priority ?? 0 } as const
    for (const recipient of found.recipients)
      await insertRecipient(tx, queueId, { ...recipient, isWanted: true }, place)
    await appendEvent(tx, at, queueId, { ...describeEnd(found), how: 'released', ...(taught && { taught }) })
    return found
  },
  { wakes: 'queue' },
)

export interface QuarantineEnd {
  readonly queueIds: readonly QueueId[]
  readonly at: number
  readonly how: 'deleted' | 'expired'
}

export interface QuarantineEnded {
  readonly messages: number
  /** Mail data files to discard. */
  readonly orphanedFiles: readonly string[]
}

/** Their senders are not told: what was kept aside is spam, as a rule in the name of somebody else. */
export const endQuarantined = defineWrite(
  'queue.end-quarantined',
  async (tx, { queueIds, at, how }: QuarantineEnd): Promise<QuarantineEnded> => {
    const orphanedFiles: string[] = []
    let messages = 0
    for (const queueId of [...new Set(queueIds)].toSorted((a, b) => a - b)) {
      await tx.lockRow('queue_message', queueId)
      const row = await tx.get<QuarantineRow>(
        `DELETE FROM quarantined WHERE id = ? RETURNING ${quarantineColumns}`,
        queueId,
      )
      if (!row) continue
      messages++
      const found = readIfIntact(() => readQuarantined(row))
      const end = found ? describeEnd(found) : { kind: 'quarantine-ended' as const, recipients: [] }
      await appendEvent(tx, at, queueId, { ...end, how })
      const file = await removeUnreferencedMailData(tx, queueId)
      if (file !== undefined) orphanedFiles.push(file)
    }
    return { messages, orphanedFiles }
  },
)

function describeEnd({ recipients }: QuarantinedMessage): {
  readonly kind: 'quarantine-ended'
  readonly recipients: readonly string[]
} {
  return {
    kind: 'quarantine-ended',
    recipients: recipients.map(({ forwardPath }) => formatAddress(forwardPath)),
  }
}

/** Whose time is over. */
export const findQuarantineOver = defineRead(
  'queue.find-quarantine-over',
  async (tx, { now, limit }: { readonly now: number; readonly limit: number }): Promise<QueueId[]> => {
    const rows = await tx.all<{ id: QueueId }>(
      'SELECT id FROM quarantined WHERE ends_at <= ? ORDER BY ends_at LIMIT ?',
      now,
      limit,
    )
    return rows.map(({ id }) => id)
  },
)

export const quarantineOperations = [
  listQuarantine,
  countQuarantine,
  releaseQuarantined,
  endQuarantined,
  findQuarantineOver,
] as const
