// The threads around one store: fronts and delivery are started again when they die. Without its store none of them
// can go on: a crew whose store has died is at its end, and another takes its place.

import { randomUUID } from 'node:crypto'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { type NodeRole, ownerName } from '../cluster/nodes.ts'
import type { ServedListener, ServedOptions } from '../config/listener-roles.ts'
import type { Settings } from '../config/settings.ts'
import type { TakeOver } from '../delivery/delivery-agent.ts'
import type { LoginTables } from '../policy/login-limiter.ts'
import type { StrangerTables } from '../policy/stranger-limits.ts'
import type { Clock } from '../runtime/clock.ts'
import { Fault } from '../runtime/fault.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import { isPassing } from '../storage/storage-fault.ts'
import { type AssignedSockets, socketsOfFront } from './assign-sockets.ts'
import { lmtpListenerOptions } from './lmtp-sockets.ts'
import type { Fetched } from './mail-fetcher.ts'
import { type ConnectionCountTable, forgetConnections } from './shared-connection-counts.ts'
import type { ShownCertificate } from './shown-certificate.ts'
import { frontName, startThread, type Thread } from './start-thread.ts'
import type { Terminals } from './terminals.ts'
import type { FromThread, ThreadRole, ThreadStart, ToThread } from './thread-messages.ts'

export interface CrewParts {
  readonly settings: Settings
  /** Of this server, among those that share its storage. */
  readonly nodeId: string
  /** Of queue ids: one for each front, and the last for delivery. */
  readonly idSpaces: readonly number[]
  readonly clock: Clock
  readonly log: Log
  readonly connectionCounts: ConnectionCountTable
  readonly loginTables: LoginTables
  readonly strangerTables: StrangerTables
  readonly terminals: Terminals
  readonly ticketKey: () => Uint8Array
  /** The ports that the system chose for the crew before this one. */
  readonly bound: readonly ServedListener[]
  /** Those that systemd opened. */
  readonly sockets: AssignedSockets
  /** Says whether a thread that has died may be started again, and counts it. */
  readonly mayStartAgain: (role: ThreadRole) => boolean
}

export const startAgainAfterMs = 1000
const certificatesAgainAfterMs = 60_000

interface Run {
  readonly resolve: (output: unknown) => void
  readonly reject: (cause: Fault) => void
}

export class Crew {
  readonly #parts: CrewParts
  readonly #trouble: LastingTrouble
  #bound: readonly ServedListener[]
  #store: Thread | undefined
  readonly #fronts = new Map<number, Thread>()
  #delivery: Thread | undefined
  #certificates: Thread | undefined
  /** Nothing is started any more. */
  #over = false
  /** The store takes nothing any more: it ends last. */
  #isStoreOver = false
  #lastRunId = 0
  readonly #runs = new Map<number, Run>()

  constructor(parts: CrewParts) {
    this.#parts = parts
    this.#bound = parts.bound
    this.#trouble = new LastingTrouble(parts.log, {
      begins: 'a thread could not be started again; trying on',
      ends: 'threads are started again',
    })
  }

  /** All that the fronts have opened. */
  get bound(): readonly ServedListener[] {
    return this.#bound
  }

  get listeners(): readonly ServedListener[] {
    return this.#bound.filter(({ role }) => role !== 'lmtp')
  }

  /** Rejects when a thread cannot be started; `end` then ends the others. Resolves to when the store has ended. */
  async start(): Promise<{ readonly storeEnded: Promise<void> }> {
    const store = this.#startThread({ role: 'store', settings: this.#parts.settings }, [])
    this.#store = store
    await store.ready
    // A thread that asks a dead store waits for ever.
    const storeLost = store.ended.then(() => {
      throw new Fault('THREAD_ENDED', 'The store thread ended while the others were being started.')
    })
    storeLost.catch(() => {})
    await Promise.race([this.#startUsers(), storeLost])
    return { storeEnded: store.ended }
  }

  run(operation: string, input: unknown): Promise<unknown> {
    const store = this.#store
    if (!store?.isReady || this.#isStoreOver) return Promise.reject(this.#unavailable())
    const id = ++this.#lastRunId
    return new Promise((resolve, reject) => {
      this.#runs.set(id, { resolve, reject })
      store.send({ kind: 'run', id, operation, input })
    })
  }

  /**
   * By name, as in the log; undefined where one has yet to be started. Without that of certificates: mail goes on when it is
   * not there.
   */
  get threads(): ReadonlyMap<string, Thread | undefined> {
    return new Map([
      ['store', this.#store],
      ...this.#frontNumbers.map(number => [frontName(number), this.#fronts.get(number)] as const),
      ...(this.#has('delivery') ? [['delivery', this.#delivery] as const] : []),
    ])
  }

  /** In the front that does it by itself every so many minutes. */
  async fetchMail(): Promise<readonly Fetched[]> {
    return (await this.#askFirstFront(id => ({ kind: 'fetch', id }))) as readonly Fetched[]
  }

  /** As the first front has them; the others have the same. */
  async listCertificates(): Promise<readonly ShownCertificate[]> {
    const listed = await this.#askFirstFront(id => ({ kind: 'list-certificates', id }))
    return listed as readonly ShownCertificate[]
  }

  #askFirstFront(compose: (id: number) => ToThread): Promise<unknown> {
    const front = this.#fronts.get(0)
    if (!front?.isReady || this.#over) return Promise.reject(this.#unavailable())
    const id = ++this.#lastRunId
    const answered = new Promise<unknown>((resolve, reject) => {
      this.#runs.set(id, { resolve, reject })
      void front.ended.then(() => {
        this.#runs.delete(id)
        reject(this.#unavailable())
      })
    })
    front.send(compose(id))
    return answered
  }

  tellFronts(message: ToThread): void {
    for (const front of this.#fronts.values()) front.send(message)
  }

  tellOpenTerminals(open: readonly string[]): void {
    this.tellFronts({ kind: 'terminals', open })
  }

  /** Refuses new connections, lets open transactions and attempts finish until `graceMs` is over, then ends. */
  async stop(graceMs: number): Promise<void> {
    this.#over = true
    // Fronts first: what they accept in their last moments still reaches the store. The store last.
    await Promise.all(this.#users().map(thread => thread.stop(graceMs)))
    this.#isStoreOver = true
    await this.#store?.stop(graceMs)
    this.#rejectRuns()
  }

  /** At once, as after a crash. */
  async end(): Promise<void> {
    this.#over = true
    this.#isStoreOver = true
    this.#rejectRuns()
    await Promise.all(this.#users().map(thread => thread.terminate()))
    await this.#store?.terminate()
  }

  #unavailable(): Fault {
    const what = this.#over ? 'The server is stopping' : 'The storage thread is being started again'
    return new Fault('STORAGE_UNAVAILABLE', `${what}. Try again in a moment.`)
  }

  #users(): Thread[] {
    return [...this.#fronts.values(), this.#delivery, this.#certificates].filter(
      thread => thread !== undefined,
    )
  }

  #rejectRuns(): void {
    for (const { reject } of this.#runs.values()) reject(this.#unavailable())
    this.#runs.clear()
  }

  async #startUsers(): Promise<void> {
    const [first, ...others] = this.#frontNumbers
    // The first front finds out which ports the system chose; the others then share them.
    if (first !== undefined) this.#bound = await this.#startFront(first)
    await Promise.all(others.map(number => this.#startFront(number)))
    // With others at the same queue, who was before may live; on its own, nobody does.
    if (this.#has('delivery')) await this.#startDelivery({ from: this.#isShared ? 'nobody' : 'everybody' })
    if (this.#asksAuthority) this.#keepCertificates()
  }

  #has(role: NodeRole): boolean {
    return this.#parts.settings.roles.includes(role)
  }

  get #frontNumbers(): readonly number[] {
    const { threads } = this.#parts.settings
    return Array.from({ length: this.#has('front') ? threads.front : 0 }, (_, number) => number)
  }

  /** As those of `threads.front` fronts, and of delivery behind them. */
  #idSpace(number: number): number {
    const space = this.#parts.idSpaces[number]
    if (space === undefined) throw new Error(`the thread ${number} has no space of queue ids`)
    return space
  }

  async #startFront(number: number): Promise<readonly ServedListener[]> {
    const { connectionCounts, loginTables, strangerTables, settings, terminals } = this.#parts
    forgetConnections(connectionCounts, number)
    const storagePort = this.#connectStorage()
    const front = this.#startThread(
      {
        role: 'front',
        settings,
        storagePort,
        number,
        idSpace: this.#idSpace(number),
        listeners: this.#listenerOptions(number),
        connectionCounts,
        loginTables,
        strangerTables,
        openTerminals: terminals.keys,
        ticketKey: this.#parts.ticketKey(),
      },
      [storagePort],
    )
    this.#fronts.set(number, front)
    this.#startAgainWhenDead(front, () => this.#startFront(number))
    return await front.ready
  }

  /** With the ports that the system chose, once it has. */
  #listenerOptions(front: number): readonly ServedOptions[] {
    const { settings, sockets } = this.#parts
    const fronts = settings.threads.front
    const bound = this.listeners
    return [
      ...settings.listeners.map((listener, index) => ({
        ...listener,
        port: bound[index]?.port ?? listener.port,
        reusePort: fronts > 1,
        sockets: socketsOfFront(sockets[index], front, fronts),
      })),
      ...lmtpListenerOptions(settings.lmtp, front, fronts, this.#bound),
    ]
  }

  async #startDelivery(takesOver: TakeOver): Promise<void> {
    const owner = ownerName(this.#parts.nodeId, randomUUID())
    const storagePort = this.#connectStorage()
    const delivery = this.#startThread(
      {
        role: 'delivery',
        settings: this.#parts.settings,
        storagePort,
        idSpace: this.#idSpace(this.#parts.settings.threads.front),
        owner,
        takesOver,
        listeners: this.#bound.filter(({ path }) => path === undefined),
      },
      [storagePort],
    )
    this.#delivery = delivery
    this.#startAgainWhenDead(delivery, () =>
      this.#startDelivery({ from: 'dead', owner: this.#isShared ? owner : undefined }),
    )
    await delivery.ready
  }

  /** Other servers deliver from the same queue. */
  get #isShared(): boolean {
    return this.#parts.settings.database !== undefined
  }

  /** Its certificates are shown by fronts. */
  get #asksAuthority(): boolean {
    return this.#has('front') && this.#parts.settings.tls.acme !== undefined
  }

  /** Whatever becomes of it, no other thread has to end or to wait: it is started again in its own time. */
  #keepCertificates(): void {
    const { settings, nodeId, clock, log } = this.#parts
    const storagePort = this.#connectStorage()
    const owner = ownerName(nodeId, randomUUID())
    const certificates = this.#startThread({ role: 'certificates', settings, storagePort, owner }, [
      storagePort,
    ])
    this.#certificates = certificates
    void certificates.ended.then(() => {
      if (this.#over) return
      log.warn('the certificates thread ended, and is started again in a minute')
      clock.after(certificatesAgainAfterMs, () => {
        if (!this.#over) this.#keepCertificates()
      })
    })
  }

  #connectStorage(): MessagePort {
    if (!this.#store || this.#over) throw this.#unavailable()
    const { port1, port2 } = new MessageChannel()
    this.#store.send({ kind: 'connect-storage', port: port1 }, [port1])
    return port2
  }

  #startThread(start: ThreadStart, transfer: readonly MessagePort[]): Thread {
    return startThread(start, transfer, this.#parts, (message, from) => this.#receive(message, from))
  }

  #receive(message: FromThread, from: Thread): void {
    switch (message.kind) {
      case 'ran':
        this.#runs.get(message.id)?.resolve(message.output)
        this.#runs.delete(message.id)
        break
      case 'fetched':
        this.#runs.get(message.id)?.resolve(message.fetched)
        this.#runs.delete(message.id)
        break
      case 'certificates':
        this.#runs.get(message.id)?.resolve(message.inUse)
        this.#runs.delete(message.id)
        break
      case 'run-failed':
        this.#runs.get(message.id)?.reject(new Fault(message.code, message.message))
        this.#runs.delete(message.id)
        break
      case 'show':
        void this.#parts.terminals
          .show(message.key, message.text)
          .then(shown => from.send({ kind: 'shown', id: message.id, shown }))
        break
      case 'ready':
      case 'pong':
      case 'refused':
        break
      default:
        message satisfies never
    }
  }

  /** One that has never been ready is the affair of whoever started it: else it would be started twice. */
  #startAgainWhenDead(thread: Thread, start: () => Promise<unknown>): void {
    thread.ready.then(
      () => thread.ended.then(() => this.#startAgain(thread, start)),
      () => {},
    )
  }

  async #startAgain(dead: Thread, start: () => Promise<unknown>): Promise<void> {
    if (!this.#over && this.#parts.mayStartAgain(dead.role)) await this.#tryToStart(dead, start)
  }

  async #tryToStart(dead: Thread, start: () => Promise<unknown>): Promise<void> {
    if (this.#over) return
    const { clock } = this.#parts
    try {
      await start()
      this.#trouble.over(dead.name)
    } catch (cause) {
      if (this.#over) return
      this.#trouble.hit(cause, dead.name, { thread: dead.name })
      // A disk that is full is no death: it is waited for.
      clock.after(startAgainAfterMs, () => {
        void (isPassing(cause) ? this.#tryToStart(dead, start) : this.#startAgain(dead, start))
      })
    }
  }
}
