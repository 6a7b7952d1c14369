// Wake-ups between the nodes: LISTEN and NOTIFY, outside of the transactions that they are about. One that is lost costs
// the wait until the queue is looked at anyway.
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { Log } from '../../runtime/log.ts'
import { type WakeTopic, wakeTopics } from '../operation.ts'
import { WakeListeners } from '../wake-listeners.ts'
import { PostgresConnection } from './postgres-connection.ts'
import type { ServerAddress } from './server-address.ts'

const channel = 'postrider_wake'
const reconnectMs = 1000

export class Wakes {
  readonly #address: ServerAddress
  readonly #clock: Clock
  readonly #log: Log
  readonly #listeners = new WakeListeners()
  #connection: PostgresConnection | undefined
  #timer: Timer | undefined
  #toTell = new Set<WakeTopic>()
  #telling = false
  #closed = false

  constructor(address: ServerAddress, clock: Clock, log: Log) {
    this.#address = address
    this.#clock = clock
    this.#log = log
  }

  async start(): Promise<void> {
    const connection = await PostgresConnection.open(this.#address, 'wake')
    connection.onNotification((_channel, payload) => {
      const [topic, sender] = payload.split(' ')
      if (sender !== this.#name) this.#listeners.wake(wakeTopics.filter(one => one === topic))
    })
    await connection.execute(`LISTEN ${channel}`)
    this.#connection = connection
    void connection.ended.then(() => this.#lost())
    if (this.#closed) connection.close()
  }

  on(topic: WakeTopic, listener: () => void): void {
    this.#listeners.add(topic, listener)
  }

  /** Here at once; on the other nodes soon, however often it is said meanwhile. */
  tell(topics: Iterable<WakeTopic>): void {
    for (const topic of topics) this.#toTell.add(topic)
    this.#listeners.wake(topics)
    if (!this.#telling) void this.#tellOthers()
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#connection?.close()
  }

  readonly #name = crypto.randomUUID()

  /** Never rejects. */
  async #tellOthers(): Promise<void> {
    this.#telling = true
    try {
      while (this.#toTell.size > 0 && this.#connection) {
        const topics = [...this.#toTell]
        this.#toTell = new Set()
        for (const topic of topics)
          await this.#connection.run('SELECT pg_notify(?, ?)', channel, `${topic} ${this.#name}`)
      }
    } catch (cause) {
      this.#log.debug('other nodes could not be woken', { reason: String(cause) })
    }
    this.#telling = false
  }

  #lost(): void {
    this.#connection = undefined
    if (this.#closed) return
    this.#log.warn('the connection for wake-ups was lost and is made again')
    this.#connectLater()
  }

  #connectLater(): void {
    this.#timer = this.#clock.after(reconnectMs, () => {
      this.start().then(
        // Whatever was said meanwhile was not heard.
        () => this.#listeners.wake(wakeTopics),
        () => {
          if (!this.#closed) this.#connectLater()
        },
      )
    })
  }
}
