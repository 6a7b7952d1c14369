// The trail: what happened to each message, as events that the stages append to.
import type { DeliveryOutcome, Diagnosis } from '../delivery/outcome.ts'
import type { QueueId } from '../queue/queue-id.ts'
import type { Reply } from '../smtp/reply.ts'
import type { TlsEvidence } from '../tls-policy/server-policy.ts'

/** How a message came in. */
export interface Reception {
  readonly sessionId: string
  readonly role: string
  readonly remoteAddress: string
  readonly heloName?: string | undefined
  readonly tls?: string | undefined
  readonly account?: string | undefined
  readonly reversePath: string
  readonly recipients: readonly string[]
  readonly size: number
  readonly connectedAt: number
  /** Of what our own users send: '<1@example.test>'. */
  readonly messageId?: string | undefined
  /** ENVID= (RFC 3461 §4.4). */
  readonly envelopeId?: string | undefined
}

/** One step with a remote server, for the attempt's dialogue: 'C: MAIL FROM:<…>', 'S: 250 2.1.0 Ok'. */
export type DialogueLine = string

export type TrailEvent =
  | { readonly kind: 'received'; readonly reception: Reception }
  /** Refused before it had a queue id; found by session and address. */
  | {
      readonly kind: 'refused'
      readonly sessionId: string
      readonly remoteAddress: string
      readonly command: string
      readonly reversePath?: string | undefined
      readonly forwardPath?: string | undefined
      /** Of AUTH. */
      readonly loginName?: string | undefined
      /** Until when nobody from this network gets in with this name, ms since 1970. */
      readonly blockedUntil?: number | undefined
      readonly reply: Reply
    }
  | {
      readonly kind: 'attempted'
      readonly recipient: string
      readonly attempt: number
      readonly outcome: DeliveryOutcome
      /** MX names in the order in which they were tried. */
      readonly mxHosts?: readonly string[] | undefined
      readonly dialogue?: readonly DialogueLine[] | undefined
      /** Which TLS policy held for each server that was tried, and what came of it. */
      readonly tls?: readonly TlsEvidence[] | undefined
      /** When a deferred recipient is tried again. */
      readonly nextAttemptAt?: number | undefined
    }
  /** Not tried: the destination could not be reached a moment before. `diagnosis` is of the attempt that met that. */
  | {
      readonly kind: 'postponed'
      readonly recipient: string
      readonly diagnosis: Diagnosis
      readonly nextAttemptAt: number
    }
  /** A DSN about this message went out as another message. */
  | {
      readonly kind: 'reported'
      readonly action: string
      readonly recipients: readonly string[]
      readonly reportId: string
    }
  /** This message is a DSN about another one. */
  | {
      readonly kind: 'reports'
      readonly action: string
      readonly recipients: readonly string[]
      readonly aboutId: string
    }
  /** Held, because the delivery thread died each time it had the message. */
  | { readonly kind: 'set-aside'; readonly recipient: string }
  /** An administrator acted: hold, release, retry, cancel. */
  | { readonly kind: 'administered'; readonly action: string; readonly recipient?: string | undefined }
  /** Held at the sender's wish (RFC 4865). */
  | { readonly kind: 'scheduled'; readonly releaseAt: number }
  /** Not tried: the server of its domain fetches it, until then at the latest, or has not done so in time. */
  | {
      readonly kind: 'kept'
      readonly recipient: string
      readonly domain: string
      readonly until: number
      readonly isOver: boolean
    }
  /** Another server's report about this message came back to its sender. */
  | {
      readonly kind: 'bounced'
      readonly recipient?: string | undefined
      /** As in RFC 3464 §2.3.3; absent where what came back is no report that programs can read. */
      readonly action?: string | undefined
      readonly status?: string | undefined
      /** What the server said that refused it. */
      readonly diagnostic?: string | undefined
      readonly remoteMta?: string | undefined
      readonly reportingMta?: string | undefined
      /** The queue id of what came back. */
      readonly reportId: string
      readonly foundBy: FoundBy
    }
  /** Somebody complained about this message (RFC 5965). */
  | {
      readonly kind: 'complained'
      readonly recipient?: string | undefined
      /** 'abuse', 'fraud', 'not-spam' … */
      readonly feedbackType: string
      readonly reportId: string
      readonly foundBy: FoundBy
    }

/** By what a report names the message that it is about. */
export type FoundBy = 'verp' | 'envelope-id' | 'message-id' | 'queue-id'

export interface TrailRecord {
  readonly at: number
  readonly queueId?: QueueId | undefined
  readonly event: TrailEvent
}
