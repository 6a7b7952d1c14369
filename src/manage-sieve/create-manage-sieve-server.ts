// A ManageSieve server (RFC 5804) over services that somebody supplies. It knows nothing of where scripts are kept.
import { ProtocolServer } from '../connection/protocol-server.ts'
import { completeLimits } from '../connection/server-options.ts'
import { systemRandom } from '../runtime/random.ts'
import { usualMechanisms } from '../sasl/mechanisms.ts'
import { defaultLimits } from '../sieve/limits.ts'
import { Connection, connectionAnswers } from './connection.ts'
import { defaultServerLimits, type ManageSieveServer, type ManageSieveServerOptions } from './options.ts'
import type { Response } from './response.ts'
import type { ListenerRole } from './services.ts'
import type { SessionContext } from './session.ts'

export function createManageSieveServer(options: ManageSieveServerOptions): ManageSieveServer {
  const limits = completeLimits(defaultServerLimits, options.limits)
  const context: SessionContext = {
    hostname: options.hostname,
    version: options.version,
    services: options.services,
    hasTls: options.tls !== undefined,
    allowPlaintextAuthOnLoopback: options.allowPlaintextAuthOnLoopback ?? false,
    authMechanisms: options.authMechanisms ?? usualMechanisms,
    random: options.random ?? systemRandom,
    limits,
    sieve: options.sieve ?? defaultLimits,
    fault: (cause, client) => server.noteFault(cause, client),
  }
  const server = new ProtocolServer<ListenerRole, Response>(options, {
    connectionName: 'a ManageSieve connection',
    sessionName: 'a ManageSieve session',
    answers: connectionAnswers,
    limits,
    shortestDeadlineMs: Math.min(limits.loginTimeoutMs, limits.idleTimeoutMs),
    create: (host, door, socket) => new Connection(context, host, door, socket),
  })
  return server
}
