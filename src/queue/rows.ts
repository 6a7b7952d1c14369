// The rows of the queue, and what they stand for. Rare parameters stand together as JSON, '' when there are none.
import type { Address } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'
import { parseAddress } from '../address/parse-address.ts'
import { StorageFault } from '../storage/storage-fault.ts'
import type { NewRecipient } from './new-message.ts'
import type { QueueId } from './queue-id.ts'
import type { QueuedMessage, QueuedRecipient, RecipientState } from './records.ts'

export interface MessageRow {
  readonly id: QueueId
  readonly mail_data_id: number
  readonly reverse_path: string | null
  readonly size: number
  readonly accepted_at: number
  readonly expires_at: number
  readonly release_at: number | null
  readonly account_id: number | null
  readonly is_report: number
  readonly parameters: string
}

export const messageColumns =
  'id, mail_data_id, reverse_path, size, accepted_at, expires_at, release_at, account_id, is_report, parameters'

type MessageParameters = Partial<
  Pick<
    QueuedMessage,
    | 'body'
    | 'smtpUtf8'
    | 'disposition'
    | 'ret'
    | 'envelopeId'
    | 'language'
    | 'priority'
    | 'deliverBy'
    | 'hasLongLines'
    | 'saysItReports'
    | 'isBulk'
    | 'tls'
    | 'isTlsReport'
    | 'isDmarcReport'
    | 'isLocal'
    | 'traceFields'
    | 'isQuarantined'
  >
>

export function formatMessageParameters(message: QueuedMessage): string {
  const {
    body,
    smtpUtf8,
    disposition,
    ret,
    envelopeId,
    language,
    priority,
    deliverBy,
    saysItReports,
    tls,
    traceFields,
  } = message
  const hasLongLines = message.hasLongLines || undefined
  const isTlsReport = message.isTlsReport || undefined
  const isDmarcReport = message.isDmarcReport || undefined
  const isBulk = message.isBulk || undefined
  const isLocal = message.isLocal || undefined
  const isQuarantined = message.isQuarantined || undefined
  const isUsual =
    body === '7BIT' &&
    !smtpUtf8 &&
    disposition === 'mail' &&
    ret === undefined &&
    envelopeId === undefined &&
    language === 'en' &&
    priority === undefined &&
    deliverBy === undefined &&
    saysItReports !== true &&
    isBulk === undefined &&
    hasLongLines === undefined &&
    tls === undefined &&
    isTlsReport === undefined &&
    isDmarcReport === undefined &&
    isLocal === undefined &&
    traceFields === undefined &&
    isQuarantined === undefined
  if (isUsual) return ''
  return JSON.stringify({
    body,
    smtpUtf8,
    disposition,
    ret,
    envelopeId,
    language,
    priority,
    deliverBy,
    hasLongLines,
    saysItReports,
    isBulk,
    tls,
    isTlsReport,
    isDmarcReport,
    isLocal,
    traceFields,
    isQuarantined,
  } satisfies MessageParameters)
}

export function readMessage(row: MessageRow): QueuedMessage {
  const parameters: MessageParameters =
    row.parameters === '' ? {} : (JSON.parse(row.parameters) as MessageParameters)
  return {
    id: row.id,
    reversePath: row.reverse_path === null ? null : readAddress(row.reverse_path),
    size: row.size,
    body: parameters.body ?? '7BIT',
    smtpUtf8: parameters.smtpUtf8 ?? false,
    disposition: parameters.disposition ?? 'mail',
    ret: parameters.ret,
    envelopeId: parameters.envelopeId,
    priority: parameters.priority,
    deliverBy: parameters.deliverBy,
    releaseAt: row.release_at ?? undefined,
    hasLongLines: parameters.hasLongLines,
    ...(parameters.tls === undefined ? {} : { tls: parameters.tls }),
    ...(parameters.isTlsReport ? { isTlsReport: true } : {}),
    ...(parameters.isDmarcReport ? { isDmarcReport: true } : {}),
    acceptedAt: row.accepted_at,
    expiresAt: row.expires_at,
    language: parameters.language ?? 'en',
    accountId: row.account_id ?? undefined,
    isReport: row.is_report === 1,
    ...(parameters.saysItReports ? { saysItReports: true } : {}),
    ...(parameters.isBulk ? { isBulk: true } : {}),
    ...(parameters.isLocal ? { isLocal: true } : {}),
    ...(parameters.traceFields === undefined ? {} : { traceFields: parameters.traceFields }),
    ...(parameters.isQuarantined ? { isQuarantined: true } : {}),
  }
}

export interface RecipientRow {
  readonly id: number
  readonly message_id: QueueId
  readonly forward_path: string
  readonly domain: string
  readonly parameters: string | null
  readonly state: RecipientState
  readonly due_at: number
  readonly attempts: number
  readonly lease_owner: string | null
  readonly last_diagnosis: string | null
  readonly last_cause: string | null
  readonly last_host: string | null
  readonly delay_reported_at: number | null
  readonly route_to: string | null
  readonly asked_for: number
  readonly gate: string | null
}

export const recipientColumns =
  'id, message_id, forward_path, domain, parameters, state, due_at, attempts, lease_owner, last_diagnosis, last_cause, last_host, delay_reported_at, route_to, asked_for, gate'

interface RecipientParameters extends Pick<NewRecipient, 'notify' | 'originalRecipient' | 'isWanted'> {
  readonly expandedFrom?: readonly string[] | undefined
}

export function formatRecipientParameters(recipient: NewRecipient): string | null {
  const { notify, originalRecipient, isWanted } = recipient
  const expandedFrom = recipient.expandedFrom?.map(formatAddress)
  const parameters: RecipientParameters = { notify, originalRecipient, expandedFrom, isWanted }
  return Object.values(parameters).every(value => value === undefined) ? null : JSON.stringify(parameters)
}

export function readRecipient(row: RecipientRow): QueuedRecipient {
  const parameters = row.parameters === null ? undefined : (JSON.parse(row.parameters) as RecipientParameters)
  return {
    id: row.id,
    messageId: row.message_id,
    forwardPath: readAddress(row.forward_path),
    notify: parameters?.notify,
    originalRecipient: parameters?.originalRecipient,
    state: row.state,
    attempts: row.attempts,
    dueAt: row.due_at,
    expandedFrom: parameters?.expandedFrom === undefined ? undefined : readAddresses(parameters.expandedFrom),
    ...(parameters?.isWanted ? { isWanted: true } : {}),
    delayReportedAt: row.delay_reported_at ?? undefined,
    routeTo: row.route_to ?? undefined,
    lastReason:
      row.last_diagnosis === null
        ? undefined
        : {
            diagnosis: row.last_diagnosis,
            cause: row.last_cause ?? undefined,
            host: row.last_host ?? undefined,
          },
    ...(row.asked_for === 1 ? { isAskedFor: true } : {}),
    ...(row.gate === null ? {} : { gate: row.gate }),
  }
}

function readAddresses(texts: unknown): readonly Address[] {
  if (!Array.isArray(texts))
    throw new StorageFault('STORAGE_DAMAGED', 'The queue holds something in place of addresses.')
  return texts.map(text => readAddress(String(text)))
}

export function readAddress(text: string): Address {
  const address = parseAddress(text)
  if (!address) throw new StorageFault('STORAGE_DAMAGED', `The queue holds "${text}", which is no address.`)
  return address
}

/** undefined when the row is damaged: its JSON, or an address in it. */
export function readIfIntact<Read>(read: () => Read): Read | undefined {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof StorageFault || cause instanceof SyntaxError) return undefined
    throw cause
  }
}
