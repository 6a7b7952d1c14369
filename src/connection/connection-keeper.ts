// The connections of one server: where they come in, how many there are, when their deadlines are over, and how they end. What
// is spoken on them it does not know.
import type { Socket } from 'node:net'
import { hostNetworkOf } from '../address/networks.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { UsageFault } from '../runtime/fault.ts'
import { type Log, silentLog } from '../runtime/log.ts'
import { type ConnectionCounts, createConnectionCounts } from './connection-counts.ts'
import { DeadlineWatch } from './deadline-watch.ts'
import { type Door, isForNamedClients, mayEnter } from './door.ts'
import { formatOptions } from './format-listener.ts'
import { type Listener, openListener } from './listener.ts'
import type { BoundListener, ListenerOptions } from './listener-options.ts'

/** Connections over the limit that are told so; still more are closed without a word. */
const politeRefusals = 100
/** So late a deadline may be noticed. */
const mostLateMs = 5000
const hurryMs = 500

export interface KeptConnection {
  readonly remoteAddress: string
  /** ms since 1970; Infinity: none. */
  readonly deadlineAt: number
  /** Takes the socket over. Then one of the next three says how it goes on. */
  adopt(): void
  /** The peer is a balancer, and says first whom it speaks for. */
  expectProxy(): void
  greet(): void
  refuseNewcomer(): void
  /** The deadline has passed. */
  expire(): void
  /** That threw: whoever cannot be told why is cut. */
  cutFor(cause: unknown): void
  /** Ends when nothing is lost by that. */
  drain(): void
  /** Ends now. */
  cut(): void
  /** One of the others threw. */
  fail(cause: unknown): void
}

export interface KeeperOptions<Role extends string, Connection> {
  readonly listeners: readonly ListenerOptions<Role>[]
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  /** The shortest of its deadlines, ms: how exactly they are watched. */
  readonly shortestDeadlineMs: number
  readonly connectionCounts?: ConnectionCounts | undefined
  readonly clock?: Clock | undefined
  readonly log?: Log | undefined
  create(door: Door<Role>, socket: Socket): Connection
}

/** 'yours': from one network. */
export type Admission =
  | { readonly kind: 'admitted' }
  | { readonly kind: 'not-your-door' }
  | { readonly kind: 'too-many' }
  | { readonly kind: 'too-many-of-yours'; readonly host: string }

export class ConnectionKeeper<Role extends string, Connection extends KeptConnection> {
  readonly #options: KeeperOptions<Role, Connection>
  readonly #clock: Clock
  readonly #log: Log
  readonly #connections = new Set<Connection>()
  readonly #counts: ConnectionCounts
  readonly #listeners: Listener<Role>[] = []
  readonly #deadlines: DeadlineWatch
  #listens = false
  #closing = false
  #closed: Promise<void> | undefined
  #emptied: (() => void) | undefined

  constructor(options: KeeperOptions<Role, Connection>) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#log = options.log ?? silentLog
    this.#counts = options.connectionCounts ?? createConnectionCounts()
    const coarseMs = Math.min(mostLateMs, Math.max(1, Math.floor(options.shortestDeadlineMs / 10)))
    this.#deadlines = new DeadlineWatch(this.#clock, coarseMs, now => this.#expire(now))
  }

  get size(): number {
    return this.#connections.size
  }

  /** All or none. */
  async listen(): Promise<readonly BoundListener<Role>[]> {
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
          failed: cause => this.#log.error('a listener failed', { listener: formatOptions(options) }, cause),
        })
        this.#listeners.push(listener)
      }
    } catch (cause) {
      await this.close()
      throw cause
    }
    return this.#listeners.map(({ bound }) => bound)
  }

  /** Several listeners may have one port, each at another address. */
  portsOf(...roles: readonly Role[]): readonly number[] {
    const bound = this.#listeners.map(listener => listener.bound)
    return [...new Set(bound.filter(({ role }) => roles.includes(role)).map(({ port }) => port))]
  }

  #accept(door: Door<Role>, socket: Socket, speaksForOthers: boolean): void {
    if (this.#connections.size >= this.#options.maxConnections + politeRefusals) {
      socket.destroy()
      return
    }
    this.begin(this.#options.create(door, socket), connection => {
      if (speaksForOthers) connection.expectProxy()
      else connection.greet()
    })
  }

  /** One that has come in, or that this side has opened: `start` says what is done first. */
  begin(connection: Connection, start: (connection: Connection) => void): void {
    this.#connections.add(connection)
    connection.adopt()
    try {
      if (this.#closing) connection.refuseNewcomer()
      else start(connection)
    } catch (cause) {
      connection.fail(cause)
    }
  }

  /** Counts a peer, whose address is known now; each needs a `release` that says so. */
  admit(address: string, door: Door<Role>): Admission {
    const host = hostNetworkOf(address)
    const count = this.#counts.add(host)
    if (!mayEnter(door, address)) return { kind: 'not-your-door' }
    if (this.#connections.size > this.#options.maxConnections) return { kind: 'too-many' }
    // One server may have the mail of many.
    if (isForNamedClients(door)) return { kind: 'admitted' }
    return count > this.#options.maxConnectionsPerAddress
      ? { kind: 'too-many-of-yours', host }
      : { kind: 'admitted' }
  }

  /** Its socket is closed. False: it had gone already. */
  release(connection: Connection, counted: 'counted' | 'not-counted'): boolean {
    if (!this.#connections.delete(connection)) return false
    if (counted === 'counted') this.#counts.remove(hostNetworkOf(connection.remoteAddress))
    if (this.#connections.size === 0) this.#emptied?.()
    return true
  }

  expectDeadline(at: number): void {
    this.#deadlines.expect(at)
  }

  /** The first deadline that is left. */
  #expire(now: number): number {
    let first = Number.POSITIVE_INFINITY
    for (const connection of this.#connections) {
      if (connection.deadlineAt <= now) expire(connection)
      first = Math.min(first, connection.deadlineAt)
    }
    return first
  }

  /** Whoever is at work may finish until `graceMs` is over. */
  close(graceMs = 0): Promise<void> {
    this.#closed ??= this.#close(graceMs)
    return this.#closed
  }

  async #close(graceMs: number): Promise<void> {
    // As long as somebody is served, newcomers are told so and not turned away without a word.
    this.#closing = true
    // Where a socket stays open elsewhere they had better wait for the next server.
    const handedBack = this.#listeners.filter(({ isInherited }) => isInherited).map(one => one.close())
    for (const connection of this.#connections) connection.drain()
    // Who has been told and does not go is looked for more often than else.
    const hurry = this.#clock.every(hurryMs, () => this.#deadlines.run())
    if (graceMs > 0 && this.#connections.size > 0) await this.#emptyOrLate(graceMs)
    hurry.cancel()
    const closed = this.#listeners.filter(({ isInherited }) => !isInherited).map(one => one.close())
    for (const connection of this.#connections) connection.cut()
    await Promise.all([...handedBack, ...closed])
    this.#deadlines.stop()
  }

  #emptyOrLate(graceMs: number): Promise<void> {
    return new Promise(resolve => {
      const timer = this.#clock.after(graceMs, resolve)
      this.#emptied = () => {
        timer.cancel()
        resolve()
      }
    })
  }
}

/** No error of ours gets past the connection that it happened in: the others have deadlines too. */
function expire(connection: KeptConnection): void {
  try {
    connection.expire()
  } catch (cause) {
    connection.cutFor(cause)
  }
}
