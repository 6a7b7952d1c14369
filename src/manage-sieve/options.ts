// The settings of a ManageSieve server, as the server itself takes them: plain values, defaults in one place.
import type { ConnectionCounts } from '../connection/connection-counts.ts'
import type {
  BoundListener as BoundListenerOf,
  PortOptions as PortOptionsOf,
} from '../connection/listener-options.ts'
import type { ServerTls } from '../connection/tls-facts.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Random } from '../runtime/random.ts'
import type { PasswordMechanism } from '../sasl/mechanisms.ts'
import type { ListenerRole, SessionServices } from './services.ts'

export type ListenerOptions = Omit<PortOptionsOf<ListenerRole>, 'clients'>
export type BoundListener = BoundListenerOf<ListenerRole>

export interface ManageSieveLimits {
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  /** Mistakes, log-ins that fail among them, after which the session ends with BYE. */
  readonly maxErrorsPerSession: number
  /** Of an account, as its clients are told. */
  readonly maxScripts: number
  /** From the beginning to the log-in, whatever is said meanwhile. */
  readonly loginTimeoutMs: number
  /** RFC 5804 §1.2: 30 minutes at least, once it has. */
  readonly idleTimeoutMs: number
}

const minuteMs = 60_000

export const defaultServerLimits: ManageSieveLimits = {
  maxConnections: 1000,
  maxConnectionsPerAddress: 100,
  maxErrorsPerSession: 20,
  maxScripts: 32,
  loginTimeoutMs: minuteMs,
  idleTimeoutMs: 31 * minuteMs,
}

export interface ManageSieveServerOptions {
  readonly hostname: string
  /** '0.1.0', for IMPLEMENTATION. */
  readonly version: string
  readonly listeners: readonly ListenerOptions[]
  readonly services: SessionServices
  readonly limits?: Partial<ManageSieveLimits>
  /** Without it: no STARTTLS, and so no log-ins but from this machine. */
  readonly tls?: ServerTls
  /** Log-ins without TLS from loopback addresses, for a developer's own machine. Default false. */
  readonly allowPlaintextAuthOnLoopback?: boolean
  /** Default: SCRAM-SHA-256, PLAIN, LOGIN. */
  readonly authMechanisms?: readonly PasswordMechanism[]
  readonly connectionCounts?: ConnectionCounts
  readonly clock?: Clock
  readonly random?: Random
  readonly log?: Log
}

export interface ManageSieveServer {
  /** Resolves when every listener listens; rejects with the system's error (EADDRINUSE, EACCES …) of the first that cannot. */
  listen(): Promise<readonly BoundListener[]>
  /** BYE to those between two commands; others may finish until `graceMs` is over; then closes. */
  close(graceMs?: number): Promise<void>
  readonly connectionCount: number
}
