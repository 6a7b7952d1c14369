// The settings of a POP3 server, as the server itself takes them: plain values, defaults in one place.
import type { PortOptions as PortOptionsOf } from '../../connection/listener-options.ts'
import type { Server, ServerOptions } from '../../connection/server-options.ts'
import type { ListenerRole, SessionServices } from './services.ts'

export type ListenerOptions = Omit<PortOptionsOf<ListenerRole>, 'clients'>

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

/** USER and PASS are there where PLAIN or LOGIN is. */
export interface Pop3ServerOptions extends ServerOptions<ListenerOptions> {
  readonly services: SessionServices
  readonly limits?: Partial<Pop3ServerLimits>
  /** What CAPA tells of this server (RFC 2449 §6.9). Default 'Postrider'. */
  readonly implementation?: string
}

/** Who has deleted messages would lose that by the end of the server. */
export type Pop3Server = Server<ListenerRole>
