// What an account may have in its mailboxes, as its sessions see it (RFC 9208).
import { codes } from '../imap/responses/codes.ts'
import type { QuotaRoot, Refusal } from '../imap/server/mailbox-services.ts'
import type { Extent, Quota } from '../mailbox/quota.ts'
import { findLackOfRoom, readQuotaOf } from '../mailbox/quota-operations.ts'
import type { AccessParts } from './parts.ts'

/** An account has one, for all its mailboxes; without a name, as it is most often. */
const root = ''
/** RFC 9208 §5.1: STORAGE counts in these. */
const unit = 1024

export const overQuota: Refusal = {
  refused: 'There is no room for it in these mailboxes: delete something, and empty the trash',
  code: codes.overQuota,
}

/** None: the account has no limits. */
export async function readQuotaRoots(
  { storage, usualQuota: usual }: Pick<AccessParts, 'storage' | 'usualQuota'>,
  accountId: number,
): Promise<readonly QuotaRoot[]> {
  const quota = await storage.run(readQuotaOf, { accountId, usual })
  return quota && quota.limit.bytes + quota.limit.messages > 0 ? [describeRoot(quota)] : []
}

function describeRoot({ used, limit }: Quota): QuotaRoot {
  const storage = {
    name: 'STORAGE',
    used: Math.ceil(used.bytes / unit),
    limit: Math.floor(limit.bytes / unit),
  }
  const messages = { name: 'MESSAGE', used: used.messages, limit: limit.messages }
  return {
    name: root,
    resources: [...(limit.bytes > 0 ? [storage] : []), ...(limit.messages > 0 ? [messages] : [])],
  }
}

/** Before any octet of it has come. What it is let in by is looked at again when it is kept. */
export async function refuseWithoutRoom(
  { storage, clock, usualQuota: usual }: Pick<AccessParts, 'storage' | 'clock' | 'usualQuota'>,
  accountId: number,
  coming: Extent,
): Promise<Refusal | undefined> {
  const lack = await storage.run(findLackOfRoom, { accountId, usual, coming, now: clock.now() })
  return lack && overQuota
}
