// Which addresses an account may send as (`submission.senderAddress`): in MAIL, and in what a reader sees.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { listOwnAddresses, ownsAddress } from '../directory/owns-address.ts'
import { isAscii } from '../runtime/text.ts'
import type { AuthenticatedAccount, ReversePathParameters } from '../smtp/server/services.ts'
import type { Storage } from '../storage/operation.ts'

export interface SenderPolicy {
  readonly hostname: string
  /** `submission.senderAddress` of the settings. */
  readonly senderAddress: 'own' | 'own-domain' | 'any'
}

export async function maySendAs(
  storage: Pick<Storage, 'run'>,
  { hostname, senderAddress }: SenderPolicy,
  account: AuthenticatedAccount,
  address: Address,
): Promise<boolean> {
  if (senderAddress === 'any' || addressKey(address) === account.address) return true
  if (senderAddress === 'own-domain' && address.domain === domainOf(account)) return true
  return await storage.run(ownsAddress, { address, hostname, accountId: account.id })
}

const maxListed = 5

/** 'anna@example.test, who may also send as info@example.test': for a reply to this account. */
export async function describeOwner(
  storage: Pick<Storage, 'run'>,
  account: AuthenticatedAccount,
  { smtpUtf8 }: Pick<ReversePathParameters, 'smtpUtf8'>,
): Promise<string> {
  const own = await storage.run(listOwnAddresses, { accountId: account.id })
  const others = own.filter(one => one !== account.address && (smtpUtf8 || isAscii(one)))
  if (others.length === 0) return account.address
  const more = others.length > maxListed ? ' and others' : ''
  return `${account.address}, who may also send as ${others.slice(0, maxListed).join(', ')}${more}`
}

// The account's address is canonical, and a canonical domain has no @.
function domainOf(account: AuthenticatedAccount): string {
  return account.address.slice(account.address.lastIndexOf('@') + 1)
}
