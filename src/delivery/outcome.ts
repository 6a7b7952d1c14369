// What became of one recipient in one delivery attempt. Structured once, never parsed again.
import type { ReportCause } from '../bounce/report.ts'
import type { GatePlace } from '../queue/gates.ts'
import type { ClientStage } from '../smtp/client/contract.ts'
import type { Reply } from '../smtp/reply.ts'
import type { Closure } from './pacing/destination-health.ts'

/** Where in the way to the next server it ended; words for the trail and for the report to the sender. */
export type DeliveryStage = 'routing' | 'dns' | ClientStage | 'mailbox'

export interface Diagnosis {
  readonly stage: DeliveryStage
  readonly cause: ReportCause
  /** RFC 3463; taken from the remote reply where it has one. */
  readonly status: string
  /** 'mx.example.test' and '192.0.2.1:25': absent when none was reached. */
  readonly remoteMta?: string | undefined
  readonly remoteAddress?: string | undefined
  /** That is no server of the recipient's, but the one through which our mail leaves. */
  readonly viaSmartHost?: boolean | undefined
  /** It has the mailboxes of accounts here: what it says of an address is for its administrator, who is ours. */
  readonly isAtStore?: true | undefined
  /** The reply of the remote server, verbatim. */
  readonly reply?: Reply | undefined
  /** One English sentence for the administrator: 'connection to 192.0.2.1:25 timed out after 30 s'. */
  readonly detail: string
}

export type NegativeOutcome = Extract<DeliveryOutcome, { kind: 'deferred' | 'failed' }>

export type DeliveryOutcome =
  /**
   * In a mailbox of ours. `isCopy`: the account had the message already, by another of its addresses. `isMoved`: and had it in Junk,
   * whence it has come.
   */
  | {
      readonly kind: 'delivered'
      readonly mailbox: string
      readonly isCopy?: boolean | undefined
      readonly isMoved?: boolean | undefined
    }
  /** The account's script wants it nowhere. */
  | { readonly kind: 'discarded' }
  /** Shown at a terminal that was open (SEND, SOML), and in no mailbox. */
  | { readonly kind: 'shown' }
  /** Another server took responsibility. `dsnAware`: it offered DSN, so that it reports success itself (RFC 3461 §5.2). */
  | {
      readonly kind: 'relayed'
      readonly dsnAware: boolean
      readonly remoteMta: string
      readonly remoteAddress: string
      readonly reply: Reply
      readonly tls?: string | undefined
      /** It was wanted by a time (RFC 2852), which went along; false: the server has no DELIVERBY. */
      readonly keepsTime?: boolean | undefined
      /** Into a mailbox there: that server took it over LMTP. */
      readonly isFinal?: true | undefined
    }
  /** Replaced by other recipients: alias, group, catch-all. */
  | { readonly kind: 'expanded'; readonly into: readonly string[] }
  | { readonly kind: 'deferred'; readonly diagnosis: Diagnosis }
  | { readonly kind: 'failed'; readonly diagnosis: Diagnosis }
  /** Deferred until the queue lifetime was over; the last diagnosis. */
  | { readonly kind: 'expired'; readonly diagnosis: Diagnosis }

/** No attempt: the server of the domain fetches its mail. */
export interface Kept {
  readonly kind: 'kept'
  readonly diagnosis: Diagnosis
}

/** No attempt: it is another server's, which keeps the limits of that receiver. */
export interface Moved {
  readonly kind: 'moved'
  readonly shard: number
}

/** No attempt: it stands in line until there is room where it is to go. */
export interface Waiting {
  readonly kind: 'waiting'
  /** Undefined: apart from the others, as a suspect of a death is, whom nobody would let in there; it looks for itself. */
  readonly place: GatePlace | undefined
  /** Nothing goes there at present, and why; undefined: others are before it. */
  readonly closure?: Closure | undefined
}

/** No attempt: the account that sends it is on hold. */
export interface OnHold {
  readonly kind: 'on-hold'
  readonly account: string
  readonly because: string
}
