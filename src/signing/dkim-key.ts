// A DKIM key of a domain of ours, from when it is made until its record may go; without its private half.
import type { DkimSettings } from '../config/settings.ts'
import type { PublishedKey } from './key-record.ts'
import { type KeyAlgorithm, keyAlgorithms } from './signing-key.ts'

export type KeyState =
  /** Its record is to be published; it signs nothing before that is seen. */
  | 'next'
  /** It signs, for as long as its record is seen. */
  | 'active'
  /** It signs no longer. What it has signed may still be under way, so its record stays. */
  | 'retired'
  /** Nobody needs it any more. */
  | 'revoked'

export interface DkimKey extends PublishedKey {
  /** A-labels. */
  readonly domain: string
  readonly selector: string
  readonly isImported: boolean
  readonly state: KeyState
  readonly stateSince: number
  readonly createdAt: number
  /** The last time that the DNS answered. */
  readonly checkedAt?: number | undefined
  /** What it said then; undefined: it was not asked yet. */
  readonly finding?: 'right' | 'missing' | 'different' | undefined
  /** In what way it is different. */
  readonly detail?: string | undefined
  /** Since then its record was right each time. */
  readonly seenSince?: number | undefined
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** The servers of a zone do not all have a new record at the same time. */
const overlapMs = dayMs
/** It is signed when it is handed over. After that it may wait for five days at each of two servers, and be looked at later. */
const underWayMs = 14 * dayMs
/** So long a revoked key is shown, so that its record is taken away. */
const shownRevokedMs = 30 * dayMs

export type KeyTerms = Pick<DkimSettings, 'rotateDays' | 'signUnseenAfterHours'>

/** Its record is where others look, as far as this server can tell. */
export function isPublished(
  { finding, createdAt }: Pick<DkimKey, 'finding' | 'createdAt'>,
  now: number,
  { signUnseenAfterHours }: Pick<DkimSettings, 'signUnseenAfterHours'>,
): boolean {
  if (finding === 'right') return true
  return signUnseenAfterHours > 0 && now - createdAt >= signUnseenAfterHours * hourMs
}

/** Until then the record of a retired key stays. */
export function publishedUntil({ stateSince }: Pick<DkimKey, 'stateSince'>): number {
  return stateSince + underWayMs
}

export type KeyStep =
  | { readonly kind: 'make'; readonly algorithm: KeyAlgorithm }
  | { readonly kind: 'promote' | 'revoke' | 'forget'; readonly selector: string }

/** What is to be done now about the keys of one domain. */
export function planKeys(keys: readonly DkimKey[], now: number, terms: KeyTerms): readonly KeyStep[] {
  return [
    ...keyAlgorithms.flatMap(algorithm =>
      planAlgorithm(
        keys.filter(key => key.algorithm === algorithm),
        algorithm,
        now,
        terms,
      ),
    ),
    ...keys.flatMap(key => planEnd(key, now)),
  ]
}

function planAlgorithm(
  keys: readonly DkimKey[],
  algorithm: KeyAlgorithm,
  now: number,
  terms: KeyTerms,
): readonly KeyStep[] {
  const active = keys.find(({ state }) => state === 'active')
  const next = keys.filter(({ state }) => state === 'next')
  const ready = next.find(key => isPublished(key, now, terms) && mayReplace(active, key, now, terms))
  if (ready) return [{ kind: 'promote', selector: ready.selector }]
  if (next.length > 0) return []
  const isOld = terms.rotateDays > 0 && active && now - active.stateSince >= terms.rotateDays * dayMs
  return !active || isOld ? [{ kind: 'make', algorithm }] : []
}

function mayReplace(active: DkimKey | undefined, next: DkimKey, now: number, terms: KeyTerms): boolean {
  // What was brought along is out there for longer than anybody here knows.
  if (!active || !isPublished(active, now, terms) || next.isImported) return true
  return now - (next.seenSince ?? next.createdAt) >= overlapMs
}

function planEnd(key: DkimKey, now: number): KeyStep[] {
  const { selector, state, stateSince } = key
  if (state === 'retired' && now >= publishedUntil(key)) return [{ kind: 'revoke', selector }]
  if (state === 'revoked' && now - stateSince >= shownRevokedMs) return [{ kind: 'forget', selector }]
  return []
}
