// Whether a stranger's message is wanted: what scanners, lists and the filter say of it adds up to one score, of which each
// line is evidence for the trail.
import type { Address, ReversePath } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { formatAddress } from '../address/format-address.ts'
import { neighbourhoodOf } from '../address/networks.ts'
import type { SpamSettings } from '../config/settings.ts'
import { isDomain } from '../directory/domains.ts'
import { findAccountBehind } from '../directory/find-account-behind.ts'
import type { Resolver } from '../dns/resolver.ts'
import type { IprevEvidence } from '../mail-authentication/iprev.ts'
import type { Clock } from '../runtime/clock.ts'
import {
  type Advice,
  type HeaderFieldToAdd,
  type MessageChanges,
  oneLine,
  type Specimen,
} from '../scanner/contract.ts'
import { knowsCorrespondent } from '../sending/sending-counts.ts'
import type { Storage } from '../storage/operation.ts'
import { askAddressLists, type Listing, linesOfListings } from './block-lists.ts'
import { linesOfClient } from './client-lines.ts'
import { estimateSpam } from './estimate.ts'
import { greylistRules, type Visit, visitGreylist } from './greylist.ts'
import { everybody, readLearned, recallWords } from './learning.ts'
import { linesOfOrigin, type Origin } from './origin-lines.ts'
import type { Attending, Scan, Scanners } from './run-scanners.ts'
import { meaningOf, type ScoreLine, sumOf } from './score.ts'
import { wordsOf } from './teach.ts'

export interface ScreeningParts {
  readonly settings: SpamSettings
  /** Of this server, canonical. */
  readonly hostname: string
  readonly storage: Pick<Storage, 'run'>
  readonly resolver: Pick<Resolver, 'a' | 'txt'>
  readonly scanners: Scanners
  readonly clock: Clock
}

/** For the trail. */
export interface ScreeningEvidence {
  readonly score: number
  readonly lines: readonly ScoreLine[]
  /** Who could not be asked, and why: 'zen.spamhaus.org: …'. */
  readonly notAsked?: readonly string[] | undefined
  /** Where it was taken: who made something else of it, and what: 'milter at 127.0.0.1:8891: another body'. */
  readonly changes?: readonly string[] | undefined
  /** It was put off, as of somebody who is not known: from then on the same may come again. ms since 1970. */
  readonly comeAgainAt?: number | undefined
}

/** What is known of the message from elsewhere. */
export interface ScreeningContext {
  /** Whose own lessons of the filter count. */
  readonly onlyRecipient?: Address | undefined
  readonly reversePath: ReversePath
  readonly recipients: readonly Address[]
  /** The domain that has proved that the message is from it. */
  readonly provenDomain?: string | undefined
  /** What the checks of where it is from have found; undefined: none was made. */
  readonly origin?: Origin | undefined
  /** Points that others have given already. */
  readonly lines?: readonly ScoreLine[] | undefined
  /** Somebody who gets it wants it: nobody has to come again. */
  readonly isAllowed?: boolean | undefined
  /** Scanners that have followed its transaction. */
  readonly attending?: Attending | undefined
}

export type ScreeningVerdict =
  | { readonly kind: 'accept' }
  | { readonly kind: 'junk'; readonly because: string }
  | {
      readonly kind: 'quarantine' | 'defer' | 'refuse'
      /** 'scanner': one wants it by itself, or is away, and it is not for the points. */
      readonly by: 'score' | 'scanner'
      /** For the trail. */
      readonly because: string
      /** The same for the peer, who learns nothing of what is inside: no program, address or limit. */
      readonly told: string
      /** Of what has too many points: what scanners want by themselves, which holds where points do not count. */
      readonly otherwise?: ScannersWish | undefined
    }

interface ScannersWish {
  readonly kind: 'defer' | 'quarantine'
  readonly by: 'scanner'
  readonly because: string
  readonly told: string
}

export interface Screened {
  readonly verdict: ScreeningVerdict
  readonly evidence: ScreeningEvidence
  readonly headerFields: readonly HeaderFieldToAdd[]
  /** Where it is taken. */
  readonly changes?: MessageChanges | undefined
}

/** Of a filter that is sure; less sure, less of them. Only wanted mail has fewer than none. */
const filterPoints = [
  { from: 0.99, points: 5 },
  { from: 0.95, points: 3.5 },
  { from: 0.8, points: 1.5 },
  { from: 0.2, points: 0 },
  { from: 0.05, points: -1 },
  { from: 0, points: -2 },
] as const

export class Screening {
  readonly #parts: ScreeningParts
  /** Whether the filter has learned anything, as it was seen a moment ago. */
  #learned: { readonly is: boolean; readonly until: number } = { is: false, until: 0 }

  constructor(parts: ScreeningParts) {
    this.#parts = parts
  }

  /** There is something to ask. */
  get isOn(): boolean {
    const { scanners, settings } = this.#parts
    return (
      scanners.areAny ||
      settings.filter ||
      settings.clientNames ||
      settings.lists.length > 0 ||
      Object.values(settings.unproven).some(points => points > 0)
    )
  }

  /** Rejects with a StorageFault. */
  async screen(specimen: Specimen, context: ScreeningContext): Promise<Screened> {
    const { resolver, scanners, settings } = this.#parts
    const [scans, listings, filter, client] = await Promise.all([
      scanners.scan(specimen, context.attending),
      askAddressLists(resolver, settings.lists, specimen.client.address),
      settings.filter ? this.#askFilter(specimen, context.onlyRecipient) : [],
      settings.clientNames ? this.#lookAtClient(specimen, context.origin?.evidence.iprev) : [],
    ])
    const lines = [
      ...(context.lines ?? []),
      ...client,
      ...(context.origin ? linesOfOrigin(context.origin, specimen.client.address, settings.unproven) : []),
      ...scans.flatMap(scan => scan.lines),
      ...linesOfListings(listings),
      ...filter,
    ]
    const notAsked = [...scans.flatMap(whyNotLooked), ...listings.flatMap(whyNoAnswer)]
    const changes = joinChanges(scans)
    const score = sumOf(lines)
    const verdict = this.#judge(scans, score)
    const mayBeGreylisted = !context.isAllowed && verdict.kind === 'accept' && score >= settings.greylistScore
    const comeAgainAt = mayBeGreylisted ? await this.#greylist(specimen, context) : undefined
    return {
      verdict: comeAgainAt === undefined ? verdict : comeAgain(comeAgainAt),
      evidence: {
        score,
        lines,
        ...(notAsked.length > 0 ? { notAsked } : {}),
        ...(changes ? { changes: scans.flatMap(describeChanges) } : {}),
        ...(comeAgainAt === undefined ? {} : { comeAgainAt }),
      },
      headerFields: scans.flatMap(({ headerFields }) => headerFields),
      ...(changes ? { changes } : {}),
    }
  }

  async #lookAtClient(
    { client: { address, heloName } }: Specimen,
    reverse: IprevEvidence | undefined,
  ): Promise<readonly ScoreLine[]> {
    const { hostname, storage } = this.#parts
    const isOurs = async (domain: string): Promise<boolean> =>
      domain === hostname || (await storage.run(isDomain, { name: domain }))
    return await linesOfClient({ address, heloName, reverse, isOurs })
  }

  /** undefined: known, or come again. */
  async #greylist(
    { client }: Specimen,
    { provenDomain, recipients, reversePath }: ScreeningContext,
  ): Promise<number | undefined> {
    const { clock, storage } = this.#parts
    const [recipient] = recipients
    if (!recipient) return undefined
    const now = clock.now()
    if (reversePath && (await this.#haveWrittenTo(reversePath, recipients, now))) return undefined
    const network = neighbourhoodOf(client.address)
    const visit: Visit = {
      origins: provenDomain === undefined ? [network] : [provenDomain, network],
      sender: reversePath === null ? '' : formatAddress(reversePath),
      recipient: formatAddress(recipient),
      now,
    }
    const found = await storage.run(visitGreylist, { visit, rules: greylistRules })
    return found.kind === 'come-again' ? found.notBefore : undefined
  }

  /** Whether one of the recipients has written to the sender. */
  async #haveWrittenTo(
    sender: Address,
    recipients: ScreeningContext['recipients'],
    now: number,
  ): Promise<boolean> {
    const { hostname, storage } = this.#parts
    for (const one of recipients.slice(0, mostAsked)) {
      const accountId = await storage.run(findAccountBehind, { address: one, hostname })
      if (accountId === undefined) continue
      const who = { accountId, addressKey: addressKey(sender), now }
      if ((await storage.run(knowsCorrespondent, who)) !== 'new') return true
    }
    return false
  }

  #judge(scans: readonly Scan[], score: number): ScreeningVerdict {
    const { junkScore: junk, quarantineScore: quarantine, refuseScore: refuse } = this.#parts.settings
    const refusing = find(scans, 'refuse')
    if (refusing) return { kind: 'refuse', by: 'scanner', ...reasons(refusing, 'refuses the message') }
    const meaning = meaningOf(score, { junk, quarantine, refuse })
    const wish = wishOf(scans)
    // What is surely spam needs no second look.
    if (meaning === 'refuse')
      return {
        kind: 'refuse',
        by: 'score',
        because: `it looks like spam (${score} points; ${refuse} are too many)`,
        told: 'it looks like spam',
        ...(wish ? { otherwise: wish } : {}),
      }
    if (wish) return wish
    if (meaning === 'quarantine')
      return {
        kind: 'quarantine',
        by: 'score',
        because: `it has ${score} points, and ${quarantine} are kept aside`,
        told: 'it looks like spam',
      }
    const marking = find(scans, 'mark')
    if (marking) return { kind: 'junk', because: because(marking, 'takes the message for spam') }
    return meaning === 'junk'
      ? { kind: 'junk', because: `it has ${score} points, and ${junk} make spam` }
      : { kind: 'accept' }
  }

  async #askFilter(specimen: Specimen, onlyRecipient: Address | undefined): Promise<readonly ScoreLine[]> {
    const { clock, hostname, storage } = this.#parts
    // Most servers have taught it nothing: then no message is read for it.
    if (clock.now() >= this.#learned.until) this.#learned = await hasLearned(storage, clock.now())
    if (!this.#learned.is) return []
    const accountId =
      onlyRecipient && (await storage.run(findAccountBehind, { address: onlyRecipient, hostname }))
    const words = await wordsOf(specimen.open())
    const { all, words: counts } = await storage.run(recallWords, {
      accountId: accountId ?? everybody,
      words,
    })
    const estimate = estimateSpam(counts, all)
    if (estimate === undefined) return []
    const points = filterPoints.find(({ from }) => estimate >= from)?.points ?? 0
    if (points === 0) return []
    return [
      {
        source: 'filter',
        name: points > 0 ? 'like spam' : 'like wanted mail',
        points,
        detail: `${(100 * estimate).toFixed(1)} % by ${counts.length} words, learned from ${all.spam} of spam and ${all.ham} of wanted`,
      },
    ]
  }
}

const lookAgainMs = 60_000
/** Recipients of one message who may know its sender. */
const mostAsked = 5

async function hasLearned(
  storage: Pick<Storage, 'run'>,
  now: number,
): Promise<{ readonly is: boolean; readonly until: number }> {
  const { spam, ham } = await storage.run(readLearned, { accountId: everybody })
  return { is: spam > 0 && ham > 0, until: now + lookAgainMs }
}

function wishOf(scans: readonly Scan[]): ScannersWish | undefined {
  const deferring = find(scans, 'defer')
  if (deferring) {
    return { kind: 'defer', by: 'scanner', ...reasons(deferring, 'asks to see the message again later') }
  }
  const keeping = find(scans, 'quarantine')
  if (!keeping) return undefined
  return {
    kind: 'quarantine',
    by: 'scanner',
    ...reasons(keeping, 'wants somebody to look at the message first'),
  }
}

export function find(scans: readonly Scan[], advice: Advice): Scan | undefined {
  return scans.find(scan => scan.advice === advice)
}

function because({ scanner, text, notLooked }: Scan, wish: string): string {
  return (
    text ?? `${scanner}: ${notLooked === undefined ? `it ${wish}` : 'the message could not be looked at now'}`
  )
}

function comeAgain(at: number): ScreeningVerdict {
  const told = `who is not known here has to send a message again, as mail servers do by themselves, from ${new Date(at).toISOString()} on`
  return { kind: 'defer', by: 'score', because: told, told }
}

/** `wish`: 'refuses the message'. What a scanner says itself is meant for the peer; which one it is he need not know. */
export function reasons(scan: Scan, wish: string): { readonly because: string; readonly told: string } {
  const told = scan.notLooked === undefined ? `a scanner ${wish}` : 'it could not be looked at'
  return { because: because(scan, wish), told: scan.text ?? told }
}

export function whyNotLooked({ scanner, notLooked }: Scan): string[] {
  return notLooked === undefined ? [] : [`${scanner}: ${notLooked}`]
}

function whyNoAnswer(listing: Listing): string[] {
  return listing.kind === 'no-answer' ? [`${listing.zone}: ${listing.detail}`] : []
}

/** In the order of the settings; of several bodies and senders the last one's. */
export function joinChanges(scans: readonly Scan[]): MessageChanges | undefined {
  const all = scans.flatMap(({ changes }) => changes ?? [])
  if (all.length === 0) return undefined
  const body = all.findLast(one => one.body !== undefined)?.body
  const reversePath = all.findLast(one => one.reversePath !== undefined)?.reversePath
  return {
    fields: all.flatMap(({ fields }) => fields),
    ...(body === undefined ? {} : { body }),
    addedRecipients: all.flatMap(({ addedRecipients }) => addedRecipients),
    removedRecipients: all.flatMap(({ removedRecipients }) => removedRecipients),
    ...(reversePath === undefined ? {} : { reversePath }),
  }
}

export function describeChanges({ scanner, changes }: Scan): string[] {
  if (!changes) return []
  const { fields, body, addedRecipients, removedRecipients, reversePath } = changes
  const names = [...new Set(fields.map(({ name }) => oneLine(name, 60)))]
  const listed = (addresses: readonly string[]): string => addresses.map(one => oneLine(one, 320)).join(', ')
  const parts = [
    ...(names.length > 0 ? [`other fields (${names.join(', ')})`] : []),
    ...(body === undefined ? [] : [`another body (${body.length} bytes)`]),
    ...(reversePath === undefined ? [] : [`another sender (<${oneLine(reversePath, 320)}>)`]),
    ...(addedRecipients.length > 0 ? [`further recipients (${listed(addedRecipients)})`] : []),
    ...(removedRecipients.length > 0 ? [`not to ${listed(removedRecipients)}`] : []),
  ]
  return [`${scanner}: ${parts.join('; ')}`]
}
