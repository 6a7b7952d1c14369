// A POP3 server over services that somebody supplies. It knows nothing of where messages are kept.
import { ConnectionKeeper } from '../../connection/connection-keeper.ts'
import { secureContextOf, secureSocket, tlsFactsOf } from '../../connection/secure-socket.ts'
import { systemClock } from '../../runtime/clock.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { silentLog } from '../../runtime/log.ts'
import { systemRandom } from '../../runtime/random.ts'
import { usualMechanisms } from '../../sasl/mechanisms.ts'
import { Connection, type ConnectionHost } from './connection.ts'
import {
  type BoundListener,
  defaultLimits,
  type Pop3Server,
  type Pop3ServerLimits,
  type Pop3ServerOptions,
} from './options.ts'
import type { ListenerRole } from './services.ts'
import type { SessionContext } from './session.ts'

/** Throws a UsageFault when the options will not do. */
export function createPop3Server(options: Pop3ServerOptions): Pop3Server {
  if (!options.tls && options.listeners.some(({ role }) => role === 'pop3s'))
    throw new UsageFault(
      'TLS_MISSING',
      'A listener for pop3s starts with TLS: it needs a certificate, so give tls too.',
    )
  return new NetworkPop3Server(options)
}

/** What is not given, or undefined, is the default. */
function completed(limits: Partial<Pop3ServerLimits> = {}): Pop3ServerLimits {
  const complete: Record<keyof Pop3ServerLimits, number> = { ...defaultLimits }
  for (const name of Object.keys(defaultLimits) as (keyof Pop3ServerLimits)[])
    complete[name] = limits[name] ?? defaultLimits[name]
  return complete
}

class NetworkPop3Server implements Pop3Server {
  readonly #keeper: ConnectionKeeper<ListenerRole, Connection>
  #lastSession = 0

  constructor(options: Pop3ServerOptions) {
    const { clock = systemClock, log = silentLog, random = systemRandom, tls, services } = options
    const limits = completed(options.limits)
    const context: SessionContext = {
      hostname: options.hostname,
      services,
      limits,
      hasTls: tls !== undefined,
      tlsPorts: () => this.#keeper.portsOf('pop3s'),
      allowPlaintextAuthOnLoopback: options.allowPlaintextAuthOnLoopback ?? false,
      authMechanisms: options.authMechanisms ?? usualMechanisms,
      implementation: options.implementation ?? 'Postrider',
      random,
      fault: (cause, client) =>
        log.error(
          'a POP3 session failed on an unexpected error',
          { session: client.sessionId, peer: client.remoteAddress },
          cause,
        ),
    }
    const requestCert = tls?.asksForClientCertificate === true
    // Other servers may have been started in the same millisecond.
    const prefix = `${clock.now().toString(36)}-${Buffer.from(random.bytes(3)).toString('hex')}`
    const host: ConnectionHost = {
      context,
      now: () => clock.now(),
      expectDeadline: at => this.#keeper.expectDeadline(at),
      nextSessionId: () => `${prefix}-${++this.#lastSession}`,
      secureContext: () => secureContextOf(tls),
      secure: (socket, secureContext) => secureSocket(socket, { secureContext, tls, requestCert }),
      tlsFacts: secure => tlsFactsOf(secure, requestCert),
      admit: (address, door) => this.#keeper.admit(address, door),
      released: (connection, counted) => {
        if (!this.#keeper.release(connection, counted) || !connection.session) return
        const { client } = connection.session
        try {
          services.disconnected?.(client)
        } catch (cause) {
          context.fault(cause, client)
        }
      },
      note: (message, connection, fields) => log.info(message, { peer: connection.remoteAddress, ...fields }),
      fault: (cause, connection) =>
        log.error(
          'a POP3 connection failed on an unexpected error',
          { peer: connection.remoteAddress },
          cause,
        ),
    }
    const { idleTimeoutMs, loginTimeoutMs, transferTimeoutMs } = limits
    this.#keeper = new ConnectionKeeper({
      listeners: options.listeners,
      maxConnections: limits.maxConnections,
      maxConnectionsPerAddress: limits.maxConnectionsPerAddress,
      shortestDeadlineMs: Math.min(idleTimeoutMs, loginTimeoutMs, transferTimeoutMs),
      connectionCounts: options.connectionCounts,
      clock,
      log,
      create: (door, socket) => new Connection(host, door, socket),
    })
  }

  get connectionCount(): number {
    return this.#keeper.size
  }

  listen(): Promise<readonly BoundListener[]> {
    return this.#keeper.listen()
  }

  close(graceMs = 0): Promise<void> {
    return this.#keeper.close(graceMs)
  }
}
