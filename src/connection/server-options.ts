// What every server is told and does, whatever it speaks.
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Random } from '../runtime/random.ts'
import type { PasswordMechanism } from '../sasl/mechanisms.ts'
import type { ConnectionCounts } from './connection-counts.ts'
import type { BoundListener, ListenerOptions } from './listener-options.ts'
import type { ServerTls } from './tls-facts.ts'

export interface ServerOptions<Listener extends ListenerOptions> {
  readonly hostname: string
  readonly listeners: readonly Listener[]
  /** Without it: no TLS, neither from the first byte nor by a command. */
  readonly tls?: ServerTls
  /** Log-ins without TLS from loopback addresses, for a developer's own machine. Default false. */
  readonly allowPlaintextAuthOnLoopback?: boolean
  /** How users may log in, where the services can; SCRAM with its -PLUS. Default: SCRAM-SHA-256, PLAIN, LOGIN. */
  readonly authMechanisms?: readonly PasswordMechanism[]
  /** Shared with other servers, whose connections then count towards `maxConnectionsPerAddress` here. */
  readonly connectionCounts?: ConnectionCounts
  readonly clock?: Clock
  readonly random?: Random
  readonly log?: Log
}

export interface Server<Role extends string> {
  /**
   * Resolves when every listener listens; rejects with the system's error (EADDRINUSE, EACCES …) of the first that cannot.
   * Once: rejects with a UsageFault the second time, and after `close`.
   */
  listen(): Promise<readonly BoundListener<Role>[]>
  /** Tells whoever would lose nothing that the server ends; others may finish until `graceMs` is over; then closes. */
  close(graceMs?: number): Promise<void>
  readonly connectionCount: number
}

/** What is not given, or undefined, is the default. */
export function completeLimits<Limits extends Readonly<Record<keyof Limits, number>>>(
  defaults: Limits,
  given: Partial<Limits> = {},
): Limits {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined)
  return { ...defaults, ...Object.fromEntries(entries) }
}
