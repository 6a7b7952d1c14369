// The worker threads of one server: started by role, joined by message channels, started again when one dies.
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type { Settings } from '../config/settings.ts'
import type { Clock } from '../runtime/clock.ts'
import { Fault, UsageFault } from '../runtime/fault.ts'
import type { Log } from '../runtime/log.ts'
import type { BoundListener, ListenerOptions } from '../smtp/server/options.ts'
import {
  type ConnectionCountTable,
  createConnectionCountTable,
  forgetConnections,
} from './shared-connection-counts.ts'
import { Terminals } from './terminals.ts'
import type { FromThread, ThreadRole, ThreadStart, ToThread } from './thread-messages.ts'

export interface Threads {
  readonly listeners: readonly BoundListener[]
  readonly terminals: Terminals
  /** Runs a write operation in the store thread. */
  run(operation: string, input: unknown): Promise<unknown>
  /** Refuses new connections, lets open transactions and attempts finish until `graceMs` is over, then ends. */
  stop(graceMs: number): Promise<void>
  /** Rejects when threads die faster than starting them again can help. */
  readonly failed: Promise<never>
}

// In dist/ the threads are .js files, in src/ .ts: whatever this file is.
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
const threadFile = (role: ThreadRole): URL => new URL(`./${role}-thread${extension}`, import.meta.url)

const maxDeaths = 10
const deathsWindowMs = 60_000

interface Thread {
  readonly role: ThreadRole
  readonly worker: Worker
  readonly ready: Promise<readonly BoundListener[]>
  readonly ended: Promise<void>
}

export async function startThreads(settings: Settings, clock: Clock, log: Log): Promise<Threads> {
  const supervisor = new Supervisor(settings, clock, log)
  await supervisor.start()
  return supervisor
}

class Supervisor implements Threads {
  readonly terminals: Terminals
  readonly failed: Promise<never>
  #fail: (cause: Fault) => void = () => {}
  #listeners: readonly BoundListener[] = []
  #store: Thread | undefined
  readonly #fronts = new Map<number, Thread>()
  #delivery: Thread | undefined
  #stopping = false
  #starting = true
  #generation = 0
  #lastRunId = 0
  readonly #runs = new Map<number, { resolve: (output: unknown) => void; reject: (cause: Fault) => void }>()
  #deaths: number[] = []
  readonly #connectionCounts: ConnectionCountTable
  readonly #settings: Settings
  readonly #clock: Clock
  readonly #log: Log

  constructor(settings: Settings, clock: Clock, log: Log) {
    this.#settings = settings
    this.#connectionCounts = createConnectionCountTable(settings.threads.front)
    this.#clock = clock
    this.#log = log
    this.terminals = new Terminals(open => {
      for (const front of this.#fronts.values()) send(front, { kind: 'terminals', open })
    })
    this.failed = new Promise<never>((_, reject) => {
      this.#fail = reject
    })
    this.failed.catch(() => {})
  }

  get listeners(): readonly BoundListener[] {
    return this.#listeners
  }

  async start(): Promise<void> {
    try {
      await this.#startStore()
      await this.#startAllFronts()
      await this.#startDelivery()
    } catch (cause) {
      this.#stopping = true
      await Promise.all(this.#all().map(thread => thread.worker.terminate()))
      throw cause
    }
    this.#starting = false
  }

  run(operation: string, input: unknown): Promise<unknown> {
    const store = this.#store
    if (!store)
      return Promise.reject(
        new Fault('STORAGE_UNAVAILABLE', 'The storage thread is being started again. Try again in a moment.'),
      )
    const id = ++this.#lastRunId
    return new Promise((resolve, reject) => {
      this.#runs.set(id, { resolve, reject })
      send(store, { kind: 'run', id, operation, input })
    })
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    // Fronts first: what they accept in their last moments still reaches the store. The store last.
    const users = [...this.#fronts.values(), ...(this.#delivery ? [this.#delivery] : [])]
    await Promise.all(users.map(thread => stopThread(thread, graceMs)))
    if (this.#store) await stopThread(this.#store, graceMs)
  }

  #all(): Thread[] {
    return [this.#store, ...this.#fronts.values(), this.#delivery].filter(thread => thread !== undefined)
  }

  async #startStore(): Promise<void> {
    this.#store = this.#startThread({ role: 'store', settings: this.#settings }, [])
    await this.#store.ready
  }

  async #startAllFronts(): Promise<void> {
    // The first front finds out which ports the system chose; the others then share them.
    this.#listeners = await this.#startFront(0)
    const others = this.#settings.threads.front - 1
    await Promise.all(Array.from({ length: others }, (_, index) => this.#startFront(index + 1)))
  }

  async #startFront(number: number): Promise<readonly BoundListener[]> {
    const storagePort = this.#connectStorage()
    forgetConnections(this.#connectionCounts, number)
    const front = this.#startThread(
      {
        role: 'front',
        settings: this.#settings,
        storagePort,
        number,
        listeners: this.#listenerOptions(),
        connectionCounts: this.#connectionCounts,
        openTerminals: this.terminals.keys,
      },
      [storagePort],
      number,
    )
    this.#fronts.set(number, front)
    return front.ready
  }

  /** With the ports that the system chose, once it has. */
  #listenerOptions(): readonly ListenerOptions[] {
    const { listeners, threads } = this.#settings
    return listeners.map((listener, index) => ({
      ...listener,
      port: this.#listeners[index]?.port ?? listener.port,
      reusePort: threads.front > 1,
    }))
  }

  async #startDelivery(when: 'after-death' | 'anew' = 'anew'): Promise<void> {
    const storagePort = this.#connectStorage()
    const owner = `delivery-${process.pid}-${++this.#generation}`
    this.#delivery = this.#startThread(
      {
        role: 'delivery',
        settings: this.#settings,
        storagePort,
        idSpace: 15,
        owner,
        afterDeath: when === 'after-death',
        listeners: this.#listeners,
      },
      [storagePort],
    )
    await this.#delivery.ready
  }

  #connectStorage(): MessagePort {
    if (!this.#store) throw new Fault('STORAGE_UNAVAILABLE', 'The storage thread is not running.')
    const { port1, port2 } = new MessageChannel()
    this.#store.worker.postMessage({ kind: 'connect-storage', port: port1 } satisfies ToThread, [port1])
    return port2
  }

  #startThread(start: ThreadStart, transfer: readonly MessagePort[], frontNumber?: number): Thread {
    const { role } = start
    const worker = new Worker(threadFile(role), {
      workerData: start,
      transferList: [...transfer],
      name: role,
    })
    let ended: () => void = () => {}
    const thread: Thread = {
      role,
      worker,
      ready: new Promise((resolve, reject) => {
        worker.on('message', (message: FromThread) => {
          if (message.kind === 'ready') resolve(message.listeners)
          else if (message.kind === 'refused') reject(new UsageFault(message.code, message.message))
          else this.#answer(thread, message)
        })
        worker.on('error', cause => {
          this.#log.error(`the ${role} thread failed`, {}, cause)
          reject(
            new Fault(
              'THREAD_FAILED',
              `The ${role} thread failed: ${cause instanceof Error ? cause.message : String(cause)}`,
            ),
          )
        })
        worker.on('exit', () => {
          reject(new Fault('THREAD_ENDED', `The ${role} thread ended before it was ready.`))
          ended()
          if (!this.#stopping && !this.#starting) void this.#revive(role, frontNumber)
        })
      }),
      ended: new Promise(resolve => {
        ended = resolve
      }),
    }
    thread.ready.catch(() => {})
    return thread
  }

  #answer(thread: Thread, message: FromThread): void {
    switch (message.kind) {
      case 'ran':
        this.#runs.get(message.id)?.resolve(message.output)
        this.#runs.delete(message.id)
        break
      case 'run-failed':
        this.#runs.get(message.id)?.reject(new Fault(message.code, message.message))
        this.#runs.delete(message.id)
        break
      case 'show':
        void this.terminals
          .show(message.key, message.text)
          .then(shown => send(thread, { kind: 'shown', id: message.id, shown }))
        break
      case 'ready':
      case 'refused':
        break
      default:
        message satisfies never
    }
  }

  /** Starts a dead thread again. Without its store no thread can go on, so a dead store ends them all first. */
  async #revive(role: ThreadRole, frontNumber: number | undefined): Promise<void> {
    const now = this.#clock.now()
    this.#deaths = [...this.#deaths.filter(at => at > now - deathsWindowMs), now]
    if (this.#deaths.length > maxDeaths) {
      this.#fail(
        new Fault(
          'THREADS_KEEP_DYING',
          `Threads died ${maxDeaths} times within a minute (the log says why). Postrider gives up.`,
        ),
      )
      return
    }
    this.#log.warn(`the ${role} thread ended and is started again`)
    try {
      if (role === 'front' && frontNumber !== undefined) {
        await this.#startFront(frontNumber)
      } else if (role === 'delivery') await this.#startDelivery('after-death')
      else await this.#restartAll()
    } catch (cause) {
      this.#log.error(`the ${role} thread could not be started again`, {}, cause)
      if (!this.#stopping) this.#clock.after(1000, () => void this.#revive(role, frontNumber))
    }
  }

  async #restartAll(): Promise<void> {
    this.#starting = true
    try {
      for (const { reject } of this.#runs.values())
        reject(new Fault('STORAGE_UNAVAILABLE', 'The storage thread ended. Try again in a moment.'))
      this.#runs.clear()
      this.#store = undefined
      await Promise.all(this.#all().map(thread => thread.worker.terminate()))
      await this.#startStore()
      await this.#startAllFronts()
      await this.#startDelivery()
    } finally {
      this.#starting = false
    }
  }
}

function send(thread: Thread, message: ToThread): void {
  thread.worker.postMessage(message)
}

async function stopThread(thread: Thread, graceMs: number): Promise<void> {
  send(thread, { kind: 'stop', graceMs })
  await thread.ended
}
