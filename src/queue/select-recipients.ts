// Which queued recipients an administrator means, as a condition with its values.

import type { SqlValue } from '../storage/operation.ts'
import { causeOfWaiting, type GateKey, standingAt } from './gates.ts'
import type { QueueId } from './queue-id.ts'
import type { RecipientState } from './records.ts'

/** All conditions together; an empty selection is everything. Addresses in their canonical text, whatever the case of its ASCII letters. */
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
  readonly destination?: DestinationSelection | undefined
  /** They stand in line for a destination, or in that of their sender. */
  readonly inLineFor?: 'destination' | 'sender' | undefined
  /** Sent by the account of this address, as `addressKey` has it. */
  readonly account?: string | undefined
  /** Their server fetches them. */
  readonly isKept?: true | undefined
  /** ms since 1970 */
  readonly acceptedBefore?: number | undefined
  readonly acceptedAfter?: number | undefined
}

/** Who stands in line for it; and of those who stand in no such line, who was last at one of its hosts. */
export interface DestinationSelection {
  readonly gate: GateKey
  readonly hosts: readonly HostSelection[]
}

/** 'mx1.example.org', or the end of a name: '.google.com', but for other ends. */
export interface HostSelection {
  readonly host: string
  readonly except?: readonly string[] | undefined
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
  // In either case, as people write addresses. There is no index of them.
  add('LOWER(forward_path) = LOWER(?)', selection.forwardPath)
  // '' is the null reverse-path, which stands as NULL.
  add("COALESCE(LOWER(reverse_path), '') = LOWER(?)", selection.reversePath)
  add("state = 'ready' AND attempts = 0 AND release_at > ?", selection.scheduledAfter)
  add('account_id = (SELECT id FROM account WHERE address_key = ?)', selection.account)
  add('LOWER(last_host) = LOWER(?)', selection.host)
  add(`${causeOfWaiting} = ?`, selection.cause)
  add('route_to = ?', selection.routeTo)
  if (selection.destination) {
    const standing = standingAt(selection.destination.gate)
    const hosts = selection.destination.hosts.map(atHost)
    const isThere = hosts.map(({ sql }) => sql).join(' OR ')
    const wasThere = `route_to IS NULL AND (gate IS NULL OR gate NOT LIKE 'destination %') AND (${isThere})`
    conditions.push(hosts.length === 0 ? standing.sql : `(${standing.sql} OR ${wasThere})`)
    values.push(...standing.values, ...hosts.flatMap(host => host.values))
  }
  add("state = 'ready' AND gate LIKE ?", selection.inLineFor && `${selection.inLineFor} %`)
  if (selection.isKept) conditions.push(`state = 'ready' AND lease_owner IS NULL AND ${isKept}`)
  add('accepted_at < ?', selection.acceptedBefore)
  add('accepted_at >= ?', selection.acceptedAfter)
  return { where: conditions.length === 0 ? '1 = 1' : conditions.join(' AND '), values }
}

function atHost({ host, except = [] }: HostSelection): {
  readonly sql: string
  readonly values: readonly string[]
} {
  if (!host.startsWith('.')) return { sql: 'LOWER(last_host) = ?', values: [host] }
  const endsWith = "'.' || LOWER(last_host) LIKE '%' || ?"
  return {
    sql: [endsWith, ...except.map(() => `NOT (${endsWith})`)].join(' AND '),
    values: [host, ...except],
  }
}
