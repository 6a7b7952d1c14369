// The worker threads of one server: one crew after another, should the store die.
import { randomBytes } from 'node:crypto'
import type { ServedListener } from '../config/listener-roles.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import { Fault } from '../runtime/fault.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import { isPassing } from '../storage/storage-fault.ts'
import { Crew, type CrewParts, startAgainAfterMs } from './crew.ts'
import type { Fetched } from './mail-fetcher.ts'
import type { ShownCertificate } from './shown-certificate.ts'
import type { Thread } from './start-thread.ts'
import { Terminals } from './terminals.ts'
import type { ThreadRole } from './thread-messages.ts'

export interface Threads {
  /** Those of [[listeners]], in their order. */
  readonly listeners: readonly ServedListener[]
  /** Those of LMTP too. */
  readonly bound: readonly ServedListener[]
  readonly terminals: Terminals
  /** By name, as they are now. */
  readonly all: ReadonlyMap<string, Thread | undefined>
  /** Runs a write operation in the store thread. */
  run(operation: string, input: unknown): Promise<unknown>
  /** The mail that other servers keep for this one, at once. */
  fetchMail(): Promise<readonly Fetched[]>
  /** What the fronts show; rejects with a Fault where there is no front. */
  listCertificates(): Promise<readonly ShownCertificate[]>
  /** The files of certificates may have changed. */
  reloadCertificates(): void
  /** Refuses new connections, lets open transactions and attempts finish until `graceMs` is over, then ends. */
  stop(graceMs: number): Promise<void>
  /** Rejects when threads die faster than starting them again can help. */
  readonly failed: Promise<never>
}

const maxDeaths = 10
const deathsWindowMs = 60_000

/** RFC 9325 §3.4: a key of session tickets opens what was sent under it, so it does not live long. */
const ticketKeyLivesMs = 12 * 3_600_000
const ticketKeyBytes = 48

export interface ThreadsParts
  extends Pick<
    CrewParts,
    | 'settings'
    | 'nodeId'
    | 'idSpaces'
    | 'connectionCounts'
    | 'loginTables'
    | 'strangerTables'
    | 'sockets'
    | 'clock'
    | 'log'
  > {}

export async function startThreads(parts: ThreadsParts): Promise<Threads> {
  const supervisor = new Supervisor(parts)
  await supervisor.start()
  return supervisor
}

class Supervisor implements Threads {
  readonly terminals: Terminals
  readonly failed: Promise<never>
  readonly #fail: (cause: Fault) => void
  readonly #createCrew: (bound: readonly ServedListener[]) => Crew
  readonly #clock: Clock
  readonly #trouble: LastingTrouble
  readonly #log: Log
  readonly #hasForeignSockets: boolean
  #crew: Crew
  #stopping = false
  #nextCrew: Timer | undefined
  #deaths: number[] = []
  #ticketKey: Uint8Array = randomBytes(ticketKeyBytes)
  readonly #ticketKeys: Timer

  constructor(given: ThreadsParts) {
    this.#clock = given.clock
    this.#log = given.log
    this.#trouble = new LastingTrouble(given.log, {
      begins: 'the store thread could not be started again; trying on',
      ends: 'the store thread is started again',
    })
    this.#hasForeignSockets = given.sockets.some(fds => fds !== undefined)
    this.terminals = new Terminals(open => this.#crew.tellOpenTerminals(open))
    const { promise, reject } = Promise.withResolvers<never>()
    this.failed = promise
    this.#fail = reject
    promise.catch(() => {})
    const parts = {
      ...given,
      terminals: this.terminals,
      mayStartAgain: (role: ThreadRole) => this.#mayStartAgain(role),
      ticketKey: () => this.#ticketKey,
    }
    this.#createCrew = bound => new Crew({ ...parts, bound })
    this.#crew = this.#createCrew([])
    this.#ticketKeys = given.clock.every(ticketKeyLivesMs, () => {
      this.#ticketKey = randomBytes(ticketKeyBytes)
      this.#crew.tellFronts({ kind: 'ticket-key', key: this.#ticketKey })
    })
  }

  get listeners(): readonly ServedListener[] {
    return this.#crew.listeners
  }

  get bound(): readonly ServedListener[] {
    return this.#crew.bound
  }

  get all(): ReadonlyMap<string, Thread | undefined> {
    return this.#crew.threads
  }

  async start(): Promise<void> {
    const crew = this.#crew
    try {
      const { storeEnded } = await crew.start()
      void storeEnded.then(() => this.#replaceCrew())
    } catch (cause) {
      await crew.end()
      throw cause
    }
  }

  run(operation: string, input: unknown): Promise<unknown> {
    return this.#crew.run(operation, input)
  }

  fetchMail(): Promise<readonly Fetched[]> {
    return this.#crew.fetchMail()
  }

  listCertificates(): Promise<readonly ShownCertificate[]> {
    return this.#crew.listCertificates()
  }

  reloadCertificates(): void {
    this.#crew.tellFronts({ kind: 'reload-certificates' })
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    this.#ticketKeys.cancel()
    this.#nextCrew?.cancel()
    await this.#crew.stop(graceMs)
  }

  async #replaceCrew(isDeath = true): Promise<void> {
    if (this.#stopping) return
    await this.#crew.end()
    if (this.#stopping || (isDeath && !this.#mayStartAgain('store'))) return
    this.#crew = this.#createCrew(this.#crew.bound)
    try {
      await this.start()
      this.#trouble.over()
    } catch (cause) {
      if (this.#stopping) return
      this.#trouble.hit(cause)
      // A disk that is full is no death: it is waited for.
      const isDeath = !isPassing(cause)
      this.#nextCrew = this.#clock.after(startAgainAfterMs, () => void this.#replaceCrew(isDeath))
    }
  }

  #mayStartAgain(role: ThreadRole): boolean {
    if (this.#hasForeignSockets && (role === 'front' || role === 'store')) {
      this.#fail(
        new Fault(
          'THREAD_HAD_SOCKETS',
          `The ${role} thread ended, and with it the use of sockets that systemd had opened (the log says why). Postrider ends, so that systemd starts it again with them.`,
        ),
      )
      return false
    }
    const now = this.#clock.now()
    this.#deaths = [...this.#deaths.filter(at => at > now - deathsWindowMs), now]
    if (this.#deaths.length <= maxDeaths) {
      this.#log.warn(`the ${role} thread ended and is started again`)
      return true
    }
    this.#fail(
      new Fault(
        'THREADS_KEEP_DYING',
        `Threads died, or could not be started again, ${maxDeaths} times within a minute (the log says why). Postrider gives up.`,
      ),
    )
    return false
  }
}
