// Whose mail an account wants, or does not want, whatever its score: entries of the account's own list and of the
// administrator's, and which of them decides (docs/adr/0027).
import type { Address, ReversePath } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { formatAddress } from '../address/format-address.ts'
import { isWithin } from '../mail-authentication/domain-names.ts'
import type { AuthenticationEvidence } from '../mail-authentication/evidence.ts'

export type SenderVerdict = 'allow' | 'block'

/** In place of an account: the administrator's list, for all. */
export const everybodys = 0

export interface SenderEntry {
  /** An account, or `everybodys`. */
  readonly ownerId: number
  readonly verdict: SenderVerdict
  /** 'boris@example.org', or 'example.org' for the domain and all below it. */
  readonly sender: string
  readonly note: string
  /** ms since 1970 */
  readonly since: number
}

/** Under which names a message comes. */
export interface SenderNames {
  readonly reversePath: ReversePath
  /** Of the From field; none where it is not known yet. */
  readonly authors: readonly Address[]
}

/** Which entry decides about a message for one recipient: for the trail. */
export interface SenderDecision {
  readonly verdict: SenderVerdict
  readonly entry: string
  readonly list: 'administrator' | 'account'
  /** What the entry is about: the From field, or the sender address of MAIL. */
  readonly by: 'author' | 'reverse-path'
  /** 'boris@example.org' */
  readonly name: string
  /** Nothing proves that the message is from there, so an entry that would let it in does not count. */
  readonly isUnproven?: true | undefined
  /** The message comes as of one of us, which nothing proves: an entry that lets in somebody else does not count. */
  readonly isAsOurs?: true | undefined
}

/** An entry that is written down and does not count says nothing. */
export function doesCount({ isUnproven, isAsOurs }: SenderDecision): boolean {
  return !isUnproven && !isAsOurs
}

/** What the checks of a message have found. */
export interface SenderProof {
  readonly isProven: (domain: string) => boolean
  /** The address of ours as which it comes without a proof. */
  readonly unprovenOwn?: string | undefined
}

/** Of a domain so many labels are looked at, from the end. */
const maxLabels = 12

/** What an entry is found by. */
export function keyOfSender(sender: Address | string): string {
  return typeof sender === 'string' ? `@${sender}` : addressKey(sender)
}

/** Every key by which an entry may be about these names. */
export function keysOfNames({ reversePath, authors }: SenderNames): readonly string[] {
  const names = [...authors, ...(reversePath ? [reversePath] : [])]
  return [
    ...new Set(
      names.flatMap(name => [addressKey(name), ...domainsAbove(name.domain).map(domain => `@${domain}`)]),
    ),
  ]
}

/** The domain itself first. */
function domainsAbove(domain: string): readonly string[] {
  if (domain.startsWith('[')) return [domain]
  const labels = domain.split('.')
  const first = Math.max(0, labels.length - maxLabels)
  return [domain, ...labels.map((_, index) => labels.slice(index).join('.')).slice(Math.max(1, first))]
}

/**
 * The administrator's no comes first, then what the account says, then the administrator's yes: an account may be stricter
 * than the administrator, and not laxer. In each list the narrower entry counts: an address before its domain, that before
 * the one above it; and of two that are as narrow the no.
 */
export function decideSender(
  entries: readonly SenderEntry[],
  names: SenderNames,
  proof: SenderProof,
): SenderDecision | undefined {
  const matches = matchesOf(entries, names, proof)
  const best = (list: Match['list']): Match | undefined =>
    matches
      .filter(match => match.list === list && doesCount(match))
      .toSorted((a, b) => b.narrowness - a.narrowness || (a.verdict === 'block' ? -1 : 1))[0]
  const administrators = best('administrator')
  const decisive =
    administrators?.verdict === 'block' ? administrators : (best('account') ?? administrators ?? matches[0])
  if (!decisive) return undefined
  const { narrowness: _narrowness, ...decision } = decisive
  return decision
}

interface Match extends SenderDecision {
  readonly narrowness: number
}

function matchesOf(
  entries: readonly SenderEntry[],
  { reversePath, authors }: SenderNames,
  { isProven, unprovenOwn }: SenderProof,
): readonly Match[] {
  // What a reader sees is whom it is from: neither its envelope nor a second author makes it mail of somebody who is wanted.
  const isAsOurs = (by: Match['by']): boolean =>
    unprovenOwn !== undefined && (by === 'reverse-path' || authors.length > 1)
  const names = [
    ...authors.map(name => ({ name, by: 'author' as const })),
    ...(reversePath ? [{ name: reversePath, by: 'reverse-path' as const }] : []),
  ]
  return entries.flatMap(({ ownerId, sender, verdict }) =>
    names.flatMap(({ name, by }): Match[] => {
      const narrowness = narrownessOf(sender, name)
      if (narrowness === undefined) return []
      return [
        {
          verdict,
          entry: sender,
          list: ownerId === everybodys ? 'administrator' : 'account',
          by,
          name: formatAddress(name),
          narrowness,
          ...(verdict === 'allow' && !isProven(name.domain) ? { isUnproven: true } : {}),
          ...(verdict === 'allow' && isAsOurs(by) ? { isAsOurs: true } : {}),
        },
      ]
    }),
  )
}

/** undefined: the entry is not about this name. */
function narrownessOf(sender: string, name: Address): number | undefined {
  const at = sender.lastIndexOf('@')
  if (at >= 0) return sender.toLowerCase() === addressKey(name) ? 1000 : undefined
  return isWithin(name.domain, sender) ? sender.length : undefined
}

/**
 * Whether it is proved that a message is from a domain: by DMARC; by SPF of the sender address, or by a signature, of the
 * domain itself or of one above it, which is master of its names. A signature of one below proves it by DMARC only, which
 * knows where one organisation ends and the next begins.
 */
export function isProvenBy({ dmarc, spf = [], dkim = [] }: AuthenticationEvidence, domain: string): boolean {
  if (dmarc?.result === 'pass' && dmarc.domain === domain) return true
  const proved = [
    ...spf.filter(({ identity, result }) => identity === 'mailfrom' && result === 'pass'),
    ...dkim.filter(({ result }) => result === 'pass'),
  ]
  return proved.some(({ domain: proven }) => proven !== undefined && isWithin(domain, proven))
}
