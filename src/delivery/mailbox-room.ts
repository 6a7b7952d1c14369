// Whether the account into which mail is to be filed has room for it (RFC 3463 §3.3).
import { formatAddress } from '../address/format-address.ts'
import { isRoleAddress } from '../directory/keys.ts'
import { type Extent, formatUse, type Quota, type Room } from '../mailbox/quota.ts'
import { findLackOfRoom } from '../mailbox/quota-operations.ts'
import type { ClaimedWork, QueuedRecipient } from '../queue/records.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Storage } from '../storage/operation.ts'
import type { LocalRecipient } from './local-delivery.ts'
import type { NegativeOutcome } from './outcome.ts'

export interface RoomRules {
  readonly storage: Pick<Storage, 'run'>
  readonly clock: Pick<Clock, 'now'>
  /** As the settings say, where nothing else is said of an account. */
  readonly usual: Extent
}

/** A message that has been accepted had room then: so much of the quota is kept for those that come together. */
export const spareForAccepted = 0.1

/** RFC 5321 §4.5.1: it can always be reached. */
export function isAlwaysTaken({ forwardPath, expandedFrom = [] }: QueuedRecipient): boolean {
  return [forwardPath, ...expandedFrom].some(isRoleAddress)
}

/** undefined: it has. What is filed meanwhile is seen when it is written (src/queue/settle.ts). */
export async function findNoRoom(
  { storage, clock, usual }: RoomRules,
  { message }: ClaimedWork,
  { recipient, route }: LocalRecipient,
  coming: Extent,
): Promise<NegativeOutcome | undefined> {
  if (isAlwaysTaken(recipient)) return undefined
  const lack = await storage.run(findLackOfRoom, {
    accountId: route.accountId,
    queueId: message.id,
    usual,
    coming,
    spare: spareForAccepted,
    now: clock.now(),
  })
  if (!lack) return undefined
  const detail = describeLack(lack.quota, lack.room, formatAddress(route.address))
  const diagnosis = { stage: 'mailbox', detail } as const
  switch (lack.room) {
    case 'full':
      return { kind: 'deferred', diagnosis: { ...diagnosis, cause: 'mailbox-full', status: '4.2.2' } }
    case 'full-for-long':
      return { kind: 'failed', diagnosis: { ...diagnosis, cause: 'mailbox-full', status: '5.2.2' } }
    case 'too-large':
      return { kind: 'failed', diagnosis: { ...diagnosis, cause: 'message-too-large', status: '5.2.3' } }
    default:
      return lack.room satisfies never
  }
}

function describeLack(quota: Quota, room: Exclude<Room, 'there'>, address: string): string {
  const uses = `${address} has no room for it, and uses ${formatUse(quota)}`
  if (room === 'too-large') return `it is larger than the whole quota of ${address}`
  return room === 'full' ? uses : `${uses}, which has been so for more than a week`
}
