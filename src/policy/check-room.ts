// RCPT: has the recipient room for it? (RFC 3463 §3.3: X.2.2, X.2.3)
import type { Address } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'
import { isRoleAddress } from '../directory/keys.ts'
import { type ResolvedRecipient, resolveRecipient } from '../directory/resolve-recipient.ts'
import type { Extent, Room } from '../mailbox/quota.ts'
import { findLackOfRoom } from '../mailbox/quota-operations.ts'
import type { LmtpStores } from '../routing/lmtp-stores.ts'
import type { Clock } from '../runtime/clock.ts'
import { replies } from '../smtp/replies.ts'
import type { Reply } from '../smtp/reply.ts'
import type { Client } from '../smtp/server/services.ts'
import type { Storage } from '../storage/operation.ts'

/** Why there was no room, for the trail. */
export interface RoomEvidence {
  readonly account: string
  readonly room: Exclude<Room, 'there'>
  readonly used: Extent
  readonly limit: Extent
  /** What SIZE= said; 0: nothing. */
  readonly size: number
}

export interface RoomPolicy {
  readonly storage: Pick<Storage, 'run'>
  readonly hostname: string
  readonly clock: Pick<Clock, 'now'>
  readonly usual: Extent
  /** Of mailboxes that another server has, it judges itself. */
  readonly stores: Pick<LmtpStores, 'ofAccounts'>
  readonly noteEvidence?: ((reply: Reply, evidence: { readonly room: RoomEvidence }) => Reply) | undefined
}

export interface RoomWanted {
  readonly client: Pick<Client, 'account' | 'local'>
  readonly forwardPath: Address
  readonly resolved: ResolvedRecipient
  readonly declaredSize?: number | undefined
}

/** Of an alias, one level is looked at, and none of a group: some of its members have room. */
export async function checkRoom(policy: RoomPolicy, wanted: RoomWanted): Promise<Reply | undefined> {
  const { client, forwardPath, declaredSize: size = 0 } = wanted
  // RFC 5321 §4.5.1: postmaster can always be reached.
  if (isRoleAddress(forwardPath)) return undefined
  const account = await findAccount(policy, wanted.resolved)
  if (!account || policy.stores.ofAccounts(account.address.domain)) return undefined
  const { accountId, address } = account
  const { storage, clock, usual } = policy
  const coming = { bytes: Math.max(size, 1), messages: 1 }
  const lack = await storage.run(findLackOfRoom, { accountId, usual, coming, now: clock.now() })
  if (!lack) return undefined
  const { room, quota } = lack
  // A mail program does not come again, and most give up the other recipients as well: this server waits in its place.
  if (room === 'full' && (client.account || client.local)) return undefined
  const reply = replyTo(room, formatAddress(forwardPath))
  const evidence = { account: formatAddress(address), room, used: quota.used, limit: quota.limit, size }
  return policy.noteEvidence?.(reply, { room: evidence }) ?? reply
}

async function findAccount(
  { storage, hostname }: RoomPolicy,
  resolved: ResolvedRecipient,
): Promise<Extract<ResolvedRecipient, { kind: 'account' }> | undefined> {
  if (resolved.kind === 'account') return resolved
  const [target, ...others] = resolved.kind === 'redirection' ? resolved.targets : []
  if (!target || others.length > 0) return undefined
  const next = await storage.run(resolveRecipient, { address: target, hostname })
  return next.kind === 'account' ? next : undefined
}

function replyTo(room: Exclude<Room, 'there'>, recipient: string): Reply {
  switch (room) {
    case 'full':
      return replies.mailboxFull(recipient)
    case 'full-for-long':
      return replies.mailboxFullForLong(recipient)
    case 'too-large':
      return replies.tooLargeForMailbox(recipient)
    default:
      return room satisfies never
  }
}
