// An SMTP server: connections, their number and their deadlines. It knows nothing of queues or mailboxes.
import type { Socket } from 'node:net'
import { hostNetworkOf } from '../../address/networks.ts'
import { parseDomain } from '../../address/parse-domain.ts'
import { assertNetworks } from '../../connection/assert-networks.ts'
import { type ConnectionCounts, createConnectionCounts } from '../../connection/connection-counts.ts'
import { DeadlineWatch } from '../../connection/deadline-watch.ts'
import { type Door, isForNamedClients, mayEnter } from '../../connection/door.ts'
import { formatOptions } from '../../connection/format-listener.ts'
import { type Listener, openListener } from '../../connection/listener.ts'
import { secureContextOf, secureSocket, tlsFactsOf } from '../../connection/secure-socket.ts'
import type { ServerTls } from '../../connection/tls-facts.ts'
import { systemClock } from '../../runtime/clock.ts'
import { UsageFault } from '../../runtime/fault.ts'
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

/** Connections over `maxConnections` that are told so; still more are closed without a word. */
const politeRefusals = 100
/** So late a deadline may be noticed. */
const mostLateMs = 5000
const hurryMs = 500

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
  readonly #connections = new Set<Connection>()
  readonly #whenReleased = new Map<Connection, (served: { readonly messages: number }) => void>()
  readonly #counts: ConnectionCounts
  readonly #listeners: Listener<ListenerRole>[] = []
  readonly #deadlines: DeadlineWatch
  #listens = false
  #closing = false
  #closed: Promise<void> | undefined
  #emptied: (() => void) | undefined
  #lastSession = 0

  constructor(options: SmtpServerOptions) {
    this.#options = options
    this.#counts = options.connectionCounts ?? createConnectionCounts()
    const { clock = systemClock, log = silentLog, random = systemRandom, tls } = options
    const context: SessionContext = {
      hostname: options.hostname,
      ownDomain: parseDomain(options.hostname) ?? options.hostname.toLowerCase(),
      services: options.services,
      limits: completed(options.limits),
      localNetworks: assertNetworks(options.localNetworks ?? []),
      hasTls: tls !== undefined,
      submissionPorts: () => this.#portsOf('submission', 'submissions'),
      tlsPorts: () => this.#portsOf('submissions'),
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
    // Fine enough for the shortest of them.
    const { commandTimeoutMs, dataBlockTimeoutMs, sessionTimeoutMs } = context.limits
    const shortest = Math.min(commandTimeoutMs, dataBlockTimeoutMs, sessionTimeoutMs)
    const coarseMs = Math.min(mostLateMs, Math.max(1, Math.floor(shortest / 10)))
    this.#deadlines = new DeadlineWatch(clock, coarseMs, now => this.#expire(now))
    this.#host = {
      context,
      greeting: options.greeting ?? 'Postrider greets you',
      now: () => clock.now(),
      expectDeadline: at => this.#deadlines.expect(at),
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
    return this.#connections.size
  }

  async listen(): Promise<readonly BoundListener[]> {
    if (this.#listens || this.#closing)
      throw new UsageFault(
        'LISTEN_TWICE',
        'A server listens once, and not after it was closed. Make another one for more listeners.',
      )
    this.#listens = true
    try {
      for (const options of this.#options.listeners) {
        const listener = await openListener(options, {
          connected: (socket, door, speaksForOthers) => this.#accept(door, socket, speaksForOthers),
          failed: cause =>
            this.#options.log?.error('a listener failed', { listener: formatOptions(options) }, cause),
        })
        this.#listeners.push(listener)
      }
    } catch (cause) {
      // All or none.
      await this.close()
      throw cause
    }
    return this.#listeners.map(({ bound }) => bound)
  }

  /** Several listeners may have one port, each at another address. */
  #portsOf(...roles: readonly ListenerRole[]): readonly number[] {
    const bound = this.#listeners.map(listener => listener.bound)
    return [...new Set(bound.filter(({ role }) => roles.includes(role)).map(({ port }) => port))]
  }

  #accept(door: Door<ListenerRole>, socket: Socket, speaksForOthers: boolean): void {
    if (this.#connections.size >= this.#host.context.limits.maxConnections + politeRefusals) {
      socket.destroy()
      return
    }
    const connection = new Connection(this.#host, door, socket)
    this.#connections.add(connection)
    connection.adopt()
    try {
      if (this.#closing) connection.refuse(replies.shuttingDown(this.#options.hostname))
      else if (speaksForOthers) connection.expectProxy()
      else connection.greet()
    } catch (cause) {
      connection.fail(cause)
    }
  }

  serve(socket: Socket): Promise<{ readonly messages: number }> {
    const connection = new Connection(this.#host, { role: 'relay' }, socket)
    this.#connections.add(connection)
    const over = new Promise<{ readonly messages: number }>(resolve => {
      this.#whenReleased.set(connection, resolve)
    })
    connection.adopt()
    try {
      if (this.#closing) connection.refuse(replies.shuttingDown(this.#options.hostname))
      else connection.greetFetched()
    } catch (cause) {
      connection.fail(cause)
    }
    return over
  }

  #admit(address: string, door: Door<ListenerRole>): Reply | undefined {
    const { limits, hostname } = this.#host.context
    const host = hostNetworkOf(address)
    const count = this.#counts.add(host)
    if (!mayEnter(door, address)) return replies.notYourDoor(hostname, address)
    if (this.#connections.size > limits.maxConnections) return replies.tooManyConnections(hostname)
    // One server may have the mail of many.
    if (isForNamedClients(door)) return undefined
    return count > limits.maxConnectionsPerAddress
      ? replies.tooManyConnectionsFromYou(hostname, host)
      : undefined
  }

  #released(connection: Connection, admitted: boolean): void {
    if (!this.#connections.delete(connection)) return
    if (admitted) this.#counts.remove(hostNetworkOf(connection.remoteAddress))
    if (connection.session) this.#tellDisconnected(connection.session.client)
    this.#whenReleased.get(connection)?.({ messages: connection.session?.accepted ?? 0 })
    this.#whenReleased.delete(connection)
    if (this.#connections.size === 0) this.#emptied?.()
  }

  #tellDisconnected(client: Client): void {
    try {
      this.#options.services.disconnected?.(client)
    } catch (cause) {
      this.#host.context.fault(cause, client)
    }
  }

  /** The first deadline that is left. */
  #expire(now: number): number {
    let first = Number.POSITIVE_INFINITY
    for (const connection of this.#connections) {
      if (connection.deadlineAt <= now) connection.expire()
      first = Math.min(first, connection.deadlineAt)
    }
    return first
  }

  close(graceMs = 0): Promise<void> {
    this.#closed ??= this.#close(graceMs)
    return this.#closed
  }

  async #close(graceMs: number): Promise<void> {
    // RFC 5321 §3.8: as long as somebody is served, newcomers are told 421 and not turned away without a word.
    this.#closing = true
    // Where a socket stays open elsewhere they had better wait for the next server.
    const handedBack = this.#listeners.filter(({ isInherited }) => isInherited).map(one => one.close())
    for (const connection of this.#connections) connection.drain()
    // Who has been told 421 and does not go is looked for more often than else.
    const hurry = (this.#options.clock ?? systemClock).every(hurryMs, () => this.#deadlines.run())
    if (graceMs > 0 && this.#connections.size > 0) await this.#emptyOrLate(graceMs)
    hurry.cancel()
    const closed = this.#listeners.filter(({ isInherited }) => !isInherited).map(one => one.close())
    for (const connection of this.#connections) connection.cut()
    await Promise.all([...handedBack, ...closed])
    this.#deadlines.stop()
  }

  #emptyOrLate(graceMs: number): Promise<void> {
    return new Promise(resolve => {
      const timer = (this.#options.clock ?? systemClock).after(graceMs, resolve)
      this.#emptied = () => {
        timer.cancel()
        resolve()
      }
    })
  }
}

/** Servers have certificates of their own, which say nothing here. */
function asksForCertificate(tls: ServerTls | undefined, role: ListenerRole): boolean {
  return tls?.asksForClientCertificate === true && isForUsers(role)
}
