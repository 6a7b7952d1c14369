// MAIL: may this client send from this address? (RFC 6409 §4.3, §6.1)
import type { ReversePath } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'
import { findStanding, listOwnAddresses, ownsAddress } from '../directory/owns-address.ts'
import { isAscii } from '../runtime/text.ts'
import { replies } from '../smtp/replies.ts'
import type { Reply } from '../smtp/reply.ts'
import type { AuthenticatedAccount, Client, ReversePathParameters } from '../smtp/server/services.ts'
import type { Storage } from '../storage/operation.ts'

export interface SenderPolicy {
  readonly hostname: string
  /** `submission.senderAddress` of the settings. */
  readonly senderAddress: 'own' | 'own-domain' | 'any'
}

export async function checkReversePath(
  storage: Pick<Storage, 'run'>,
  policy: SenderPolicy,
  client: Client,
  reversePath: ReversePath,
  parameters: Pick<ReversePathParameters, 'smtpUtf8'>,
): Promise<Reply | undefined> {
  const { account } = client
  if (!account) {
    if (client.local) return undefined
    // RFC 6409 §4.3: a submission server takes nothing from strangers.
    return client.role === 'relay' ? undefined : replies.authRequired
  }
  const standing = await storage.run(findStanding, { accountId: account.id })
  // It may have been disabled or removed since it logged in.
  if (standing !== 'enabled') return replies.accountDisabled
  // A client that reports that a message was read (RFC 8098 §3) has to use the null reverse-path.
  if (reversePath === null || policy.senderAddress === 'any') return undefined
  if (policy.senderAddress === 'own-domain' && reversePath.domain === domainOf(account)) return undefined
  const question = { address: reversePath, hostname: policy.hostname, accountId: account.id }
  if (await storage.run(ownsAddress, question)) return undefined
  const own = await storage.run(listOwnAddresses, { accountId: account.id })
  const readable = own.filter(one => one !== account.address && (parameters.smtpUtf8 || isAscii(one)))
  return replies.senderNotYours(formatAddress(reversePath), describeOwner(account.address, readable))
}

const maxListed = 5

function describeOwner(address: string, others: readonly string[]): string {
  if (others.length === 0) return address
  const more = others.length > maxListed ? ' and others' : ''
  return `${address}, who may also send as ${others.slice(0, maxListed).join(', ')}${more}`
}

// The account's address is canonical, and a canonical domain has no @.
function domainOf(account: AuthenticatedAccount): string {
  return account.address.slice(account.address.lastIndexOf('@') + 1)
}
