// What the SMTP client offers: one connection, several transactions, structured results (RFC 5321, RFC 2920, RFC 3030).
import type { Address, ReversePath } from '../../address/address.ts'
import type { CertificateProblem, CertificateTerms } from '../../connection/server-certificate.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { BodyType, DeliverByRequest, NotifyCondition } from '../parameters.ts'
import type { Reply } from '../reply.ts'

export type ClientTls = 'implicit' | 'starttls' | 'opportunistic' | 'never'

/** LMTP (RFC 2033) is SMTP with LHLO, in which a message has a reply for each recipient. */
export type ClientProtocol = 'smtp' | 'lmtp'

export interface SmtpClientOptions extends CertificateTerms {
  /** Default 'smtp'. */
  readonly protocol?: ClientProtocol | undefined
  /** Where to connect: an IP address; default `host`. */
  readonly address?: string | undefined
  /** A port, or the path of a UNIX socket: one of them. */
  readonly port?: number | undefined
  readonly path?: string | undefined
  readonly localAddress?: string | undefined
  /** The argument of EHLO. */
  readonly helloName: string
  readonly tls: ClientTls
  readonly auth?: { readonly username: string; readonly password: string } | undefined
  /** The password may go out without TLS. Default: only with `tls: 'never'`, which says so already. */
  readonly allowPlaintextAuth?: boolean
  readonly connectTimeoutMs?: number
  /** Default: `commandTimeoutMs`. */
  readonly greetingTimeoutMs?: number
  /** RFC 5321 §4.5.3.2: each reply has its deadline; this one for all but DATA's end. */
  readonly commandTimeoutMs?: number
  readonly clock?: Clock
  /**
   * The dialogue, line by line, as 'C: …' and 'S: …'; passwords never, mail data only as its size. What came of the TLS
   * handshake as '-- …'.
   */
  readonly onDialogue?: ((line: string) => void) | undefined
}

/** `host`: what the other server is called, for what is said of it. */
export type SmtpOverOptions = Pick<
  SmtpClientOptions,
  'host' | 'helloName' | 'commandTimeoutMs' | 'clock' | 'onDialogue'
>

export interface ConnectionTls {
  readonly protocol: string
  readonly cipher: string
  /** The certificate is valid: for `verifyChain` where there is one, else for `host`. */
  readonly authorized: boolean
  /** Why it is not. */
  readonly problem?: CertificateProblem | undefined
}

export type ClientStage =
  | 'connect'
  | 'greeting'
  | 'hello'
  | 'tls'
  | 'auth'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'end-of-data'

/** Why a connection or a transaction ended without the server's consent. A value, thrown as SmtpClientFailure. */
export interface ClientFailureFacts {
  readonly stage: ClientStage
  readonly kind:
    | 'refused-connection'
    /** No way to the host, or none from this machine. */
    | 'unreachable'
    | 'timeout'
    | 'closed'
    | 'tls'
    | 'reply'
    | 'protocol'
    | 'extension-missing'
    | 'auth-unavailable'
  readonly reply?: Reply | undefined
  /** Of this machine, where there was a connection. */
  readonly localAddress?: string | undefined
  /** The certificate was the obstacle: what was wrong with it. */
  readonly certificate?: CertificateProblem | undefined
  /** One plain English sentence. */
  readonly detail: string
}

export interface OutgoingRecipient {
  readonly forwardPath: Address
  readonly notify?: readonly NotifyCondition[] | undefined
  readonly originalRecipient?: string | undefined
}

export interface OutgoingMailData {
  readonly size: number
  /** May be opened again for another attempt. */
  open(): AsyncIterable<Uint8Array>
}

export interface OutgoingTransaction {
  readonly reversePath: ReversePath
  readonly body: BodyType
  readonly smtpUtf8: boolean
  readonly ret?: 'FULL' | 'HDRS' | undefined
  readonly envelopeId?: string | undefined
  /** Said where MT-PRIORITY is offered (RFC 6710), -9 … 9. */
  readonly priority?: number | undefined
  /** Said where DELIVERBY is offered (RFC 2852). */
  readonly deliverBy?: DeliverByRequest | undefined
  /** REQUIRETLS is said (RFC 8689 §4.2.1). Whether the connection is good enough for it is for the caller to know. */
  readonly requireTls?: boolean | undefined
  readonly recipients: readonly OutgoingRecipient[]
  readonly mailData: OutgoingMailData
}

/** A transaction without its message. */
export interface ProbedTransaction extends Omit<OutgoingTransaction, 'mailData'> {
  /** Of a message that one might send, in bytes. */
  readonly size: number
}

export interface RecipientResult {
  readonly recipient: OutgoingRecipient
  /** accepted: the final reply, in LMTP that to this recipient, was 2xx. refused: this recipient, or the transaction, got a 4xx or 5xx. failed: no reply came. */
  readonly result:
    | { readonly kind: 'accepted'; readonly reply: Reply }
    | { readonly kind: 'refused'; readonly stage: ClientStage; readonly reply: Reply }
    | { readonly kind: 'failed'; readonly failure: ClientFailureFacts }
}

export interface SmtpConnection {
  /** As the server calls itself, both in its greeting and in its answer to EHLO or HELO; undefined where they differ. */
  readonly name?: string | undefined
  /** Upper-case keyword → its parameters text, '' when none; empty after HELO. */
  readonly extensions: ReadonlyMap<string, string>
  readonly tls?: ConnectionTls | undefined
  /** The server offers STARTTLS, and refused it; with 'opportunistic' that is no obstacle. */
  readonly tlsRefusal?: Reply | undefined
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  /** False once the server closed, answered 421, or a transaction left it in an unknown state. */
  readonly usable: boolean
  /**
   * One transaction. One result per recipient, in order; rejects only on a fault of ours: mailData threw (the
   * connection is closed, so that the server cannot take half a message), or the transaction is of a wrong shape
   * (a UsageFault, and nothing was sent). Uses PIPELINING, SIZE, 8BITMIME,
   * SMTPUTF8, DSN, CHUNKING, MT-PRIORITY, DELIVERBY when offered; what the message needs and the server lacks is a 'failed' result of kind
   * 'extension-missing' without sending anything.
   */
  send(transaction: OutgoingTransaction): Promise<readonly RecipientResult[]>
  /** MAIL and RCPT, then RSET: no message is sent. 'accepted' has the reply to RCPT. Rejects as `send`. */
  probe(transaction: ProbedTransaction): Promise<readonly RecipientResult[]>
  quit(): Promise<void>
  /** At once. */
  close(): void
}

/** Rejects with SmtpClientFailure (a Fault whose `facts` are ClientFailureFacts), or with a UsageFault for the options. */
export type ConnectSmtp = (options: SmtpClientOptions) => Promise<SmtpConnection>
