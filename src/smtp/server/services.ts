// What an SMTP server session needs of the system around it. The composition root supplies it; an embedding
// program supplies its own. Everything but `receive` is optional for a program that embeds the server.
import type { Socket } from 'node:net'
import type { Address, ReversePath } from '../../address/address.ts'
import type { SessionPeer } from '../../connection/session-peer.ts'
import type { MaybePromise } from '../../runtime/maybe-promise.ts'
import type { LoginProblem } from '../../sasl/authority.ts'
import type { AuthenticatedAccount, LogInServices } from '../../sasl/log-in-services.ts'
import type { BodyType, DeliverByRequest, Disposition, NotifyCondition } from '../parameters.ts'
import type { Reply } from '../reply.ts'

export type { TlsFacts } from '../../connection/tls-facts.ts'
export type { MaybePromise } from '../../runtime/maybe-promise.ts'
export type { AuthenticatedAccount, LoginAnswer } from '../../sasl/log-in-services.ts'

/**
 * relay: port 25, between servers. submission: port 587, from clients. submissions: port 465, TLS from the first byte. lmtp: from
 * a server that knows us, for the mailboxes that are here (RFC 2033).
 */
export type ListenerRole = SmtpRole | 'lmtp'

export type SmtpRole = 'relay' | 'submission' | 'submissions'

/** The peer as the session knows it so far. A new value whenever something is learned. */
export interface Client extends SessionPeer<ListenerRole> {
  /** The argument of EHLO or HELO, as sent. */
  readonly heloName?: string | undefined
  readonly extended: boolean
  /** Of AUTH: 'SCRAM-SHA-256'. */
  readonly mechanism?: string | undefined
  /** Inside a network that may relay without AUTH (`localNetworks`); never over LMTP, which does not relay. */
  readonly local: boolean
  /** A peer on this very machine, and no load balancer that does not say whom it speaks for; never over LMTP. */
  readonly loopback: boolean
  /** This server opened the connection to fetch its mail (`serve`): the peer passes on what others have sent. */
  readonly fetched?: true | undefined
}

/** The parameters of MAIL that outlive the session. */
export interface ReversePathParameters {
  readonly body: BodyType
  readonly smtpUtf8: boolean
  /** SIZE=, in bytes. */
  readonly declaredSize?: number | undefined
  /** RET= (RFC 3461 §4.3). */
  readonly ret?: 'FULL' | 'HDRS' | undefined
  /** ENVID=, decoded from xtext. */
  readonly envelopeId?: string | undefined
  /** REQUIRETLS (RFC 8689): it goes on over authenticated TLS only, to servers that offer the same. */
  readonly requireTls?: boolean | undefined
  /** AUTH= (RFC 4954 §5); null is `AUTH=<>`. */
  readonly submitter?: Address | null | undefined
  /** MT-PRIORITY= (RFC 6710): -9 … 9. */
  readonly priority?: number | undefined
  /** BY= (RFC 2852). */
  readonly deliverBy?: DeliverByRequest | undefined
  /** HOLDFOR= or HOLDUNTIL= (RFC 4865): not to be delivered before, ms since 1970. */
  readonly releaseAt?: number | undefined
}

/** The parameters of RCPT (RFC 3461 §4.1, §4.2). */
export interface ForwardPathParameters {
  /** An empty list is NOTIFY=NEVER; absent is the default of RFC 3461 §4.1 (failure, and delay if the server likes). */
  readonly notify?: readonly NotifyCondition[] | undefined
  /** ORCPT=, 'rfc822;anna@example.test': type and decoded address. */
  readonly originalRecipient?: string | undefined
}

export interface Recipient {
  readonly forwardPath: Address
  readonly parameters: ForwardPathParameters
}

export interface MailTransaction {
  readonly reversePath: ReversePath
  readonly parameters: ReversePathParameters
  readonly disposition: Disposition
  readonly recipients: readonly Recipient[]
}

/** What was seen of text while it came; of BODY=BINARYMIME nothing is looked at. */
export interface MailDataFacts {
  /** Octets above 127, whatever BODY= said. */
  readonly isEightBit: boolean
  /** A line of more than 998 octets without its CRLF (RFC 5322 §2.1.1). */
  readonly hasLongLines: boolean
}

/**
 * The answer to a whole message. A list is for LMTP, where each recipient has a reply of its own (RFC 2033 §4.2), in the order of
 * the transaction; a single one is everybody's.
 */
export type EndReply = Reply | readonly Reply[]

/**
 * Where one message's data goes, in two phases as in SMTP itself. After `finish` or `abort` it is over.
 * A rejected promise of `write` or `finish` is a fault of ours: the session answers 451 and calls `abort`.
 */
export interface MailDataSink {
  /**
   * Mail data with CRLF line ends and without dot-stuffing. A returned promise is back-pressure: it is not called
   * again, and nothing more is read, before that settles. The bytes are a part of the socket's buffer: copy what you
   * keep, or the whole buffer stays.
   */
  write(chunk: Uint8Array): MaybePromise<void>
  /** Takes responsibility (or not): the reply to the final dot or to BDAT LAST. 250 only when durable. */
  finish(facts?: MailDataFacts): Promise<EndReply>
  abort(): void
}

/** What VRFY and EXPN ask (RFC 5321 §3.5, RFC 6531 §3.7.4.2). */
export interface AddressQuestion {
  /** A name or an address, as sent. */
  readonly text: string
  /** The answer may have characters beyond ASCII. */
  readonly smtpUtf8: boolean
}

/** What ETRN asks for (RFC 1985 §5.3): the mail of a domain, of it and its subdomains, or of a queue that has a name. */
export type QueueRequest =
  /** `domain` in its canonical spelling. */
  | { readonly kind: 'domain' | 'with-subdomains'; readonly domain: string }
  | { readonly kind: 'queue'; readonly name: string }

/** What a URL names of a message, with CRLF line ends. */
export interface UrlContent {
  readonly size: number
  /** In pieces: given up with `return`, where no more of it is wanted. */
  readonly content: Uint8Array | AsyncIterable<Uint8Array>
}

/** The client wants to be the server on this connection (ATRN, RFC 2645; TURN, RFC 821). */
export interface TurnRequest {
  readonly verb: 'ATRN' | 'TURN'
  readonly account: AuthenticatedAccount
  /** In their canonical spelling; none: all that the account may have. */
  readonly domains: readonly string[]
}

export interface TurnedConnection {
  /** Nobody else listens to it; the peer greets on it as a server. */
  readonly socket: Socket
  /** The server is about to stop: nothing more is to be begun. */
  readonly signal: AbortSignal
}

export interface Turn {
  /** 250 */
  readonly reply: Reply
  /** Called when the reply has gone out: this end is the client from now on. The socket is closed when it has settled. */
  take(connection: TurnedConnection): Promise<void>
}

/** Evidence for the trail of whatever was refused. */
export interface Refusal {
  readonly command: string
  readonly reversePath?: ReversePath | undefined
  readonly forwardPath?: Address | undefined
  /** Those who had been accepted, when the whole message is refused. */
  readonly recipients?: readonly Address[] | undefined
  /** Whose mail ETRN or ATRN asked for. */
  readonly domains?: readonly string[] | undefined
  /** The name with which AUTH was tried, as the client gave it. */
  readonly loginName?: string | undefined
  /** Of AUTH: 'SCRAM-SHA-256'. */
  readonly mechanism?: string | undefined
  /** Of AUTH: what was wrong, which the client is not told. */
  readonly loginProblem?: LoginProblem | undefined
  readonly reply: Reply
}

/** A mail transaction with recipients that came to no end. */
export interface CutOff {
  readonly transaction: MailTransaction
  readonly during: 'commands' | 'mail-data'
  /** 'quit': the client took its leave. 'lost': the connection went away. 'closed': we closed it, with `reply`. */
  readonly how: 'quit' | 'lost' | 'closed'
  readonly reply?: Reply | undefined
}

/** Whoever came no further than the beginning of a connection. */
export interface TurnedAway {
  readonly sessionId?: string | undefined
  readonly role: ListenerRole
  readonly remoteAddress: string
  readonly heloName?: string | undefined
  readonly reply?: Reply | undefined
  /** Where there was no reply to give: why the TLS handshake failed. */
  readonly problem?: string | undefined
}

/** `undefined` from a check means: nothing against it. A Reply with 4xx or 5xx refuses; one with 421 ends the session as well. */
export interface SessionServices extends LogInServices<Client> {
  /** Opens the data phase of a transaction that has at least one recipient. A Reply refuses (452, 421 …). */
  receive(client: Client, transaction: MailTransaction): MaybePromise<MailDataSink | Reply>

  /** At connect: undefined greets; a Reply (421, 554) refuses and closes. */
  connect?(client: Client): MaybePromise<Reply | undefined>
  hello?(client: Client): MaybePromise<Reply | undefined>
  /** May this client send from this address (MAIL, SEND, SOML, SAML)? */
  acceptReversePath?(
    client: Client,
    reversePath: ReversePath,
    parameters: ReversePathParameters,
    disposition: Disposition,
  ): MaybePromise<Reply | undefined>
  /** May this client send to this address? Also the relay control. */
  acceptForwardPath?(
    client: Client,
    transaction: MailTransaction,
    recipient: Recipient,
  ): MaybePromise<Reply | undefined>
  /** VRFY: 250, 251, 252, 550, 553 (RFC 5321 §3.5.3). */
  verify?(client: Client, question: AddressQuestion): MaybePromise<Reply>
  /** EXPN: one line a member. */
  expand?(client: Client, question: AddressQuestion): MaybePromise<Reply>
  /** ETRN: 250 to 253, 458, 459 (RFC 1985 §5.2). Not offered without it. */
  startQueue?(client: Client, request: QueueRequest): MaybePromise<Reply>
  /** ATRN and TURN, of a client that has logged in: a Reply (450, 453) refuses. Not offered without it. */
  turnAround?(client: Client, request: TurnRequest): MaybePromise<Turn | Reply>
  /**
   * BURL (RFC 4468), of a client that has logged in: what the URL names, or why it cannot be had (554 5.6.6, 5.7.8). Not offered
   * without it.
   */
  openUrl?(client: Client, url: string): MaybePromise<UrlContent | Reply>
  /** A command was refused; for the trail. Must not throw and is not waited for. */
  refused?(client: Client, refusal: Refusal): void
  /** For the trail, as `refused`. */
  cutOff?(client: Client, cutOff: CutOff): void
  /** For the trail, as `refused`. */
  turnedAway?(peer: TurnedAway): void
  disconnected?(client: Client): void
}
