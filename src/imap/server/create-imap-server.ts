// An IMAP server over services that somebody supplies. It knows nothing of where mailboxes are kept.
import { ProtocolServer } from '../../connection/protocol-server.ts'
import { completeLimits } from '../../connection/server-options.ts'
import { systemRandom } from '../../runtime/random.ts'
import { usualMechanisms } from '../../sasl/mechanisms.ts'
import type { StatusResponse } from '../responses/status-response.ts'
import { Connection, connectionAnswers } from './connection.ts'
import { defaultLimits, type ImapServer, type ImapServerOptions } from './options.ts'
import type { ListenerRole } from './services.ts'
import type { SessionContext } from './session.ts'

/** Throws a UsageFault when the options will not do. */
export function createImapServer(options: ImapServerOptions): ImapServer {
  const limits = completeLimits(defaultLimits, options.limits)
  const context: SessionContext = {
    hostname: options.hostname,
    services: options.services,
    limits,
    hasTls: options.tls !== undefined,
    tlsPorts: () => server.portsOf('imaps'),
    allowPlaintextAuthOnLoopback: options.allowPlaintextAuthOnLoopback ?? false,
    authMechanisms: options.authMechanisms ?? usualMechanisms,
    offersCompression: options.offersCompression ?? true,
    identity: options.identity ?? new Map([['name', 'Postrider']]),
    random: options.random ?? systemRandom,
    fault: (cause, client) => server.noteFault(cause, client),
  }
  const { idleTimeoutMs, loginTimeoutMs, transferTimeoutMs } = limits
  const server = new ProtocolServer<ListenerRole, StatusResponse>(options, {
    connectionName: 'an IMAP connection',
    sessionName: 'an IMAP session',
    answers: connectionAnswers(context),
    tlsRole: 'imaps',
    limits,
    shortestDeadlineMs: Math.min(idleTimeoutMs, loginTimeoutMs, transferTimeoutMs),
    create: (host, door, socket) => new Connection(context, host, door, socket),
  })
  return server
}
