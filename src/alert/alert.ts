// Something that a person has to act on, from when it is found until it is over.
import type { ReportedProvider, ReportedReply } from '../bounce/report.ts'

export const alertKindNames = [
  /** A destination refuses mail from this server because of its name. Subject: what mail for it waits for (its site). */
  'reputation-block',
  /** The delivery thread died each time it had a message. Subject: its queue id. */
  'message-set-aside',
] as const
export type AlertKind = (typeof alertKindNames)[number]

/** What shows that it is so. */
export interface AlertEvidence {
  /** One English sentence for the administrator. */
  readonly detail: string
  readonly remoteMta?: string | undefined
  /** Of the other server, as it said it. */
  readonly reply?: ReportedReply | undefined
  /** Whose words these are, and what is done about them, when that is known. */
  readonly provider?: ReportedProvider | undefined
}

/** No two alerts have the same of both. */
export interface AlertKey {
  readonly kind: AlertKind
  readonly subject: string
}

export interface FoundAlert extends AlertKey {
  /** ms since 1970 */
  readonly at: number
  readonly evidence: AlertEvidence
}

/** What the last mail about it said. */
export interface Told {
  readonly state: 'open' | 'over'
  readonly at: number
}

export interface Alert extends AlertKey {
  readonly since: number
  readonly seenAt: number
  /** How often it was found. */
  readonly times: number
  /** Of the last time. */
  readonly evidence: AlertEvidence
  /** It is no longer so since then. */
  readonly mendedAt?: number | undefined
  readonly overAt?: number | undefined
  /** undefined: nobody was told yet. */
  readonly told?: Told | undefined
}
