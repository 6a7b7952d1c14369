// A ManageSieve server (RFC 5804) over services that somebody supplies. It knows nothing of where scripts are kept.
import { ConnectionKeeper } from '../connection/connection-keeper.ts'
import { secureContextOf, secureSocket, tlsFactsOf } from '../connection/secure-socket.ts'
import { systemClock } from '../runtime/clock.ts'
import { silentLog } from '../runtime/log.ts'
import { systemRandom } from '../runtime/random.ts'
import { usualMechanisms } from '../sasl/mechanisms.ts'
import { Connection, type ConnectionHost } from './connection.ts'
import { defaultServerLimits, type ManageSieveServer, type ManageSieveServerOptions } from './options.ts'
import type { ListenerRole } from './services.ts'
import type { SessionContext } from './session.ts'

export function createManageSieveServer(options: ManageSieveServerOptions): ManageSieveServer {
  const { clock = systemClock, log = silentLog, random = systemRandom, tls } = options
  const limits = { ...defaultServerLimits, ...options.limits }
  const context: SessionContext = {
    hostname: options.hostname,
    version: options.version,
    services: options.services,
    hasTls: tls !== undefined,
    allowPlaintextAuthOnLoopback: options.allowPlaintextAuthOnLoopback ?? false,
    authMechanisms: options.authMechanisms ?? usualMechanisms,
    random,
    limits: { maxErrors: limits.maxErrorsPerSession, maxScripts: limits.maxScripts },
    fault: (cause, client) =>
      log.error(
        'a ManageSieve session failed on an unexpected error',
        { session: client.sessionId, peer: client.remoteAddress },
        cause,
      ),
  }
  const requestCert = tls?.asksForClientCertificate === true
  // Other servers may have been started in the same millisecond.
  const prefix = `${clock.now().toString(36)}-${Buffer.from(random.bytes(3)).toString('hex')}`
  let lastSession = 0
  const host: ConnectionHost = {
    context,
    timeouts: { loginMs: limits.loginTimeoutMs, idleMs: limits.idleTimeoutMs },
    now: () => clock.now(),
    expectDeadline: at => keeper.expectDeadline(at),
    nextSessionId: () => `${prefix}-${++lastSession}`,
    secureContext: () => secureContextOf(tls),
    secure: (socket, secureContext) => secureSocket(socket, { secureContext, tls, requestCert }),
    tlsFacts: secure => tlsFactsOf(secure, requestCert),
    admit: (address, door) => keeper.admit(address, door),
    released: (connection, counted) => void keeper.release(connection, counted),
    note: (message, connection) => log.info(message, { peer: connection.remoteAddress }),
    fault: (cause, connection) =>
      log.error(
        'a ManageSieve connection failed on an unexpected error',
        { peer: connection.remoteAddress },
        cause,
      ),
  }
  const keeper = new ConnectionKeeper<ListenerRole, Connection>({
    listeners: options.listeners,
    maxConnections: limits.maxConnections,
    maxConnectionsPerAddress: limits.maxConnectionsPerAddress,
    shortestDeadlineMs: Math.min(limits.loginTimeoutMs, limits.idleTimeoutMs),
    connectionCounts: options.connectionCounts,
    clock,
    log,
    create: (door, socket) => new Connection(host, door, socket),
  })
  return {
    listen: () => keeper.listen(),
    close: (graceMs = 0) => keeper.close(graceMs),
    get connectionCount() {
      return keeper.size
    },
  }
}
