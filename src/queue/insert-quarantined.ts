// Puts a message aside, inside the transaction that takes it.
import { formatAddress } from '../address/format-address.ts'
import type { MessageIdentity } from '../message/identify-message.ts'
import type { Tx } from '../storage/operation.ts'
import { appendEvent } from '../trail/append-event.ts'
import type { NewRecipient } from './new-message.ts'
import type { QueuedMessage } from './records.ts'

export interface QuarantinedMessage {
  readonly message: QueuedMessage
  /** Those for whom it is kept; others may have had it. */
  readonly recipients: readonly NewRecipient[]
  readonly identity: MessageIdentity
  /** Of the From field. */
  readonly author?: string | undefined
  readonly keptAt: number
  readonly endsAt: number
  /** A sentence. */
  readonly because: string
}

export type QuarantineContent = Pick<QuarantinedMessage, 'message' | 'recipients' | 'identity' | 'author'>

export async function insertQuarantined(
  tx: Tx,
  { message, recipients, identity, author, keptAt, endsAt, because }: QuarantinedMessage,
): Promise<void> {
  await tx.run(
    'INSERT INTO quarantined (id, reverse_path, kept_at, ends_at, because, content) VALUES (?, ?, ?, ?, ?, ?)',
    message.id,
    message.reversePath === null ? '' : formatAddress(message.reversePath),
    keptAt,
    endsAt,
    because,
    JSON.stringify({ message, recipients, identity, author } satisfies QuarantineContent),
  )
  await appendEvent(tx, keptAt, message.id, {
    kind: 'quarantined',
    recipients: recipients.map(({ forwardPath }) => formatAddress(forwardPath)),
    because,
    until: endsAt,
  })
}
