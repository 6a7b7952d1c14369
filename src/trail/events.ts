// The trail: what happened to each message, as events that the stages append to.
import type { DeliveryOutcome, Diagnosis } from '../delivery/outcome.ts'
import type { ScriptTrace } from '../filtering/script-trace.ts'
import type { HookStage } from '../hooks/worker-messages.ts'
import type { AuthenticationEvidence } from '../mail-authentication/evidence.ts'
import type { FormChange } from '../message/mime/plan-conversion.ts'
import type { RoomEvidence } from '../policy/check-room.ts'
import type { ReachedLimit } from '../policy/stranger-limits.ts'
import type { QueueId } from '../queue/queue-id.ts'
import type { LoginProblem } from '../sasl/authority.ts'
import type { ScreeningEvidence } from '../screening/screen.ts'
import type { SenderDecision } from '../sender-list/sender-list.ts'
import type { SealName, SignatureName } from '../signing/message-signer.ts'
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
  /** From a network that may send anywhere without logging in. */
  readonly local?: true | undefined
  /** Without its angle brackets. */
  readonly messageId?: string | undefined
  /** Decoded, and its beginning only. */
  readonly subject?: string | undefined
  /** ENVID= (RFC 3461 §4.4). */
  readonly envelopeId?: string | undefined
}

/** Whoever talked to us, and how, in events without a queue id. */
export interface PeerFacts {
  readonly sessionId?: string | undefined
  readonly role?: string | undefined
  readonly remoteAddress: string
  readonly heloName?: string | undefined
  readonly tls?: string | undefined
  readonly account?: string | undefined
}

export interface RefusedLogIn {
  /** As the client gave it, where it is an address. */
  readonly loginName?: string | undefined
  /** 'SCRAM-SHA-256' */
  readonly mechanism?: string | undefined
  /** What was wrong, which the client is not told. */
  readonly loginProblem?: LoginProblem | undefined
  /** Until when nobody from this network gets in with this name, ms since 1970. */
  readonly blockedUntil?: number | undefined
  /** Too many wrong passwords from the network, for the account from there, or for the account from everywhere. */
  readonly blockedBy?: 'network' | 'account-from-network' | 'account' | undefined
}

/** Where the mail of an attempt was to go, and what the DNS said of the way; once for each connection that is opened. */
export interface Lookup {
  /** 'mx': by the domain's MX records. 'rerouted': an administrator named the host. 'lmtp': the settings name the server. */
  readonly by: 'mx' | 'literal' | 'smart-host' | 'rerouted' | 'lmtp'
  /** The domain, the address, 'host:port', or 'unix:/path'. */
  readonly name: string
  /** In the order in which they are tried. */
  readonly hosts: readonly LookupHost[]
}

export interface LookupHost {
  readonly host: string
  readonly preference?: number | undefined
  readonly addresses: readonly string[]
}

/** Why another server was tried after this one. */
export interface PassedServer {
  readonly host: string
  readonly detail: string
  readonly reply?: Reply | undefined
  /** It was not asked this time: it met that lately, and until then (ms since 1970) comes after the others. */
  readonly lastUntil?: number | undefined
}

/** In what a message that was sent differs from the one that came (docs/adr/0018). */
export interface SentForm {
  /** Its sender, where that is another: 'srs', made for what is forwarded; 'verp', made for this recipient. */
  readonly reversePath?: string | undefined
  readonly rewritten?: 'srs' | 'verp' | undefined
  /** So that the server takes it. */
  readonly changes?: readonly FormChange[] | undefined
}

export interface FetchedOn {
  readonly verb: 'ATRN' | 'TURN'
  readonly account: string
}

/** Numbers of messages; one with several recipients may be counted in each. */
export interface FetchedMail {
  readonly taken: number
  readonly deferred: number
  readonly failed: number
  /** Why nothing could be handed over. */
  readonly problem?: string | undefined
}

/** Why the next attempt is when it is. */
export type NextAttemptReason =
  /** The waits of `queue.retryMinutes`. */
  | 'schedule'
  /** Then the sender is to be told of the delay, and an attempt of that moment tells him the truth. */
  | 'delay-notice'
  /** The queue lifetime ends then: the last one. */
  | 'lifetime'
  /** Who is new there is sent away for some minutes. */
  | 'greylisted'
  /** Somebody has to make room first. */
  | 'mailbox-full'
  /** The other server named the time. */
  | 'asked'
  /** It stands in line: it goes as soon as mail goes to that destination again, and is looked at then at the latest. */
  | 'destination'
  /** The same, while mail goes there from another address of ours: from there it goes next. */
  | 'other-address'

/** A message that a script of an account has caused. */
export interface WrittenByScript {
  readonly account: string
  /** redirect: the message itself, with other header fields. mistake: told to the owner. */
  readonly by: 'redirect' | 'reject' | 'vacation' | 'notify' | 'mistake'
  /** The message for which it ran. */
  readonly aboutId: string
}

/** One step with a remote server, for the attempt's dialogue: 'C: MAIL FROM:<…>', 'S: 250 2.1.0 Ok'. */
export type DialogueLine = string

export type TrailEvent =
  | { readonly kind: 'received'; readonly reception: Reception }
  /** Refused before it had a queue id; found by session and address. */
  | ({
      readonly kind: 'refused'
      readonly sessionId: string
      readonly role?: string | undefined
      readonly remoteAddress: string
      readonly heloName?: string | undefined
      readonly tls?: string | undefined
      readonly account?: string | undefined
      readonly command: string
      readonly reversePath?: string | undefined
      readonly forwardPath?: string | undefined
      /** Those who had been accepted, when the whole message is refused. */
      readonly recipients?: readonly string[] | undefined
      /** Whose mail was asked for (ETRN, ATRN). */
      readonly domains?: readonly string[] | undefined
      /** What the checks of the message have found, when they are why. */
      readonly authentication?: AuthenticationEvidence | undefined
      readonly screening?: ScreeningEvidence | undefined
      /** Entries of lists of senders that are why, or that say something else. */
      readonly lists?: readonly ListedRecipient[] | undefined
      /** What the hook file had said before, and why it refused. */
      readonly hooks?: readonly HookRemark[] | undefined
      /** What the recipient has used of a quota, which is why. */
      readonly room?: RoomEvidence | undefined
      /** What its reply calls it: '1CCD5D74AAE'. */
      readonly id?: string | undefined
      /** Of strangers, by their network: it is why. */
      readonly limit?: ReachedLimit | undefined
      /** How often the network has met the limit since the event before this one, which was not written. */
      readonly repeated?: number | undefined
      readonly reply: Reply
    } & RefusedLogIn)
  /** A log-in that failed, over another protocol than SMTP; found by session, address and name. */
  | ({
      readonly kind: 'login-refused'
      readonly mechanism: string
      readonly loginProblem: LoginProblem
    } & PeerFacts &
      RefusedLogIn)
  /** What the checks of a stranger's message have found. */
  | {
      readonly kind: 'authenticated'
      readonly authentication: AuthenticationEvidence
      readonly verdict: 'accept' | 'quarantine'
      /** Why it is suspicious, or why it was let through all the same: a sentence. */
      readonly because?: string | undefined
    }
  /** What speaks for and against a stranger's message; not there when nothing does. */
  | {
      readonly kind: 'screened'
      readonly screening: ScreeningEvidence
      /** Of those whose lists say nothing else. 'hold': of an account of ours, whose mail is held. */
      readonly verdict: 'accept' | 'junk' | 'quarantine' | 'hold'
      readonly because?: string | undefined
      /** For whom an entry of a list of senders decides. */
      readonly lists?: readonly ListedRecipient[] | undefined
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
      readonly nextAttemptBecause?: NextAttemptReason | undefined
      /** Nothing went to its destination before, as far as was known then. */
      readonly closedUntil?: number | undefined
      /** Absent where a connection was used that was open already. */
      readonly lookup?: Lookup | undefined
      /** The address of ours from which it went, where the settings say one. */
      readonly source?: string | undefined
      readonly sent?: SentForm | undefined
      /** Servers that were tried before the one of the outcome, since the connection before; a line each, however often. */
      readonly passed?: readonly PassedServer[] | undefined
      /** It went on a connection that the account's server opened to fetch its mail. */
      readonly fetched?: FetchedOn | undefined
      /** With which DKIM keys it was signed. */
      readonly signatures?: readonly SignatureName[] | undefined
      /** Why it was not, where one of our own sent it. */
      readonly unsigned?: string | undefined
      /** Of mail of strangers that was sent on: the ARC set that it got, or why it got none. */
      readonly seal?: SealName | undefined
      /** What the account's script has made of it. */
      readonly filter?: ScriptTrace | undefined
    }
  /**
   * Not tried: nothing goes there until `nextAttemptAt`, because it could not be reached, wants less or nothing from us, or a
   * limit of ours is used up. `diagnosis` is of the attempt that met that, or of the limit.
   */
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
  /** This server wrote the message itself: a report, an alert. */
  | {
      readonly kind: 'written'
      /** Absent: the null reverse-path. */
      readonly reversePath?: string | undefined
      readonly recipients: readonly string[]
      /** As in `Reception`. */
      readonly messageId?: string | undefined
      readonly subject?: string | undefined
      /** Because a script of an account says so. */
      readonly script?: WrittenByScript | undefined
    }
  /** This message is a DSN about another one. */
  | {
      readonly kind: 'reports'
      readonly action: string
      readonly recipients: readonly string[]
      readonly aboutId: string
    }
  /** The server of its domain asked for it (RFC 1985): it is tried now. */
  | ({ readonly kind: 'asked-for'; readonly verb: 'ETRN'; readonly domain: string } & PeerFacts)
  /** ETRN was taken: without a queue id; each of the messages has 'asked-for'. */
  | ({
      readonly kind: 'queue-started'
      /** As it was asked for: 'example.org', '@example.org', '#all'. */
      readonly node: string
      /** Whose mail is tried now; none: that had just been done. */
      readonly domains: readonly string[]
      readonly messages: number
      readonly reply: Reply
      readonly repeated?: number | undefined
    } & PeerFacts)
  /** A server came to fetch its mail; without a queue id. */
  | ({
      readonly kind: 'fetched'
      readonly verb: 'ATRN' | 'TURN'
      /** None: all of the account's, of which nothing waited. */
      readonly domains: readonly string[]
      /** What came of it; undefined: nothing waited. */
      readonly handed?: FetchedMail | undefined
      /** How often the same has happened since the event before this one, and was not written. */
      readonly repeated?: number | undefined
    } & PeerFacts)
  /** Held, because the delivery thread died each time it had the message. */
  | { readonly kind: 'set-aside'; readonly recipient: string }
  /** Held, because the account that sends it is on hold. */
  | {
      readonly kind: 'account-held'
      readonly recipient: string
      readonly account: string
      readonly because: string
    }
  /** An administrator acted: hold, release, retry, cancel, reroute. */
  | {
      readonly kind: 'administered'
      readonly action: string
      readonly recipient?: string | undefined
      /** Of reroute: 'host:port'; absent: the usual way again. */
      readonly to?: string | undefined
    }
  /** A mail transaction that came to no end: what was sent of it is forgotten, and nobody was told that we have it. */
  | ({
      readonly kind: 'cut-off'
      readonly sessionId: string
      readonly reversePath: string
      readonly recipients: readonly string[]
      /** Between two commands, or within the mail data. */
      readonly during: 'commands' | 'mail-data'
      /** 'quit': the client took its leave. 'lost': the connection went away. 'closed': we closed it, with `reply`. */
      readonly how: 'quit' | 'lost' | 'closed'
      readonly reply?: Reply | undefined
    } & PeerFacts)
  /** A connection that came to no session: refused at its beginning, or without encryption where that was to be. */
  | ({
      readonly kind: 'turned-away'
      readonly reply?: Reply | undefined
      /** What went wrong, where there was no reply to give. */
      readonly problem?: string | undefined
      readonly hooks?: readonly HookRemark[] | undefined
      /** What its reply calls it. */
      readonly id?: string | undefined
      /** Of strangers, by their network: it is why, and then it is the network that is counted. */
      readonly limit?: ReachedLimit | undefined
      /** How often the same has happened to this address since the event before this one, and was not written. */
      readonly repeated?: number | undefined
    } & PeerFacts)
  /** Kept aside until an administrator has looked, for these recipients. */
  | {
      readonly kind: 'quarantined'
      readonly recipients: readonly string[]
      readonly because: string
      /** Then it is removed, ms since 1970. */
      readonly until: number
    }
  | {
      readonly kind: 'quarantine-ended'
      readonly recipients: readonly string[]
      readonly how: 'released' | 'deleted' | 'expired'
      /** The filter has learned from it that it is wanted. */
      readonly taught?: true | undefined
    }
  /** What the hook file of the administrator's said of a session, or of a message of it. */
  | ({ readonly kind: 'hooked'; readonly remarks: readonly HookRemark[] } & PeerFacts)
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

/** What one function of the hook file said; 'none': it should have said something, and `text` says why it has not. */
export interface HookRemark {
  readonly stage: HookStage
  readonly verdict: 'accept' | 'reject' | 'defer' | 'score' | 'none'
  readonly points?: number | undefined
  /** Of a refusal. */
  readonly code?: number | undefined
  readonly text?: string | undefined
  /** Of rcpt. */
  readonly recipient?: string | undefined
}

/** What a list of senders says for one recipient. */
export interface ListedRecipient extends SenderDecision {
  readonly recipient: string
}

/** By what a report names the message that it is about. */
export type FoundBy = 'verp' | 'envelope-id' | 'message-id' | 'queue-id'

export interface TrailRecord {
  readonly at: number
  readonly queueId?: QueueId | undefined
  readonly event: TrailEvent
}
