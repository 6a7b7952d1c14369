// The settings of an SMTP server, as the server itself takes them: plain values, defaults in one place.
import type { Socket } from 'node:net'
import type {
  BoundListener as BoundListenerOf,
  PortOptions as PortOptionsOf,
  UnixSocketOptions as UnixSocketOptionsOf,
} from '../../connection/listener-options.ts'
import type { Server, ServerOptions } from '../../connection/server-options.ts'
import type { ListenerRole, SessionServices } from './services.ts'

/** Over LMTP it has to be said who may come in (`clients`). */
export type PortOptions = PortOptionsOf<ListenerRole>
/** For LMTP alone. */
export type UnixSocketOptions = UnixSocketOptionsOf<'lmtp'>
export type ListenerOptions = PortOptions | UnixSocketOptions

/** RFC 5321 §4.5.3.1 and §4.5.3.2; the defaults are at least what the RFC demands. */
export interface SmtpServerLimits {
  readonly maxMessageBytes: number
  readonly maxRecipients: number
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  /** Rejected commands after which the session ends with 421. */
  readonly maxErrorsPerSession: number
  /** MAIL commands in one session (LIMITS MAILMAX). */
  readonly maxTransactionsPerSession: number
  /** A command line with its CRLF (512 in RFC 5321, longer for extensions); AUTH has RFC 4954's 12288. */
  readonly maxCommandLineBytes: number
  /**
   * A line of mail data with its CRLF, of which nothing is kept in memory. RFC 5321 §4.5.3.1.6 demands 1000, and §4.5.3.1 no
   * limit where that can be: by default it may be as long as the message.
   */
  readonly maxTextLineBytes: number
  readonly commandTimeoutMs: number
  readonly dataBlockTimeoutMs: number
  /** One whole connection. */
  readonly sessionTimeoutMs: number
}

const minuteMs = 60_000

export const defaultLimits: SmtpServerLimits = {
  maxMessageBytes: 50 * 1024 * 1024,
  maxRecipients: 1000,
  maxConnections: 10_000,
  maxConnectionsPerAddress: 1000,
  maxErrorsPerSession: 20,
  maxTransactionsPerSession: 10_000,
  maxCommandLineBytes: 2048,
  maxTextLineBytes: Number.MAX_SAFE_INTEGER,
  // RFC 5321 §4.5.3.2.7: five minutes.
  commandTimeoutMs: 5 * minuteMs,
  dataBlockTimeoutMs: 3 * minuteMs,
  sessionTimeoutMs: 120 * minuteMs,
}

/**
 * Extensions that promise something of the time after 250, so that only a server whose services keep the promise may offer
 * them. They are for users: on submission ports, and for those in local networks.
 */
export interface TransferExtensions {
  /** MT-PRIORITY (RFC 6710): the highest that anybody is given, 0 … 9; undefined: not offered. */
  readonly maxPriority: number | undefined
  /** DELIVERBY (RFC 2852). */
  readonly deliverBy: boolean
  /** FUTURERELEASE (RFC 4865): so long a message may be held at most; 0: not offered. */
  readonly maxHoldSeconds: number
}

export const noTransferExtensions: TransferExtensions = {
  maxPriority: undefined,
  deliverBy: false,
  maxHoldSeconds: 0,
}

export interface SmtpServerOptions extends ServerOptions<ListenerOptions> {
  /** The text of the 220 greeting after the host name. */
  readonly greeting?: string
  readonly services: SessionServices
  readonly limits?: Partial<SmtpServerLimits>
  /** Networks that count as `client.local`. Default none. */
  readonly localNetworks?: readonly string[]
  /** VRFY and EXPN for strangers too. Default false: they get 252. */
  readonly verifyForEveryone?: boolean
  /** REQUIRETLS over TLS (RFC 8689): only for who hands `requireTls` on, or refuses. Default false. */
  readonly offersRequireTls?: boolean
  /** MAIL FROM:a@b without the angle brackets. Default false: 501. */
  readonly allowMissingAngleBrackets?: boolean
  /** Default: none. */
  readonly transferExtensions?: TransferExtensions
}

export interface SmtpServer extends Server<ListenerRole> {
  /**
   * Serves a socket that this side opened, whose other end has agreed to become the client (RFC 2645): it is greeted, and has
   * none of the rights of its address. Resolves when the connection is over, with the number of messages that
   * were taken.
   */
  serve(socket: Socket): Promise<{ readonly messages: number }>
}

export type BoundListener = BoundListenerOf<ListenerRole>
