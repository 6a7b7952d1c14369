// MAIL: may this client send from this address? (RFC 6409 §4.3, §6.1)
import type { ReversePath } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'
import { findStanding } from '../directory/owns-address.ts'
import { replies } from '../smtp/replies.ts'
import type { Reply } from '../smtp/reply.ts'
import { isForUsers } from '../smtp/server/roles.ts'
import type { Client, ReversePathParameters } from '../smtp/server/services.ts'
import type { Storage } from '../storage/operation.ts'
import { describeOwner, maySendAs, type SenderPolicy } from './sender-policy.ts'

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
    return isForUsers(client.role) ? replies.authRequired : undefined
  }
  const standing = await storage.run(findStanding, { accountId: account.id })
  // It may have been disabled or removed since it logged in.
  if (standing !== 'enabled') return replies.accountDisabled
  // A client that reports that a message was read (RFC 8098 §3) has to use the null reverse-path.
  if (reversePath === null || (await maySendAs(storage, policy, account, reversePath))) return undefined
  return replies.senderNotYours(formatAddress(reversePath), await describeOwner(storage, account, parameters))
}
