// An SMTP server: connections, their number and their deadlines. It knows nothing of queues or mailboxes.
import type { Socket } from 'node:net'
import { parseDomain } from '../../address/parse-domain.ts'
import { assertNetworks } from '../../connection/assert-networks.ts'
import { ConnectionKeeper } from '../../connection/connection-keeper.ts'
import type { Door } from '../../connection/door.ts'
import { secureContextOf, secureSocket, tlsFactsOf } from '../../connection/secure-socket.ts'
import type { ServerTls } from '../../connection/tls-facts.ts'
import { systemClock } from '../../runtime/clock.ts'
import { silentLog } from '../../runtime/log.ts'
import { systemRandom } from '../../runtime/random.ts'
import { usualMechanisms } from '../../sasl/mechanisms.ts'
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'
import { assertOptions } from './assert-options.ts'
import { Connection, type ConnectionHost } from './connection.ts'
import {
  type BoundListener,
  defaultLimits,
  noTransferExtensions,
  type SmtpServer,
  type SmtpServerLimits,
  type SmtpServerOptions,
} from './options.ts'
import { isForUsers } from './roles.ts'
import type { Client, ListenerRole } from './services.ts'
import type { SessionContext } from './session.ts'

/** Throws a UsageFault when the options will not do. */
export function createSmtpServer(options: SmtpServerOptions): SmtpServer {
  assertOptions(options)
  return new NetworkSmtpServer(options)
}

/** What is not given, or undefined, is the default. */
function completed(limits: Partial<SmtpServerLimits> = {}): SmtpServerLimits {
  const complete: Record<keyof SmtpServerLimits, number> = { ...defaultLimits }
  for (const name of Object.keys(defaultLimits) as (keyof SmtpServerLimits)[])
    complete[name] = limits[name] ?? defaultLimits[name]
  return complete
}

class NetworkSmtpServer implements SmtpServer {
  readonly #options: SmtpServerOptions
  readonly #host: ConnectionHost
  readonly #keeper: ConnectionKeeper<ListenerRole, Connection>
  readonly #whenReleased = new Map<Connection, (served: { readonly messages: number }) => void>()
  #lastSession = 0

  constructor(options: SmtpServerOptions) {
    this.#options = options
    const { clock = systemClock, log = silentLog, random = systemRandom, tls } = options
    const context: SessionContext = {
      hostname: options.hostname,
      ownDomain: parseDomain(options.hostname) ?? options.hostname.toLowerCase(),
      services: options.services,
      limits: completed(options.limits),
      localNetworks: assertNetworks(options.localNetworks ?? []),
      hasTls: tls !== undefined,
      submissionPorts: () => this.#keeper.portsOf('submission', 'submissions'),
      tlsPorts: () => this.#keeper.portsOf('submissions'),
      allowPlaintextAuthOnLoopback: options.allowPlaintextAuthOnLoopback ?? false,
      authMechanisms: options.authMechanisms ?? usualMechanisms,
      random,
      verifyForEveryone: options.verifyForEveryone ?? false,
      offersRequireTls: options.offersRequireTls ?? false,
      allowMissingAngleBrackets: options.allowMissingAngleBrackets ?? false,
      transferExtensions: options.transferExtensions ?? noTransferExtensions,
      now: () => clock.now(),
      fault: (cause, client) =>
        log.error(
          'a session failed on an unexpected error',
          { session: client.sessionId, peer: client.remoteAddress },
          cause,
        ),
    }
    // Other servers may have been started in the same millisecond.
    const prefix = `${clock.now().toString(36)}-${Buffer.from(random.bytes(3)).toString('hex')}`
    const { commandTimeoutMs, dataBlockTimeoutMs, sessionTimeoutMs } = context.limits
    this.#keeper = new ConnectionKeeper({
      listeners: options.listeners,
      maxConnections: context.limits.maxConnections,
      maxConnectionsPerAddress: context.limits.maxConnectionsPerAddress,
      shortestDeadlineMs: Math.min(commandTimeoutMs, dataBlockTimeoutMs, sessionTimeoutMs),
      connectionCounts: options.connectionCounts,
      clock,
      log,
      create: (door, socket) => new Connection(this.#host, door, socket),
    })
    this.#host = {
      context,
      greeting: options.greeting ?? 'Postrider greets you',
      now: () => clock.now(),
      expectDeadline: at => this.#keeper.expectDeadline(at),
      nextSessionId: () => `${prefix}-${++this.#lastSession}`,
      secureContext: () => secureContextOf(tls),
      secure: (socket, secureContext, role) =>
        secureSocket(socket, { secureContext, tls, requestCert: asksForCertificate(tls, role) }),
      tlsFacts: (secure, role) => tlsFactsOf(secure, asksForCertificate(tls, role)),
      admit: (address, door) => this.#admit(address, door),
      released: (connection, admitted) => this.#released(connection, admitted),
      note: (message, connection, fields) => log.info(message, { peer: connection.remoteAddress, ...fields }),
      noteDialogue: log.isDebugEnabled
        ? (speaker, text, connection) =>
            log.debug(speaker, { session: connection.session?.client.sessionId, text })
        : undefined,
      fault: (cause, connection) =>
        log.error('a connection failed on an unexpected error', { peer: connection.remoteAddress }, cause),
    }
  }

  get connectionCount(): number {
    return this.#keeper.size
  }

  listen(): Promise<readonly BoundListener[]> {
    return this.#keeper.listen()
  }

  serve(socket: Socket): Promise<{ readonly messages: number }> {
    const connection = new Connection(this.#host, { role: 'relay' }, socket)
    const over = new Promise<{ readonly messages: number }>(resolve => {
      this.#whenReleased.set(connection, resolve)
    })
    this.#keeper.begin(connection, () => connection.greetFetched())
    return over
  }

  #admit(address: string, door: Door<ListenerRole>): Reply | undefined {
    const { hostname } = this.#host.context
    const admission = this.#keeper.admit(address, door)
    switch (admission.kind) {
      case 'admitted':
        return undefined
      case 'not-your-door':
        return replies.notYourDoor(hostname, address)
      case 'too-many':
        return replies.tooManyConnections(hostname)
      case 'too-many-of-yours':
        return replies.tooManyConnectionsFromYou(hostname, admission.host)
      default:
        return admission satisfies never
    }
  }

  #released(connection: Connection, admitted: boolean): void {
    if (!this.#keeper.release(connection, admitted ? 'counted' : 'not-counted')) return
    if (connection.session) this.#tellDisconnected(connection.session.client)
    this.#whenReleased.get(connection)?.({ messages: connection.session?.accepted ?? 0 })
    this.#whenReleased.delete(connection)
  }

  #tellDisconnected(client: Client): void {
    try {
      this.#options.services.disconnected?.(client)
    } catch (cause) {
      this.#host.context.fault(cause, client)
    }
  }

  /** RFC 5321 §3.8: as long as somebody is served, newcomers are told 421 and not turned away without a word. */
  close(graceMs = 0): Promise<void> {
    return this.#keeper.close(graceMs)
  }
}

/** Servers have certificates of their own, which say nothing here. */
function asksForCertificate(tls: ServerTls | undefined, role: ListenerRole): boolean {
  return tls?.asksForClientCertificate === true && isForUsers(role)
}
