// An SMTP server: listeners, connections and their limits. It knows nothing of queues or mailboxes.
import { createServer, type Server, type Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import { isInNetworks, type Network, parseNetwork } from '../../address/networks.ts'
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
import type { Client } from './services.ts'
import type { SessionContext } from './session.ts'

/** Connections that wait for accept(): a burst should not be refused by the system. */
const backlog = 4096
/** Connections over `maxConnections` that are told so; still more are closed without a word. */
const politeRefusals = 100
const slowestSweepMs = 5000

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
  #closed: Promise<void> | undefined
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
      secureContext: () => secureContextOf(tls),
      secure: (socket, secureContext) => secureSocket(socket, secureContext, tls),
      admit: address => this.#admit(address),
      released: (connection, admitted) => this.#released(connection, admitted),
      note: (message, connection, detail) => log.info(message, { peer: connection.remoteAddress, detail }),
      fault: (cause, connection) =>
        log.error('a connection failed on an unexpected error', { peer: connection.remoteAddress }, cause),
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
    // One timer for all deadlines: fine enough for the shortest of them, and too seldom to be noticed when all idle.
    const { commandTimeoutMs, dataBlockTimeoutMs, sessionTimeoutMs } = this.#host.context.limits
    const shortest = Math.min(commandTimeoutMs, dataBlockTimeoutMs, sessionTimeoutMs)
    const sweepEveryMs = Math.min(slowestSweepMs, Math.max(1, Math.floor(shortest / 10)))
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
    // Nobody is there any more, or far too many are.
    const { maxConnections } = this.#host.context.limits
    if (socket.remoteAddress === undefined || this.#connections.size >= maxConnections + politeRefusals) {
      socket.destroy()
      return
    }
    const connection = new Connection(this.#host, listener.role, socket)
    this.#connections.add(connection)
    connection.adopt()
    try {
      if (this.#closing) connection.refuse(replies.shuttingDown(this.#options.hostname))
      else if (proxies.length > 0 && isInNetworks(connection.remoteAddress, proxies)) connection.expectProxy()
      else connection.greet()
    } catch (cause) {
      connection.fail(cause)
    }
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
    if (connection.session) this.#tellDisconnected(connection.session.client)
    if (this.#connections.size === 0) this.#emptied?.()
  }

  #tellDisconnected(client: Client): void {
    try {
      this.#options.services.disconnected?.(client)
    } catch (cause) {
      this.#host.context.fault(cause, client)
    }
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

  close(graceMs = 0): Promise<void> {
    this.#closed ??= this.#close(graceMs)
    return this.#closed
  }

  async #close(graceMs: number): Promise<void> {
    this.#closing = true
    const closed = this.#servers.map(
      server =>
        new Promise<void>(resolve => {
          server.close(() => resolve())
        }),
    )
    for (const connection of this.#connections) connection.drain()
    if (graceMs > 0 && this.#connections.size > 0) await this.#emptyOrLate(graceMs)
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

type TlsOptions = NonNullable<SmtpServerOptions['tls']>

function secureContextOf(tls: TlsOptions | undefined): SecureContext {
  if (!tls) throw new UsageFault('TLS_MISSING', 'There is no certificate.')
  return tls.secureContext()
}

function secureSocket(socket: Socket, secureContext: SecureContext, tls: TlsOptions | undefined): TLSSocket {
  return new TLSSocket(socket, {
    isServer: true,
    secureContext,
    SNICallback(serverName, callback) {
      try {
        callback(null, tls?.secureContext(serverName))
      } catch (cause) {
        callback(cause instanceof Error ? cause : new Error(String(cause)))
      }
    },
  })
}
