// The settings of an IMAP server, as the server itself takes them: plain values, defaults in one place.
import type { PortOptions as PortOptionsOf } from '../../connection/listener-options.ts'
import type { Server, ServerOptions } from '../../connection/server-options.ts'
import type { ListenerRole, SessionServices } from './services.ts'

export type ListenerOptions = Omit<PortOptionsOf<ListenerRole>, 'clients'>

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

export interface ImapServerOptions extends ServerOptions<ListenerOptions> {
  readonly services: SessionServices
  readonly limits?: Partial<ImapServerLimits>
  /** What ID tells of this server (RFC 2971); default: its name alone. */
  readonly identity?: ReadonlyMap<string, string>
  /** COMPRESS=DEFLATE, for which a session takes some 300 KB of memory. Default true. */
  readonly offersCompression?: boolean
}

export type ImapServer = Server<ListenerRole>
