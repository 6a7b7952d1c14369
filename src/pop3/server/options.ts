// The settings of a POP3 server, as the server itself takes them: plain values, defaults in one place.
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

export interface Pop3ServerLimits {
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  /** Commands that are none, and log-ins that fail, after which the session ends. */
  readonly maxErrorsPerSession: number
  /** A command with its CRLF (RFC 2449 §4: 255 at least). */
  readonly maxLineBytes: number
  /** The same of AUTH, and of a client's answers to it: tokens are long. */
  readonly maxAuthLineBytes: number
  /** So long nobody need say anything; RFC 1939 §3: ten minutes at least. */
  readonly idleTimeoutMs: number
  /** So long a connection may last until somebody has logged in. */
  readonly loginTimeoutMs: number
  /** Until a client has read some of what was sent. */
  readonly transferTimeoutMs: number
}

const minuteMs = 60_000

export const leastIdleTimeoutMs = 10 * minuteMs

export const defaultLimits: Pop3ServerLimits = {
  maxConnections: 10_000,
  maxConnectionsPerAddress: 100,
  maxErrorsPerSession: 20,
  maxLineBytes: 1024,
  maxAuthLineBytes: 16 * 1024,
  idleTimeoutMs: leastIdleTimeoutMs + minuteMs,
  loginTimeoutMs: 3 * minuteMs,
  transferTimeoutMs: 3 * minuteMs,
}

export interface Pop3ServerOptions {
  readonly hostname: string
  readonly listeners: readonly ListenerOptions[]
  readonly services: SessionServices
  readonly limits?: Partial<Pop3ServerLimits>
  /** Without it: no STLS, no 'pop3s'. */
  readonly tls?: ServerTls
  /** Log-ins without TLS from loopback addresses, for a developer's own machine. Default false. */
  readonly allowPlaintextAuthOnLoopback?: boolean
  /**
   * How users may log in, where the services can; SCRAM with its -PLUS. USER and PASS are there where PLAIN or LOGIN is.
   * Default: SCRAM-SHA-256, PLAIN, LOGIN.
   */
  readonly authMechanisms?: readonly PasswordMechanism[]
  /** What CAPA tells of this server (RFC 2449 §6.9). Default 'Postrider'. */
  readonly implementation?: string
  /** Shared with other servers, whose connections then count towards `maxConnectionsPerAddress` here. */
  readonly connectionCounts?: ConnectionCounts
  readonly clock?: Clock
  readonly random?: Random
  readonly log?: Log
}

export interface Pop3Server {
  /**
   * Resolves when every listener listens; rejects with the system's error (EADDRINUSE, EACCES …) of the first that cannot.
   * Once: rejects with a UsageFault the second time, and after `close`.
   */
  listen(): Promise<readonly BoundListener[]>
  /**
   * Ends those who have deleted nothing; whoever has, and commands at work, may finish until `graceMs` is over; then closes.
   */
  close(graceMs?: number): Promise<void>
  readonly connectionCount: number
}
