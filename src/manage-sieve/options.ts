// The settings of a ManageSieve server, as the server itself takes them: plain values, defaults in one place.
import type { PortOptions as PortOptionsOf } from '../connection/listener-options.ts'
import type { Server, ServerOptions } from '../connection/server-options.ts'
import type { SieveLimits } from '../sieve/limits.ts'
import type { ListenerRole, SessionServices } from './services.ts'

export type ListenerOptions = Omit<PortOptionsOf<ListenerRole>, 'clients'>

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

export interface ManageSieveServerOptions extends ServerOptions<ListenerOptions> {
  /** '0.1.0', for IMPLEMENTATION. */
  readonly version: string
  readonly services: SessionServices
  readonly limits?: Partial<ManageSieveLimits>
  /** Of scripts. Default: those with which they run. */
  readonly sieve?: SieveLimits
}

export type ManageSieveServer = Server<ListenerRole>
