// An address to which mail is not sent: why, whose mail, since when and until when.
import type { Address, ReversePath } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'

export const suppressionReasons = [
  /** The receiver said that there is no such address. */
  'unknown-user',
  /** Its domain does not exist. */
  'unknown-domain',
  /** The recipient called a message of this sender spam (RFC 5965). */
  'complaint',
  /** The recipient asked an administrator to be taken off. */
  'unsubscribed',
  'by-hand',
] as const
export type SuppressionReason = (typeof suppressionReasons)[number]

/** Which mail it stops. 'bulk': what goes to many; 'all': but for the reports of this server. */
export type SuppressedMail = 'bulk' | 'all'

/** 'reply': of the receiver's server to ours. 'report': another server's, or a complaint, that came back later. */
export type SuppressionSource = 'reply' | 'report' | 'administrator'

export interface Suppression {
  readonly address: string
  /** Whose mail; undefined: everybody's. Without its subaddress. */
  readonly sender?: string | undefined
  readonly reason: SuppressionReason
  readonly mail: SuppressedMail
  /** ms since 1970: when it was first, and last, found. */
  readonly since: number
  readonly lastAt: number
  /** Then it may be tried again; undefined: it stays. */
  readonly until?: number | undefined
  /** How often it was found, each time after `until` was over. */
  readonly times: number
  /** The message that found it. */
  readonly queueId?: number | undefined
  readonly foundBy: SuppressionSource
  /** One English sentence, or what the other server said. */
  readonly detail: string
}

const dayMs = 24 * 3_600_000

/** A mailbox that does not exist may be made later: tried again after a time that grows. */
export const deadForMs: readonly number[] = [7 * dayMs, 30 * dayMs, 90 * dayMs, 180 * dayMs]

/** So long it is known, after it was over, how often it was so before. */
export const rememberedMs = 365 * dayMs

/** What a mailbox of a sender is known by: who writes as news+spring@ is news@. */
export function senderKey({ localPart, domain }: Address): string {
  const plus = localPart.indexOf('+')
  return addressKey(plus > 0 ? { localPart: localPart.slice(0, plus), domain } : { localPart, domain })
}

export interface SentMail {
  readonly reversePath: ReversePath
  readonly isBulk: boolean
  /** Composed by this server: it answers who has written here, and is never stopped. */
  readonly isReport: boolean
}

/** The first that stops this mail. `suppressions`: of one recipient, those that hold now. */
export function findBinding<Found extends Pick<Suppression, 'mail' | 'sender'>>(
  suppressions: readonly Found[],
  { reversePath, isBulk, isReport }: SentMail,
): Found | undefined {
  if (isReport || reversePath === null) return undefined
  const sender = senderKey(reversePath)
  return suppressions.find(
    suppression =>
      (suppression.mail === 'all' || isBulk) &&
      (suppression.sender === undefined || suppression.sender === sender),
  )
}
