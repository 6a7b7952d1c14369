// The settings of an IMAP server, as the server itself takes them: plain values, defaults in one place.
import type { ConnectionCounts } from '../../connection/connection-counts.ts'
import type {
  BoundListener as BoundListenerOf,
  PortOptions as PortOptionsOf,
} from '../../connection/listener-options.ts'
import type { ServerTls } from '../../connection/tls-facts.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Log } from '../../runtime/log.ts'
import type { Random } from '../../runtime/random.ts'
import type { PasswordMechanism } from '../../sasl/mechanisms.ts'
import type { ListenerRole, SessionServices } from './services.ts'

export type ListenerOptions = Omit<PortOptionsOf<ListenerRole>, 'clients'>
export type BoundListener = BoundListenerOf<ListenerRole>

export interface ImapServerLimits {
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  /** BAD, and log-ins that fail, after which the session ends with BYE. */
  readonly maxErrorsPerSession: number
  /** A line of a command (RFC 7162 §4 asks for 8192 and more). */
  readonly maxLineBytes: number
  /** A command with its literals, but for the messages of APPEND. */
  readonly maxCommandBytes: number
  /** The same before somebody has logged in. */
  readonly maxCommandBytesBeforeLogin: number
  readonly maxLiteralsPerCommand: number
  /** One message of APPEND. */
  readonly maxMessageBytes: number
  /** Search keys, items of a list. */
  readonly maxTerms: number
  readonly maxNesting: number
  /** So long nobody need say anything; RFC 9051 §5.4: half an hour at least. */
  readonly idleTimeoutMs: number
  /** So long a connection may last until somebody has logged in. */
  readonly loginTimeoutMs: number
  /** Between two pieces of a literal, and until a client has read what was sent. */
  readonly transferTimeoutMs: number
}

const minuteMs = 60_000

export const leastIdleTimeoutMs = 30 * minuteMs

export const defaultLimits: ImapServerLimits = {
  maxConnections: 10_000,
  maxConnectionsPerAddress: 1000,
  maxErrorsPerSession: 50,
  maxLineBytes: 64 * 1024,
  maxCommandBytes: 1024 * 1024,
  // ID has 30 values of 1024 octets at most (RFC 2971 §3.3).
  maxCommandBytesBeforeLogin: 64 * 1024,
  maxLiteralsPerCommand: 1000,
  maxMessageBytes: 50 * 1024 * 1024,
  maxTerms: 2000,
  maxNesting: 200,
  idleTimeoutMs: leastIdleTimeoutMs + minuteMs,
  loginTimeoutMs: 3 * minuteMs,
  transferTimeoutMs: 3 * minuteMs,
}

export interface ImapServerOptions {
  readonly hostname: string
  readonly listeners: readonly ListenerOptions[]
  readonly services: SessionServices
  readonly limits?: Partial<ImapServerLimits>
  /** Without it: no STARTTLS, no 'imaps'. */
  readonly tls?: ServerTls
  /** Log-ins without TLS from loopback addresses, for a developer's own machine. Default false. */
  readonly allowPlaintextAuthOnLoopback?: boolean
  /** How users may log in, where the services can; SCRAM with its -PLUS. Default: SCRAM-SHA-256, PLAIN, LOGIN. */
  readonly authMechanisms?: readonly PasswordMechanism[]
  /** What ID tells of this server (RFC 2971); default: its name alone. */
  readonly identity?: ReadonlyMap<string, string>
  /** COMPRESS=DEFLATE, for which a session takes some 300 KB of memory. Default true. */
  readonly offersCompression?: boolean
  /** Shared with other servers, whose connections then count towards `maxConnectionsPerAddress` here. */
  readonly connectionCounts?: ConnectionCounts
  readonly clock?: Clock
  readonly random?: Random
  readonly log?: Log
}

export interface ImapServer {
  /**
   * Resolves when every listener listens; rejects with the system's error (EADDRINUSE, EACCES …) of the first that cannot.
   * Once: rejects with a UsageFault the second time, and after `close`.
   */
  listen(): Promise<readonly BoundListener[]>
  /** BYE to those who wait for nothing; commands at work may finish until `graceMs` is over; then closes. */
  close(graceMs?: number): Promise<void>
  readonly connectionCount: number
}
