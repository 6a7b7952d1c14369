// Which queued recipients an administrator means, as a condition with its values.

import type { SqlValue } from '../storage/operation.ts'
import { causeOfWaiting, standingAt } from './gates.ts'
import type { QueueId } from './queue-id.ts'
import type { RecipientState } from './records.ts'

/** All conditions together; an empty selection is everything. Addresses in their canonical text. */
export interface QueueSelection {
  readonly queueId?: QueueId | undefined
  readonly state?: RecipientState | undefined
  readonly domain?: string | undefined
  readonly forwardPath?: string | undefined
  /** '' is the null reverse-path. */
  readonly reversePath?: string | undefined
  /** Not tried yet, because its sender wants it held until some time after this one (RFC 4865). */
  readonly scheduledAfter?: number | undefined
  /** The mail host at which the last attempt ended. */
  readonly host?: string | undefined
  /** Why it ended, or why there was none: a `ReportCause`. */
  readonly cause?: string | undefined
  /** Sent to another host by an administrator. */
  readonly routeTo?: string | undefined
  /** For which they stand in line. */
  readonly gate?: string | undefined
  /** They stand in line for a destination, or in that of their sender. */
  readonly inLineFor?: 'destination' | 'sender' | undefined
  /** Their server fetches them. */
  /** Sent by the account of this address, as `addressKey` has it. */
  readonly account?: string | undefined
  readonly isKept?: true | undefined
  /** ms since 1970 */
  readonly acceptedBefore?: number | undefined
  readonly acceptedAfter?: number | undefined
}

/** A condition: no attempt is made, the server of its domain fetches it. An administrator may send it elsewhere all the same. */
export const isKept = `queue_recipient.route_to IS NULL AND EXISTS
  (SELECT 1 FROM relay_domain WHERE relay_domain.name = queue_recipient.relay_domain AND keeps = 1)`

/** A condition over queue_recipient joined with queue_message. */
export function selectRecipients(selection: QueueSelection): {
  readonly where: string
  readonly values: readonly SqlValue[]
} {
  const conditions: string[] = []
  const values: SqlValue[] = []
  const add = (condition: string, value: SqlValue | undefined): void => {
    if (value === undefined) return
    conditions.push(condition)
    values.push(value)
  }
  add('message_id = ?', selection.queueId)
  add('state = ?', selection.state)
  add('domain = ?', selection.domain)
  add('forward_path = ?', selection.forwardPath)
  // '' is the null reverse-path, which stands as NULL.
  add("COALESCE(reverse_path, '') = ?", selection.reversePath)
  add("state = 'ready' AND attempts = 0 AND release_at > ?", selection.scheduledAfter)
  add('account_id = (SELECT id FROM account WHERE address_key = ?)', selection.account)
  add('last_host = ?', selection.host)
  add(`${causeOfWaiting} = ?`, selection.cause)
  add('route_to = ?', selection.routeTo)
  if (selection.gate !== undefined) {
    const standing = standingAt(selection.gate)
    conditions.push(standing.sql)
    values.push(...standing.values)
  }
  add("state = 'ready' AND gate LIKE ?", selection.inLineFor && `${selection.inLineFor} %`)
  if (selection.isKept) conditions.push(`state = 'ready' AND lease_owner IS NULL AND ${isKept}`)
  add('accepted_at < ?', selection.acceptedBefore)
  add('accepted_at >= ?', selection.acceptedAfter)
  return { where: conditions.length === 0 ? '1 = 1' : conditions.join(' AND '), values }
}
