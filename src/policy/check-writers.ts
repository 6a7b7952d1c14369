// Submitted mail: may this account write in the name that a reader will see, that of the From field, and send in that of the
// Sender field? (RFC 6409 §6.1; RFC 5322 §3.6.2)
import { addressKey } from '../address/address-key.ts'
import { findWriters } from '../message/authors.ts'
import { isAscii } from '../runtime/text.ts'
import { replies } from '../smtp/replies.ts'
import type { Reply } from '../smtp/reply.ts'
import type { Client, MailTransaction, ReversePathParameters } from '../smtp/server/services.ts'
import type { Storage } from '../storage/operation.ts'
import { describeOwner, maySendAs, type SenderPolicy } from './sender-policy.ts'

/** Each that is not the account's own address is looked up. */
const maxWriters = 20
const maxShown = 320

/** undefined: it may; or it is no account, or may write whatever it likes. `section`: with what a submission lacks. */
export async function checkWriters(
  storage: Pick<Storage, 'run'>,
  policy: SenderPolicy,
  { account }: Client,
  { reversePath, parameters }: Pick<MailTransaction, 'reversePath' | 'parameters'>,
  section: Uint8Array,
): Promise<Reply | undefined> {
  if (!account || policy.senderAddress === 'any') return undefined
  for (const field of ['from', 'sender'] as const) {
    const name = fieldNames[field]
    const writers = findWriters(section, field)
    if (writers === 'nobody') return replies.writerMissing(name)
    if (writers === 'too-long' || writers.length > maxWriters) return replies.writerUnreadable(name)
    for (const { address, text } of writers) {
      if (!address) return replies.writerUnreadable(name, shown(text, parameters))
      // That was asked at MAIL.
      if (reversePath && addressKey(address) === addressKey(reversePath)) continue
      if (await maySendAs(storage, policy, account, address)) continue
      return replies.writerNotYours(
        name,
        shown(text, parameters),
        await describeOwner(storage, account, parameters),
      )
    }
  }
  return undefined
}

/** RFC 6531 §3.7.4.2: a client that has not asked for UTF-8 gets none. */
function shown(text: string, { smtpUtf8 }: Pick<ReversePathParameters, 'smtpUtf8'>): string {
  const clipped = text.slice(0, maxShown)
  return smtpUtf8 || isAscii(clipped) ? clipped : clipped.replaceAll(/[^\x20-\x7e]/gu, '?')
}

const fieldNames = { from: 'From', sender: 'Sender' } as const
