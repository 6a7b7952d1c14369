// Whether the mailboxes of an account of ours are full, and what becomes of its mail then.
import type { Address } from '../address/address.ts'
import { formatAddress, formatAddressForPeople } from '../address/format-address.ts'
import { type Settings, usualQuotaOf } from '../config/settings.ts'
import { findAccount } from '../directory/accounts.ts'
import { formatUse, type Quota, type Room } from '../mailbox/quota.ts'
import { findLackOfRoom } from '../mailbox/quota-operations.ts'
import type { CommandStorage } from './open-storage.ts'

export interface Fullness {
  readonly address: Address
  readonly room: Exclude<Room, 'there'>
  readonly quota: Quota
}

/** undefined: there is room for the smallest message, or it is no account. */
export async function readFullness(
  storage: Pick<CommandStorage, 'run'>,
  settings: Pick<Settings, 'mailboxes'>,
  address: Address,
  now: number,
): Promise<Fullness | undefined> {
  const account = await storage.run(findAccount, { address })
  if (!account) return undefined
  const lack = await storage.run(findLackOfRoom, {
    accountId: account.id,
    usual: usualQuotaOf(settings.mailboxes),
    coming: { bytes: 1, messages: 1 },
    now,
  })
  return lack && { address, ...lack }
}

/** Sentences. */
export function describeFullness({ address, room, quota }: Fullness): string {
  const fate = room === 'full' ? 'Its mail is put off' : 'Its mail is refused'
  return `The mailboxes of ${formatAddressForPeople(address)} are full: ${formatUse(quota)}. ${fate} until there is room; "postrider account quota ${formatAddress(address)}" gives it more.`
}
