// An alias, group or catch-all gives way to its targets; what the sender asked to be told goes along (RFC 3461 §5.2.7).
import type { Address } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'
import { composeAsciiDeliveredTo } from '../message/trace-fields.ts'
import type { NewRecipient } from '../queue/new-message.ts'
import type { ClaimedWork, QueuedRecipient } from '../queue/records.ts'
import { isAscii } from '../runtime/text.ts'
import type { NotifyCondition } from '../smtp/parameters.ts'
import type { Attempted } from './plan-settlement.ts'

export function expandRecipient(
  work: ClaimedWork,
  recipient: QueuedRecipient,
  targets: readonly Address[],
): Attempted {
  const notify = targets.length === 1 ? recipient.notify : withoutSuccess(recipient.notify)
  // The address that the sender wrote: so that a report about a target of the alias speaks of the alias.
  const originalRecipient = recipient.originalRecipient ?? originalRecipientOf(recipient.forwardPath)
  const into = targets.map(
    (forwardPath): NewRecipient => ({
      forwardPath,
      originalRecipient,
      expandedFrom: [...(recipient.expandedFrom ?? []), recipient.forwardPath],
      ...(notify ? { notify } : {}),
      ...(recipient.isWanted ? { isWanted: true } : {}),
    }),
  )
  return { work, recipient, outcome: { kind: 'expanded', into: targets.map(formatAddress) }, into }
}

/**
 * What goes before the mail data on its way to other servers, so that the message is known when it comes back: by whose
 * expansion it leaves. In ASCII: whatever the message needs of other servers, it needs no more.
 */
export function traceOfExpansion({ expandedFrom = [] }: QueuedRecipient): string {
  return composeAsciiDeliveredTo(...expandedFrom)
}

/**
 * §5.2.7.3 (c): the sender who asked for success is told 'expanded' now, and of the targets' successes nothing. An empty
 * list, NOTIFY=NEVER, is what is left of SUCCESS alone.
 */
export function withoutSuccess(
  notify: readonly NotifyCondition[] | undefined,
): readonly NotifyCondition[] | undefined {
  return notify?.filter(condition => condition !== 'SUCCESS')
}

/** RFC 3461 §4.2; the type is 'utf-8' where the address is internationalised (RFC 6533 §3). */
function originalRecipientOf(address: Address): string {
  const text = formatAddress(address)
  return `${isAscii(text) ? 'rfc822' : 'utf-8'};${text}`
}
