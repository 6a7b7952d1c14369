// Who has sent a stranger's message on, where that is somebody whom those who get it know: a mailing list, or a forwarder, changes what
// would prove the author (RFC 9989 §7.4, RFC 7960). A field that says so is no reason, since anybody can write it (docs/adr/0023):
// whoever it is has proved itself (SPF, DKIM), and is one to whom they have written, or whom a list of senders lets in.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { formatAddress } from '../address/format-address.ts'
import { findAccount } from '../directory/accounts.ts'
import { findAccountBehind } from '../directory/find-account-behind.ts'
import type { AuthenticationEvidence, KnownForwarder } from '../mail-authentication/evidence.ts'
import type { Clock } from '../runtime/clock.ts'
import { decideSender, doesCount, isProvenBy, type SenderNames } from '../sender-list/sender-list.ts'
import type { SenderLists } from '../sender-list/sender-lists.ts'
import { hasWrittenTo } from '../sending/sending-counts.ts'
import type { Storage } from '../storage/operation.ts'

export interface ForwarderParts {
  readonly storage: Pick<Storage, 'run'>
  readonly senderLists: SenderLists
  readonly clock: Clock
  readonly hostname: string
}

export interface ForwardedMessage extends SenderNames {
  readonly evidence: AuthenticationEvidence
  /** Which mailing list it says has sent it on. */
  readonly lists: readonly Address[]
  readonly recipients: readonly Address[]
}

/** People of one message who may know its list. */
const mostAsked = 5

/**
 * A mailing list to which one who gets the message, or its author where he is one of ours, has written; one that all of
 * `unprovenOwn` use, and all who get it, comes first.
 */
export async function findKnownList(
  { storage, clock, hostname }: ForwarderParts,
  { evidence, lists, authors, recipients }: ForwardedMessage,
  unprovenOwn: readonly Address[],
): Promise<KnownForwarder | undefined> {
  const proven = lists.filter(({ domain }) => isProvenBy(evidence, domain))
  if (proven.length === 0) return undefined
  for (const list of unprovenOwn.length > 0 ? proven : [])
    if (await areUsersOf(list, unprovenOwn, recipients, { storage, clock, hostname }))
      return { name: formatAddress(list), knownBy: 'correspondence', isUsedByAuthor: true }
  const accountIds = new Set<number>()
  for (const address of [...recipients.slice(0, mostAsked), ...authors.slice(0, 1)]) {
    const accountId = await storage.run(findAccountBehind, { address, hostname })
    if (accountId !== undefined) accountIds.add(accountId)
  }
  for (const list of proven) {
    const question = {
      accountIds: [...accountIds],
      addressKeys: addressesOf(list).map(addressKey),
      now: clock.now(),
    }
    if (await storage.run(hasWrittenTo, question))
      return { name: formatAddress(list), knownBy: 'correspondence' }
  }
  return undefined
}

/**
 * Whether each author is the address of an account that has written to the list (behind an alias may be anybody), and so has each
 * who gets it: else whoever has had one mail of Anna's could call his own address a list, and write as Anna to all her colleagues.
 */
async function areUsersOf(
  list: Address,
  authors: readonly Address[],
  recipients: readonly Address[],
  { storage, clock, hostname }: Pick<ForwarderParts, 'storage' | 'clock' | 'hostname'>,
): Promise<boolean> {
  const addressKeys = addressesOf(list).map(addressKey)
  const hasWritten = async (accountId: number | undefined): Promise<boolean> =>
    accountId !== undefined &&
    (await storage.run(hasWrittenTo, { accountIds: [accountId], addressKeys, now: clock.now() }))
  for (const address of authors)
    if (!(await hasWritten((await storage.run(findAccount, { address }))?.id))) return false
  for (const address of recipients)
    if (!(await hasWritten(await storage.run(findAccountBehind, { address, hostname })))) return false
  return true
}

/** Whom a list of senders, the administrator's or that of somebody who gets the message, lets in; proven, as it has to be. */
export async function findWantedForwarder(
  { senderLists, hostname }: ForwarderParts,
  { evidence, authors, reversePath, recipients }: ForwardedMessage,
): Promise<KnownForwarder | undefined> {
  const names = { reversePath, authors }
  const entries = await senderLists.find({ names, recipients, hostname })
  // What it lets in goes to Junk, whoever the author is.
  const proof = { isProven: (domain: string): boolean => isProvenBy(evidence, domain) }
  const decision = entries
    .map(ofRecipient => decideSender(ofRecipient, names, proof))
    .find(one => one?.verdict === 'allow' && doesCount(one))
  return decision && { name: decision.entry, knownBy: 'sender-list' }
}

/** Where a list is written to: to all on it, and by whoever wants to be on it (RFC 2142 §6; Mailman and others). */
function addressesOf(list: Address): readonly Address[] {
  const { localPart, domain } = list
  return [list, ...['-request', '-subscribe', '-join'].map(end => ({ localPart: localPart + end, domain }))]
}
