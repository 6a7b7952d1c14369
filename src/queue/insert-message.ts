// Puts a message with its recipients into the queue, inside somebody's transaction.
import { formatAddress } from '../address/format-address.ts'
import { insertMailData } from '../storage/mail-data-rows.ts'
import type { Tx } from '../storage/operation.ts'
import { appendEvent } from '../trail/append-event.ts'
import type { TrailEvent } from '../trail/events.ts'
import { addressGate, type GatePlace, gateLookMs, senderGate, shareOf } from './gates.ts'
import { insertQuarantined } from './insert-quarantined.ts'
import type { NewMessage, NewRecipient } from './new-message.ts'
import type { QueueId } from './queue-id.ts'
import type { QueuedMessage, RecipientState } from './records.ts'
import { formatMessageParameters, formatRecipientParameters } from './rows.ts'
import { anyonesShard, shardOfDomain } from './shards.ts'

export async function insertMessage(
  tx: Tx,
  { message, mailData, recipients, aside, reception, written, checks = [], held }: NewMessage,
): Promise<void> {
  const { acceptedAt, id, releaseAt } = message
  const dueAt = releaseAt ?? acceptedAt
  const place: RecipientPlace = {
    state: held ? 'held' : 'ready',
    dueAt,
    priority: message.priority ?? 0,
    // What is sent later has its turn then.
    gate: releaseAt === undefined ? await findSenderGate(tx, message) : undefined,
    lookAt: Math.min(dueAt + gateLookMs, message.expiresAt),
  }
  const inserts = [
    () => insertMailData(tx, id, mailData),
    ...(recipients.length > 0 ? [() => insertQueueMessage(tx, message)] : []),
    ...recipients.map(recipient => () => insertRecipient(tx, id, recipient, place)),
    ...(reception ? [() => appendEvent(tx, acceptedAt, id, { kind: 'received', reception })] : []),
    ...(written
      ? [() => appendEvent(tx, acceptedAt, id, describeWritten(message, written, recipients))]
      : []),
    ...checks.map(check => () => appendEvent(tx, acceptedAt, id, check)),
    ...(aside ? [() => insertQuarantined(tx, { ...aside, message, keptAt: acceptedAt })] : []),
    ...(releaseAt === undefined
      ? []
      : [() => appendEvent(tx, acceptedAt, id, { kind: 'scheduled', releaseAt })]),
  ]
  await tx.forAll(inserts, insert => insert())
}

function describeWritten(
  { reversePath }: QueuedMessage,
  { messageId, subject, script }: NonNullable<NewMessage['written']>,
  recipients: readonly NewRecipient[],
): TrailEvent {
  return {
    kind: 'written',
    ...(reversePath === null ? {} : { reversePath: formatAddress(reversePath) }),
    recipients: recipients.map(({ forwardPath }) => formatAddress(forwardPath)),
    messageId,
    subject,
    ...(script ? { script } : {}),
  }
}

/** Where others of its recipients are in the queue already, it is there. */
export async function insertQueueMessage(tx: Tx, message: QueuedMessage): Promise<void> {
  await tx.run(
    'INSERT INTO queue_message (id, mail_data_id, reverse_path, size, accepted_at, expires_at, release_at, account_id, is_report, parameters) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
    message.id,
    message.id,
    message.reversePath === null ? null : formatAddress(message.reversePath),
    message.size,
    message.acceptedAt,
    message.expiresAt,
    message.releaseAt ?? null,
    message.accountId ?? null,
    message.isReport ? 1 : 0,
    formatMessageParameters(message),
  )
}

/** Where a new recipient stands in the queue. */
export interface RecipientPlace {
  readonly state: RecipientState
  readonly dueAt: number
  readonly priority: number
  /** In the line of its sender, when there is one: in front of it, it would overtake them. */
  readonly gate?: GatePlace | undefined
  /** When it leaves that line at the latest. */
  readonly lookAt?: number | undefined
}

/** Of its address, or of its account: where somebody stands. */
async function findSenderGate(tx: Tx, message: QueuedMessage): Promise<GatePlace | undefined> {
  const { reversePath } = message
  const gates = [...new Set([...(reversePath ? [addressGate(reversePath)] : []), senderGate(message)])]
  const isStoodAt = "SELECT 1 FROM queue_recipient WHERE gate = ? AND state = 'ready'"
  const row = await tx.get<{ first: number; second: number }>(
    `SELECT CASE WHEN EXISTS (${isStoodAt}) THEN 1 ELSE 0 END AS first,
            CASE WHEN EXISTS (${isStoodAt}) THEN 1 ELSE 0 END AS second`,
    gates[0] ?? '',
    gates[1] ?? '',
  )
  const gate = row?.first === 1 ? gates[0] : row?.second === 1 ? gates[1] : undefined
  return gate === undefined ? undefined : { gate, share: shareOf(message) }
}

export async function insertRecipient(
  tx: Tx,
  messageId: QueueId,
  recipient: NewRecipient,
  place: RecipientPlace,
): Promise<void> {
  const { domain } = recipient.forwardPath
  const common = [
    messageId,
    formatAddress(recipient.forwardPath),
    domain,
    formatRecipientParameters(recipient),
    place.state,
    place.priority,
    domain,
    shardOfDomain(domain),
    domain,
  ]
  if (!place.gate) {
    await tx.run(insertDue, ...common, place.dueAt)
    return
  }
  await tx.run(
    insertInLine,
    ...common,
    domain,
    place.dueAt,
    place.lookAt ?? place.dueAt,
    domain,
    place.gate.gate,
    domain,
    place.gate.share,
  )
}

const isOwn = 'EXISTS (SELECT 1 FROM domain WHERE name = ?)'
const columns =
  'message_id, forward_path, domain, parameters, state, priority, attempts, shard, relay_domain, due_at'
const values = `?, ?, ?, ?, ?, ?, 0, CASE WHEN ${isOwn} THEN ${anyonesShard} ELSE ? END,
  (SELECT name FROM relay_domain WHERE name = ?)`
const insertDue = `INSERT INTO queue_recipient (${columns}) VALUES (${values}, ?)`
// Mail for here passes by.
const insertInLine = `INSERT INTO queue_recipient (${columns}, gate, gate_share)
  VALUES (${values}, CASE WHEN ${isOwn} THEN CAST(? AS BIGINT) ELSE CAST(? AS BIGINT) END,
    CASE WHEN ${isOwn} THEN NULL ELSE ? END, CASE WHEN ${isOwn} THEN NULL ELSE ? END)`
