// A POP3 server over services that somebody supplies. It knows nothing of where messages are kept.
import { ProtocolServer } from '../../connection/protocol-server.ts'
import { completeLimits } from '../../connection/server-options.ts'
import { systemRandom } from '../../runtime/random.ts'
import { usualMechanisms } from '../../sasl/mechanisms.ts'
import type { Response } from '../responses/response.ts'
import { Connection, connectionAnswers } from './connection.ts'
import { defaultLimits, type Pop3Server, type Pop3ServerOptions } from './options.ts'
import type { ListenerRole } from './services.ts'
import type { SessionContext } from './session.ts'

/** Throws a UsageFault when the options will not do. */
export function createPop3Server(options: Pop3ServerOptions): Pop3Server {
  const limits = completeLimits(defaultLimits, options.limits)
  const context: SessionContext = {
    hostname: options.hostname,
    services: options.services,
    limits,
    hasTls: options.tls !== undefined,
    tlsPorts: () => server.portsOf('pop3s'),
    allowPlaintextAuthOnLoopback: options.allowPlaintextAuthOnLoopback ?? false,
    authMechanisms: options.authMechanisms ?? usualMechanisms,
    implementation: options.implementation ?? 'Postrider',
    random: options.random ?? systemRandom,
    fault: (cause, client) => server.noteFault(cause, client),
  }
  const { idleTimeoutMs, loginTimeoutMs, transferTimeoutMs } = limits
  const server = new ProtocolServer<ListenerRole, Response>(options, {
    connectionName: 'a POP3 connection',
    sessionName: 'a POP3 session',
    answers: connectionAnswers(context),
    tlsRole: 'pop3s',
    limits,
    shortestDeadlineMs: Math.min(idleTimeoutMs, loginTimeoutMs, transferTimeoutMs),
    create: (host, door, socket) => new Connection(context, host, door, socket),
  })
  return server
}
