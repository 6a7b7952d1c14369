// An SMTP server: listeners, connections and their limits. It knows nothing of queues or mailboxes.
import { createServer, type Server, type Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import { isInNetworks, type Network, parseNetwork, plainAddress } from '../../address/networks.ts'
import { systemClock, type Timer } from '../../runtime/clock.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { silentLog } from '../../runtime/log.ts'
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'
import { Connection, type ConnectionHost } from './connection.ts'
import {
  type BoundListener,
  defaultLimits,
  type ListenerOptions,
  type SmtpServer,
  type SmtpServerOptions,
} from './options.ts'
import type { SessionContext } from './session.ts'

/** Connections that wait for accept(): a burst should not be refused by the system. */
const backlog = 4096
const sweepEveryMs = 1000

export function createSmtpServer(options: SmtpServerOptions): SmtpServer {
  return new NetworkSmtpServer(options)
}

class NetworkSmtpServer implements SmtpServer {
  readonly #options: SmtpServerOptions
  readonly #host: ConnectionHost
  readonly #connections = new Set<Connection>()
  readonly #perAddress = new Map<string, number>()
  readonly #servers: Server[] = []
  #sweep: Timer | undefined
  #closing = false
  #emptied: (() => void) | undefined
  #lastSession = 0

  constructor(options: SmtpServerOptions) {
    this.#options = options
    const { clock = systemClock, log = silentLog, tls } = options
    const context: SessionContext = {
      hostname: options.hostname,
      services: options.services,
      limits: { ...defaultLimits, ...options.limits },
      localNetworks: parseNetworks(options.localNetworks ?? []),
      hasTls: tls !== undefined,
      allowPlaintextAuthOnLoopback: options.allowPlaintextAuthOnLoopback ?? false,
      verifyForEveryone: options.verifyForEveryone ?? false,
      allowMissingAngleBrackets: options.allowMissingAngleBrackets ?? false,
      fault: (cause, client) =>
        log.error(
          'a session failed on an unexpected error',
          { session: client.sessionId, peer: client.remoteAddress },
          cause,
        ),
    }
    const prefix = clock.now().toString(36)
    this.#host = {
      context,
      greeting: options.greeting ?? 'Postrider greets you',
      now: () => clock.now(),
      nextSessionId: () => `${prefix}-${++this.#lastSession}`,
      secure: socket => secureSocket(socket, tls?.secureContext),
      admit: address => this.#admit(address),
      released: (connection, admitted) => this.#released(connection, admitted),
      debug: (message, connection, detail) => log.debug(message, { peer: connection.remoteAddress, detail }),
    }
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  async listen(): Promise<readonly BoundListener[]> {
    const bound: BoundListener[] = []
    try {
      for (const listener of this.#options.listeners) bound.push(await this.#listen(listener))
    } catch (cause) {
      for (const server of this.#servers) server.close()
      throw cause
    }
    this.#sweep = (this.#options.clock ?? systemClock).every(sweepEveryMs, () => this.#expire())
    return bound
  }

  #listen(listener: ListenerOptions): Promise<BoundListener> {
    if (listener.role === 'submissions' && !this.#options.tls) {
      throw new UsageFault(
        'TLS_MISSING',
        'A submissions listener starts with TLS, so it needs a certificate.',
      )
    }
    const proxies = parseNetworks(listener.proxyFrom ?? [])
    const server = createServer({ noDelay: true, allowHalfOpen: true }, socket =>
      this.#accept(listener, proxies, socket),
    )
    this.#servers.push(server)
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(
        { host: listener.address, port: listener.port, backlog, reusePort: listener.reusePort ?? false },
        () => {
          server.off('error', reject)
          // EMFILE and the like: accept() fails and is tried again by the next connection.
          server.on('error', cause =>
            this.#options.log?.error('a listener failed', { port: listener.port }, cause),
          )
          const address = server.address()
          const port = typeof address === 'object' && address ? address.port : listener.port
          resolve({ role: listener.role, address: listener.address, port })
        },
      )
    })
  }

  #accept(listener: ListenerOptions, proxies: readonly Network[], socket: Socket): void {
    const connection = new Connection(this.#host, listener.role, socket)
    this.#connections.add(connection)
    connection.adopt()
    if (this.#closing) connection.refuse(replies.shuttingDown(this.#options.hostname))
    else if (isInNetworks(plainAddress(socket.remoteAddress ?? ''), proxies)) connection.expectProxy()
    else connection.greet()
  }

  #admit(address: string): Reply | undefined {
    const { limits, hostname } = this.#host.context
    const count = (this.#perAddress.get(address) ?? 0) + 1
    this.#perAddress.set(address, count)
    if (this.#connections.size > limits.maxConnections) return replies.tooManyConnections(hostname)
    return count > limits.maxConnectionsPerAddress ? replies.tooManyConnectionsFromYou(address) : undefined
  }

  #released(connection: Connection, admitted: boolean): void {
    if (!this.#connections.delete(connection)) return
    if (admitted) this.#forgetAddress(connection.remoteAddress)
    if (connection.session) this.#options.services.disconnected?.(connection.session.client)
    if (this.#connections.size === 0) this.#emptied?.()
  }

  #forgetAddress(address: string): void {
    const count = this.#perAddress.get(address) ?? 0
    if (count > 1) this.#perAddress.set(address, count - 1)
    else this.#perAddress.delete(address)
  }

  #expire(): void {
    const now = this.#host.now()
    for (const connection of this.#connections) if (connection.deadlineAt <= now) connection.expire()
  }

  async close(graceMs = 0): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    const closed = this.#servers.map(
      server =>
        new Promise<void>(resolve => {
          server.close(() => resolve())
        }),
    )
    for (const connection of this.#connections) connection.drain()
    if (this.#connections.size > 0) await this.#emptyOrLate(graceMs)
    for (const connection of this.#connections) connection.destroy()
    await Promise.all(closed)
    this.#sweep?.cancel()
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

function parseNetworks(texts: readonly string[]): readonly Network[] {
  return texts.map(text => {
    const network = parseNetwork(text)
    if (!network)
      throw new UsageFault(
        'NETWORK_SYNTAX',
        `"${text}" is no network: write 192.0.2.0/24, 2001:db8::/32 or one address.`,
      )
    return network
  })
}

function secureSocket(
  socket: Socket,
  secureContext: ((serverName?: string) => SecureContext) | undefined,
): TLSSocket {
  if (!secureContext) throw new UsageFault('TLS_MISSING', 'There is no certificate.')
  return new TLSSocket(socket, {
    isServer: true,
    secureContext: secureContext(),
    SNICallback: (serverName, callback) => callback(null, secureContext(serverName)),
  })
}
