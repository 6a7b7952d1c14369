// Something that a person has to act on, from when it is found until it is over.
import type { RefusedStep, ReportedProvider, ReportedReply } from '../bounce/report.ts'
import type { SendingEvidence } from '../sending/sending-counts.ts'

export const alertKindNames = [
  /** A destination refuses mail from this server because of its reputation. Subject: its lane, 'gmail', 'gmail from 192.0.2.1'. */
  'reputation-block',
  /** The delivery thread died each time it had a message. Subject: its queue id. */
  'message-set-aside',
  /** Files of the settings that cannot be used, or whose certificate is about to end. Subject: the certificate file. */
  'certificate-file',
  /** An authority does not issue a certificate to this server, or not a new one in time. Subject: its name. */
  'certificate-renewal',
  /** The DNS has no record, or another one, of a DKIM key that is to sign. Subject: the domain. */
  'dkim-record',
  /** A new DKIM key is to take the place of an old one. Subject: the domain. */
  'dkim-key-to-publish',
  /** Others report that mail from this server fails DMARC. Subject: the domain of its authors. */
  'dmarc-alignment',
  /** The mail of an account is held, because a stranger may have its password. Subject: its address. */
  'account-held',
  /** A scanner refuses what an account sends. Subject: its address. */
  'account-sends-virus',
  /** The hook file cannot be used as it is. Subject: the file. */
  'hook-file',
  /** A scanner does not look at mail. Subject: the scanner, 'clamd at 127.0.0.1:3310'. */
  'scanner-away',
] as const
export type AlertKind = (typeof alertKindNames)[number]

/** What shows that it is so. */
export interface AlertEvidence {
  /** One English sentence for the administrator. */
  readonly detail: string
  readonly remoteMta?: string | undefined
  readonly remoteAddress?: string | undefined
  /** What it refused; where that is known it stands in place of `detail`, in the language of the reader. */
  readonly refused?: RefusedStep | undefined
  /** The address of ours from which the mail came, where the settings say one. */
  readonly source?: AlertSource | undefined
  /** Of the other server, as it said it. */
  readonly reply?: ReportedReply | undefined
  /** Whose words these are, and what is done about them, when that is known. */
  readonly provider?: ReportedProvider | undefined
  /** When the certificate ends that is in use, in ms since 1970. */
  readonly validTo?: number | undefined
  /** Which of its sorts it is, for a kind that has several. */
  readonly sort?: string | undefined
  /** Of an account: what is far from its history. */
  readonly sending?: SendingEvidence | undefined
}

export interface AlertSource {
  readonly address: string
  readonly pool: string
  /** The pool has no other. */
  readonly isOnly: boolean
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
