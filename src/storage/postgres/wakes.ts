// Wake-ups between the nodes: LISTEN and NOTIFY. What a node that did not hear it would never find out by itself goes out
// with the commit that it is about. A wake-up of the queue does not, because a commit that notifies waits for the one
// before it: when one is lost, the queue is looked at anyway after a while.
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { LastingTrouble } from '../../runtime/lasting-trouble.ts'
import type { Log } from '../../runtime/log.ts'
import { type WakeKeys, type WakeListener, type WakeTopic, wakeTopics } from '../operation.ts'
import { WakeListeners } from '../wake-listeners.ts'
import { type Woken, WokenTopics } from '../woken.ts'
import { limitsOfWakes, type PostgresLimits } from './limits.ts'
import { PostgresConnection } from './postgres-connection.ts'
import type { ServerAddress } from './server-address.ts'

const channel = 'postrider_wake'
const reconnectMs = 1000
/** Each time that the others are told they look at the queue: under load not for every commit. */
const tellEveryMs = 20
/** So often the server is asked whether it is still there: a connection that is cut without a word says nothing for hours. */
const beatMs = 15_000

/** A notification holds 8,000 bytes: of more than this nobody is told which. */
const maxKeys = 400

const toldWithCommit: ReadonlySet<WakeTopic> = new Set(['directory'])

export interface WakesParts {
  readonly address: ServerAddress
  readonly limits: PostgresLimits
  readonly clock: Clock
  readonly log: Log
  readonly outage: LastingTrouble
}

export class Wakes {
  readonly #parts: WakesParts
  readonly #name = crypto.randomUUID()
  readonly #listeners = new WakeListeners()
  #connection: PostgresConnection | undefined
  #reconnecting: Timer | undefined
  #beat: Timer | undefined
  #pause: Timer | undefined
  readonly #toTell = new WokenTopics()
  #telling: Promise<void> | undefined
  #closed = false

  constructor(parts: WakesParts) {
    this.#parts = parts
  }

  async start(): Promise<void> {
    await this.#connect()
    this.#beat = this.#parts.clock.every(beatMs, () => {
      this.#connection?.get('SELECT 1 AS here').catch(() => {}) // it is lost by that, which is what matters
    })
  }

  on(topic: WakeTopic, listener: WakeListener): void {
    this.#listeners.add(topic, listener)
  }

  /** In the transaction that is about to be committed. */
  async announce(connection: PostgresConnection, woken: Woken): Promise<void> {
    for (const [topic, keys] of woken)
      if (toldWithCommit.has(topic)) await this.#notify(connection, topic, keys)
  }

  /** After the commit: here at once, on the other nodes soon, however often it is said meanwhile. */
  tell(woken: Woken): void {
    this.#toTell.addAll(new Map([...woken].filter(([topic]) => !toldWithCommit.has(topic))))
    this.#listeners.wakeAll(woken)
    this.#tellOthers()
  }

  /** What has not been told yet is told: others shall take at once what a node that stops gave back. */
  async close(): Promise<void> {
    this.#closed = true
    this.#reconnecting?.cancel()
    this.#beat?.cancel()
    this.#pause?.cancel()
    await this.#telling
    const connection = this.#connection
    if (!connection) return
    await this.#notifyAll(connection, this.#toTell.take()).catch(() => {}) // they look by themselves, later
    connection.close()
  }

  /** False: it was closed meanwhile. */
  async #connect(): Promise<boolean> {
    const { address, limits } = this.#parts
    const connection = await PostgresConnection.open(address, 'wake', limitsOfWakes(limits))
    connection.onNotification((_channel, payload) => {
      const [name, sender, keys = ''] = payload.split(' ')
      const topic = wakeTopics.find(one => one === name)
      if (topic && sender !== this.#name)
        this.#listeners.wake(topic, keys === '' ? undefined : new Set(keys.split(',').map(Number)))
    })
    try {
      await connection.execute(`LISTEN ${channel}`)
    } catch (cause) {
      connection.close()
      throw cause
    }
    if (this.#closed) {
      connection.close()
      return false
    }
    this.#connection = connection
    void connection.ended.then(() => this.#lost(connection.server))
    return true
  }

  async #notify(connection: PostgresConnection, topic: WakeTopic, keys: WakeKeys): Promise<void> {
    const named = keys && keys.size <= maxKeys ? ` ${[...keys].join(',')}` : ''
    await connection.run('SELECT pg_notify(?, ?)', channel, `${topic} ${this.#name}${named}`)
  }

  #tellOthers(): void {
    const connection = this.#connection
    if (this.#closed || this.#telling || this.#pause || this.#toTell.isEmpty || !connection) return
    const woken = this.#toTell.take()
    this.#telling = this.#notifyAll(connection, woken).then(
      () => {
        this.#telling = undefined
        this.#pause = this.#parts.clock.after(tellEveryMs, () => {
          this.#pause = undefined
          this.#tellOthers()
        })
      },
      (cause: unknown) => {
        this.#telling = undefined
        // Told when there is a connection again: whatever the reason, a new one is the way out.
        this.#toTell.addAll(woken)
        connection.close()
        this.#parts.log.debug('other nodes could not be woken yet', { reason: String(cause) })
      },
    )
  }

  async #notifyAll(connection: PostgresConnection, woken: Woken): Promise<void> {
    for (const [topic, keys] of woken) await this.#notify(connection, topic, keys)
  }

  #lost(server: string): void {
    this.#connection = undefined
    if (this.#closed) return
    this.#parts.outage.hit(`the connection to PostgreSQL at ${server} was cut`, 'wake')
    this.#connectLater()
  }

  #connectLater(): void {
    this.#reconnecting = this.#parts.clock.after(reconnectMs, () => {
      this.#connect().then(
        isConnected => {
          if (!isConnected) return
          this.#parts.outage.over()
          // Whatever was said meanwhile was not heard.
          this.#listeners.wakeAll(new Map(wakeTopics.map(topic => [topic, undefined])))
          this.#tellOthers()
        },
        (cause: unknown) => {
          if (this.#closed) return
          this.#parts.outage.hit(cause, 'wake')
          this.#connectLater()
        },
      )
    })
  }
}
