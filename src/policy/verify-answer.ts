// VRFY and EXPN: what an address is, and who is in a group (RFC 5321 §3.5). Whether a client may ask at all is the
// session's affair: strangers get 252 unless the settings say otherwise.
import type { Address } from '../address/address.ts'
import { formatAddress, formatAddressForPeople } from '../address/format-address.ts'
import { parseAddress } from '../address/parse-address.ts'
import { findAccount } from '../directory/accounts.ts'
import { listDomainNames } from '../directory/domains.ts'
import { findRedirection } from '../directory/redirections.ts'
import { type ResolvedRecipient, resolveRecipient } from '../directory/resolve-recipient.ts'
import { isAscii } from '../runtime/text.ts'
import { replies } from '../smtp/replies.ts'
import type { Reply } from '../smtp/reply.ts'
import type { AddressQuestion } from '../smtp/server/services.ts'
import type { Storage } from '../storage/operation.ts'

type Reader = Pick<Storage, 'run'>

/** More domains than this are not searched for a bare local-part. */
const maxSearchedDomains = 200

export async function verifyAnswer(
  storage: Reader,
  hostname: string,
  question: AddressQuestion,
): Promise<Reply> {
  const { text } = question
  const candidates = await readCandidates(storage, hostname, text)
  if (candidates === undefined) return replies.notAnAddress
  const found = await resolveAll(storage, hostname, candidates)
  const [only, ...others] = found
  if (!only) return replies.noSuchMailbox(betweenAngleBrackets(text.trim()))
  // RFC 5321 §3.5.1: an ambiguous string is answered with the possibilities.
  const names = await Promise.all(found.map(one => describe(storage, one, question)))
  if (only.resolved.kind === 'foreign-domain' || only.resolved.kind === 'relay-domain')
    return replies.foreignMailbox
  if (!isReadable(names, question)) return replies.verifiedNeedsSmtpUtf8
  return others.length > 0 ? ambiguous(names) : replies.verified(names)
}

export async function expandAnswer(
  storage: Reader,
  hostname: string,
  question: AddressQuestion,
): Promise<Reply> {
  const { text } = question
  const candidates = await readCandidates(storage, hostname, text)
  if (candidates === undefined) return replies.notAnAddress
  const found = await resolveAll(storage, hostname, candidates)
  const lists = found.filter(one => one.resolved.kind === 'redirection')
  const [only, ...others] = lists
  if (!only) return replies.notAList(betweenAngleBrackets(text.trim()))
  const targets = only.resolved.kind === 'redirection' ? only.resolved.targets : []
  const names = await Promise.all(
    others.length > 0
      ? lists.map(one => describe(storage, one, question))
      : targets.map(target => nameOf(storage, target, question)),
  )
  if (!isReadable(names, question)) return replies.expandedNeedsSmtpUtf8
  return others.length > 0 ? ambiguous(names) : replies.verified(names)
}

// RFC 6531 §3.7.4.2: whoever asks without SMTPUTF8 may not be able to read other characters.
function isReadable(names: readonly string[], { smtpUtf8 }: AddressQuestion): boolean {
  return smtpUtf8 || names.every(isAscii)
}

function ambiguous(names: readonly string[]): Reply {
  return replies.ambiguous(['More than one address matches; which one?', ...names])
}

interface Found {
  readonly address: Address
  readonly resolved: ResolvedRecipient
}

async function resolveAll(
  storage: Reader,
  hostname: string,
  addresses: readonly Address[],
): Promise<Found[]> {
  const found: Found[] = []
  for (const address of addresses) {
    const resolved = await storage.run(resolveRecipient, { address, hostname })
    if (resolved.kind !== 'unknown-address') found.push({ address, resolved })
  }
  // A bare name matches a catch-all in every domain that has one: that is no answer to "who is this".
  return addresses.length === 1 ? found : found.filter(one => !isCatchAll(one.resolved))
}

function isCatchAll(resolved: ResolvedRecipient): boolean {
  return resolved.kind === 'redirection' && resolved.redirection === 'catch-all'
}

/** 'anna@example.test', '<anna@example.test>', 'A name <anna@example.test>', or 'anna' in any of our domains. */
async function readCandidates(
  storage: Reader,
  hostname: string,
  text: string,
): Promise<Address[] | undefined> {
  const inner = betweenAngleBrackets(text.trim())
  const address = parseAddress(inner)
  if (address) return [address]
  const domains = await storage.run(listDomainNames, { limit: maxSearchedDomains })
  const candidates = (domains.length > 0 ? domains : [hostname]).map(domain =>
    parseAddress(`${inner}@${domain}`),
  )
  return candidates.every(candidate => candidate !== undefined) ? candidates : undefined
}

function betweenAngleBrackets(text: string): string {
  const open = text.lastIndexOf('<')
  return text.endsWith('>') && open >= 0 ? text.slice(open + 1, -1) : text
}

async function describe(
  storage: Reader,
  { address, resolved }: Found,
  question: AddressQuestion,
): Promise<string> {
  return await nameOf(storage, resolved.kind === 'account' ? resolved.address : address, question)
}

/** 'A name <anna@example.test>', RFC 5321 §3.5.1. */
async function nameOf(storage: Reader, address: Address, { smtpUtf8 }: AddressQuestion): Promise<string> {
  const holder =
    (await storage.run(findAccount, { address })) ?? (await storage.run(findRedirection, { address }))
  // RFC 6531 §3.7.4.2: a domain in one form with its local-part, in U-labels for whoever reads them.
  const mailbox = `<${smtpUtf8 ? formatAddressForPeople(address) : formatAddress(address)}>`
  return holder === undefined || holder.name === '' ? mailbox : `${formatDisplayName(holder.name)} ${mailbox}`
}

// RFC 5322 §3.2.4: a name with special characters is quoted.
function formatDisplayName(name: string): string {
  return /^[\w \u00a0-\uffff]+$/.test(name) ? name : `"${name.replaceAll(/["\\]/g, '\\$&')}"`
}
