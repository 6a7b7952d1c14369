// An SMTP server: connections, their number and their deadlines. It knows nothing of queues or mailboxes.
import type { Socket } from 'node:net'
import { parseDomain } from '../../address/parse-domain.ts'
import { assertNetworks } from '../../connection/assert-networks.ts'
import { ProtocolServer } from '../../connection/protocol-server.ts'
import { completeLimits } from '../../connection/server-options.ts'
import { systemClock } from '../../runtime/clock.ts'
import { silentLog } from '../../runtime/log.ts'
import { systemRandom } from '../../runtime/random.ts'
import { usualMechanisms } from '../../sasl/mechanisms.ts'
import type { Reply } from '../reply.ts'
import { assertOptions } from './assert-options.ts'
import { Connection, type ConnectionTerms, connectionReplies } from './connection.ts'
import {
  type BoundListener,
  defaultLimits,
  noTransferExtensions,
  type SmtpServer,
  type SmtpServerOptions,
} from './options.ts'
import { isForUsers } from './roles.ts'
import type { ListenerRole } from './services.ts'
import type { SessionContext } from './session.ts'

/** Throws a UsageFault when the options will not do. */
export function createSmtpServer(options: SmtpServerOptions): SmtpServer {
  assertOptions(options)
  return new NetworkSmtpServer(options)
}

class NetworkSmtpServer implements SmtpServer {
  readonly #terms: ConnectionTerms
  readonly #server: ProtocolServer<ListenerRole, Reply>

  constructor(options: SmtpServerOptions) {
    const { clock = systemClock, log = silentLog, random = systemRandom, tls } = options
    const context: SessionContext = {
      hostname: options.hostname,
      ownDomain: parseDomain(options.hostname) ?? options.hostname.toLowerCase(),
      services: options.services,
      limits: completeLimits(defaultLimits, options.limits),
      localNetworks: assertNetworks(options.localNetworks ?? []),
      hasTls: tls !== undefined,
      submissionPorts: () => this.#server.portsOf('submission', 'submissions'),
      tlsPorts: () => this.#server.portsOf('submissions'),
      allowPlaintextAuthOnLoopback: options.allowPlaintextAuthOnLoopback ?? false,
      authMechanisms: options.authMechanisms ?? usualMechanisms,
      random,
      verifyForEveryone: options.verifyForEveryone ?? false,
      offersRequireTls: options.offersRequireTls ?? false,
      allowMissingAngleBrackets: options.allowMissingAngleBrackets ?? false,
      transferExtensions: options.transferExtensions ?? noTransferExtensions,
      now: () => clock.now(),
      fault: (cause, client) => this.#server.noteFault(cause, client),
    }
    this.#terms = {
      context,
      greeting: options.greeting ?? 'Postrider greets you',
      noteDialogue: log.isDebugEnabled
        ? (speaker, text, session) => log.debug(speaker, { session, text })
        : undefined,
    }
    const { commandTimeoutMs, dataBlockTimeoutMs, sessionTimeoutMs } = context.limits
    this.#server = new ProtocolServer(options, {
      connectionName: 'a connection',
      sessionName: 'a session',
      answers: connectionReplies(context),
      tlsRole: 'submissions',
      // Servers have certificates of their own, which say nothing here.
      asksForCertificate: isForUsers,
      limits: context.limits,
      shortestDeadlineMs: Math.min(commandTimeoutMs, dataBlockTimeoutMs, sessionTimeoutMs),
      create: (host, door, socket) => new Connection(this.#terms, host, door, socket),
    })
  }

  get connectionCount(): number {
    return this.#server.connectionCount
  }

  listen(): Promise<readonly BoundListener[]> {
    return this.#server.listen()
  }

  serve(socket: Socket): Promise<{ readonly messages: number }> {
    const connection = new Connection(this.#terms, this.#server.host, { role: 'relay' }, socket)
    return new Promise(resolve => {
      this.#server.begin(connection, () => connection.greetFetched(resolve))
    })
  }

  /** RFC 5321 §3.8: as long as somebody is served, newcomers are told 421 and not turned away without a word. */
  close(graceMs = 0): Promise<void> {
    return this.#server.close(graceMs)
  }
}
