// The server of a protocol: its listeners, its connections, and what these share.
import type { Socket } from 'node:net'
import { systemClock } from '../runtime/clock.ts'
import { Fault, UsageFault } from '../runtime/fault.ts'
import { type Log, silentLog } from '../runtime/log.ts'
import { systemRandom } from '../runtime/random.ts'
import { RepeatMemory } from '../runtime/repeat-memory.ts'
import type { ConnectionAnswers, ConnectionHost } from './connection-host.ts'
import { ConnectionKeeper, type KeptConnection } from './connection-keeper.ts'
import type { Door } from './door.ts'
import type { BoundListener, ListenerOptions } from './listener-options.ts'
import { secureContextOf, secureSocket, tlsFactsOf } from './secure-socket.ts'
import type { Server, ServerOptions } from './server-options.ts'
import type { SessionPeer } from './session-peer.ts'

export interface Protocol<Role extends string, Answer> {
  /** In the log: 'an IMAP connection'. */
  readonly connectionName: string
  /** And 'an IMAP session'. */
  readonly sessionName: string
  readonly answers: ConnectionAnswers<Answer>
  /** On whose ports TLS comes first. */
  readonly tlsRole?: Role
  /** Who is asked for a certificate, where the server asks at all. Default: everybody. */
  readonly asksForCertificate?: (role: Role) => boolean
  readonly limits: { readonly maxConnections: number; readonly maxConnectionsPerAddress: number }
  /** The shortest of its deadlines, ms: how exactly they are watched. */
  readonly shortestDeadlineMs: number
  create(host: ConnectionHost<Role, Answer>, door: Door<Role>, socket: Socket): KeptConnection
}

type FaultySession = Pick<SessionPeer<string>, 'sessionId' | 'remoteAddress'>

/** Of faults that are the same one is told, and then the last of each so long. */
const faultQuietMs = 60_000

export class ProtocolServer<Role extends string, Answer> implements Server<Role> {
  readonly host: ConnectionHost<Role, Answer>
  readonly #keeper: ConnectionKeeper<Role, KeptConnection>
  readonly #log: Log
  readonly #sessionName: string
  readonly #faults: RepeatMemory

  /** Throws a UsageFault where TLS comes first and there is none. */
  constructor(options: ServerOptions<ListenerOptions<Role>>, protocol: Protocol<Role, Answer>) {
    const { clock = systemClock, log = silentLog, random = systemRandom, tls } = options
    const { tlsRole, asksForCertificate = () => true } = protocol
    if (!tls && options.listeners.some(({ role }) => role === tlsRole))
      throw new UsageFault(
        'TLS_MISSING',
        `A listener for ${tlsRole} starts with TLS: it needs a certificate, so give tls too.`,
      )
    const isAsked = (role: Role): boolean =>
      tls?.asksForClientCertificate === true && asksForCertificate(role)
    // Other servers may have been started in the same millisecond.
    const prefix = `${clock.now().toString(36)}-${Buffer.from(random.bytes(3)).toString('hex')}`
    let lastSession = 0
    const host: ConnectionHost<Role, Answer> = {
      answers: protocol.answers,
      tlsRole,
      now: () => clock.now(),
      expectDeadline: at => this.#keeper.expectDeadline(at),
      nextSessionId: () => `${prefix}-${++lastSession}`,
      secureContext: () => secureContextOf(tls),
      secure: (socket, secureContext, role) =>
        secureSocket(socket, { secureContext, tls, requestCert: isAsked(role) }),
      tlsFacts: (secure, role) => tlsFactsOf(secure, isAsked(role)),
      admit: (address, door) => this.#keeper.admit(address, door),
      release: (connection, counted) => this.#keeper.release(connection, counted),
      note: (message, connection, fields) => log.info(message, { peer: connection.remoteAddress, ...fields }),
      fault: (cause, connection) =>
        log.error(
          `${protocol.connectionName} failed on an unexpected error`,
          { peer: connection.remoteAddress },
          cause,
        ),
    }
    this.host = host
    this.#log = log
    this.#sessionName = protocol.sessionName
    this.#faults = new RepeatMemory(faultQuietMs, clock)
    this.#keeper = new ConnectionKeeper({
      listeners: options.listeners,
      maxConnections: protocol.limits.maxConnections,
      maxConnectionsPerAddress: protocol.limits.maxConnectionsPerAddress,
      shortestDeadlineMs: protocol.shortestDeadlineMs,
      connectionCounts: options.connectionCounts,
      clock,
      log,
      create: (door, socket) => protocol.create(host, door, socket),
    })
  }

  get connectionCount(): number {
    return this.#keeper.size
  }

  portsOf(...roles: readonly Role[]): readonly number[] {
    return this.#keeper.portsOf(...roles)
  }

  /** One that this side has opened: `start` says what is done first. */
  begin(connection: KeptConnection, start: () => void): void {
    this.#keeper.begin(connection, start)
  }

  listen(): Promise<readonly BoundListener<Role>[]> {
    return this.#keeper.listen()
  }

  /** For the log: a service threw. What is wrong with the environment every command meets, as long as that lasts. */
  noteFault(cause: unknown, { sessionId: session, remoteAddress: peer }: FaultySession): void {
    if (cause instanceof Fault)
      this.#faults.note(cause.message, repeated =>
        this.#log.error(`${this.#sessionName} could not do what it was asked`, {
          session,
          peer,
          reason: cause.message,
          repeated,
        }),
      )
    else this.#log.error(`${this.#sessionName} failed on an unexpected error`, { session, peer }, cause)
  }

  async close(graceMs = 0): Promise<void> {
    await this.#keeper.close(graceMs)
    this.#faults.tellRest()
  }
}
