// What the queue holds: one message, one record per recipient.
import type { Address, ReversePath } from '../address/address.ts'
import type { BodyType, DeliverByMode, Disposition, NotifyCondition } from '../smtp/parameters.ts'
import type { GateKey } from './gates.ts'
import type { QueueId } from './queue-id.ts'

export type Language = 'en' | 'ru'

/** When a message is wanted at its recipients (RFC 2852). */
export interface DeliverBy {
  /** ms since 1970. */
  readonly at: number
  readonly mode: DeliverByMode
  readonly trace: boolean
}

export interface QueuedMessage {
  readonly id: QueueId
  readonly reversePath: ReversePath
  /** Of the mail data, in bytes. */
  readonly size: number
  readonly body: BodyType
  readonly smtpUtf8: boolean
  readonly disposition: Disposition
  readonly ret?: 'FULL' | 'HDRS' | undefined
  readonly envelopeId?: string | undefined
  /** required: REQUIRETLS; optional: the field "TLS-Required: No", so that it goes against a policy too (RFC 8689). */
  readonly tls?: 'required' | 'optional' | undefined
  /** Looks like a report of another server about TLS with ours (RFC 8460). */
  readonly isTlsReport?: boolean | undefined
  /** Looks like a report of another server about DMARC (RFC 9990). */
  readonly isDmarcReport?: boolean | undefined
  readonly acceptedAt: number
  /** MT-PRIORITY (RFC 6710), -9 … 9; undefined: the sender has not said any, which is 0. */
  readonly priority?: number | undefined
  readonly deliverBy?: DeliverBy | undefined
  /** Held at the sender's wish until then (RFC 4865), ms since 1970. */
  readonly releaseAt?: number | undefined
  /** It has lines of more than 998 octets, which have to be encoded before it leaves. */
  readonly hasLongLines?: boolean | undefined
  /** The end of the queue lifetime, ms since 1970. */
  readonly expiresAt: number
  /** Of the sender, for reports: the account's language, else the server's. */
  readonly language: Language
  /** The authenticated account, when one of ours sent it. */
  readonly accountId?: number | undefined
  /** A machine in one of the local networks sent it, without logging in. */
  readonly isLocal?: boolean | undefined
  /** Composed by this server (DSN): never reported on. */
  readonly isReport: boolean
  /** Its header section says that it goes to many. */
  readonly isBulk?: boolean | undefined
  /** Header lines that were found out when it had come: they go before the mail data wherever it goes. ASCII. */
  readonly traceFields?: string | undefined
  /** A check has found it suspicious: accounts of ours get it in Junk. */
  readonly isQuarantined?: boolean | undefined
  /** Its header section says that it is a report (RFC 6522), of whomever. */
  readonly saysItReports?: boolean | undefined
}

/** Why it did not go, for people. */
export interface LastReason {
  readonly diagnosis: string
  /** A `ReportCause`, and the host that it is about. */
  readonly cause?: string | undefined
  readonly host?: string | undefined
}

export type RecipientState = 'ready' | 'held'

export interface QueuedRecipient {
  readonly id: number
  readonly messageId: QueueId
  readonly forwardPath: Address
  readonly notify?: readonly NotifyCondition[] | undefined
  readonly originalRecipient?: string | undefined
  readonly state: RecipientState
  readonly attempts: number
  readonly dueAt: number
  /** The addresses (alias, group) whose expansion led here, the sender's own first. */
  readonly expandedFrom?: readonly Address[] | undefined
  /** Its account gets it in INBOX, whatever `isQuarantined` says of the message. */
  readonly isWanted?: true | undefined
  readonly delayReportedAt?: number | undefined
  /** Where an administrator sends it: 'mx2.example.org:25'. */
  readonly routeTo?: string | undefined
  /** Why it has not gone so far. */
  readonly lastReason?: LastReason | undefined
  /** An administrator, or the server that it is for, wants it tried now, whatever is known of the receiver. */
  readonly isAskedFor?: boolean | undefined
  /** It stands in line there, or stood when it was taken; it goes when there is room. */
  readonly gate?: GateKey | undefined
}

/** A message with those of its recipients that one claim took, all of the same destination domain. */
export interface ClaimedWork {
  readonly message: QueuedMessage
  readonly mailDataId: number
  readonly recipients: readonly QueuedRecipient[]
}
