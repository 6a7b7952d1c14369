// An IMAP server over services that somebody supplies. It knows nothing of where mailboxes are kept.
import { ProtocolServer } from '../../connection/protocol-server.ts'
import { completeLimits } from '../../connection/server-options.ts'
import { silentLog } from '../../runtime/log.ts'
import { systemRandom } from '../../runtime/random.ts'
import { usualMechanisms } from '../../sasl/mechanisms.ts'
import type { StatusResponse } from '../responses/status-response.ts'
import { Connection, connectionAnswers } from './connection.ts'
import { defaultLimits, type ImapServer, type ImapServerOptions } from './options.ts'
import type { ListenerRole } from './services.ts'
import type { SessionContext } from './session.ts'

/** Throws a UsageFault when the options will not do. */
export function createImapServer(options: ImapServerOptions): ImapServer {
  const { log = silentLog } = options
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
    fault: (cause, client) =>
      log.error(
        'an IMAP session failed on an unexpected error',
        { session: client.sessionId, peer: client.remoteAddress },
        cause,
      ),
  }
  const { idleTimeoutMs, loginTimeoutMs, transferTimeoutMs } = limits
  const server = new ProtocolServer<ListenerRole, StatusResponse>(options, {
    connectionName: 'an IMAP connection',
    answers: connectionAnswers(context),
    tlsRole: 'imaps',
    limits,
    shortestDeadlineMs: Math.min(idleTimeoutMs, loginTimeoutMs, transferTimeoutMs),
    create: (host, door, socket) => new Connection(context, host, door, socket),
  })
  return server
}
