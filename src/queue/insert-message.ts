// Puts a message with its recipients into the queue, inside somebody's transaction.
import { formatAddress } from '../address/format-address.ts'
import { insertMailData } from '../storage/mail-data-rows.ts'
import type { Tx } from '../storage/operation.ts'
import { appendEvent } from '../trail/append-event.ts'
import type { NewMessage, NewRecipient } from './new-message.ts'
import type { QueueId } from './queue-id.ts'
import type { QueuedMessage, RecipientState } from './records.ts'
import { formatMessageParameters, formatRecipientParameters } from './rows.ts'
import { anyonesShard, shardOfDomain } from './shards.ts'

export async function insertMessage(
  tx: Tx,
  { message, mailData, recipients, reception, held }: NewMessage,
): Promise<void> {
  const { acceptedAt, id } = message
  const state = held ? 'held' : 'ready'
  const inserts = [
    () => insertMailData(tx, id, mailData),
    () => insertQueueMessage(tx, message),
    ...recipients.map(recipient => () => insertRecipient(tx, id, recipient, state, acceptedAt)),
    ...(reception ? [() => appendEvent(tx, acceptedAt, id, { kind: 'received', reception })] : []),
  ]
  await tx.forAll(inserts, insert => insert())
}

async function insertQueueMessage(tx: Tx, message: QueuedMessage): Promise<void> {
  await tx.run(
    'INSERT INTO queue_message (id, mail_data_id, reverse_path, size, accepted_at, expires_at, account_id, is_report, parameters) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    message.id,
    message.id,
    message.reversePath === null ? null : formatAddress(message.reversePath),
    message.size,
    message.acceptedAt,
    message.expiresAt,
    message.accountId ?? null,
    message.isReport ? 1 : 0,
    formatMessageParameters(message),
  )
}

export async function insertRecipient(
  tx: Tx,
  messageId: QueueId,
  recipient: NewRecipient,
  state: RecipientState,
  dueAt: number,
): Promise<void> {
  const { domain } = recipient.forwardPath
  await tx.run(
    `INSERT INTO queue_recipient (message_id, forward_path, domain, parameters, state, due_at, attempts, shard, relay_domain)
      VALUES (?, ?, ?, ?, ?, ?, 0, CASE WHEN EXISTS (SELECT 1 FROM domain WHERE name = ?) THEN ${anyonesShard} ELSE ? END,
        (SELECT name FROM relay_domain WHERE name = ?))`,
    messageId,
    formatAddress(recipient.forwardPath),
    domain,
    formatRecipientParameters(recipient),
    state,
    dueAt,
    domain,
    shardOfDomain(domain),
    domain,
  )
}
