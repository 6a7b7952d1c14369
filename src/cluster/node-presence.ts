// A node among the others: in the list while it runs.
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Storage } from '../storage/operation.ts'
import { enterNode, forgetNodes, leaveNode, type NodeFacts, nodeBeatMs } from './nodes.ts'

const forgetAfterMs = 24 * 3_600_000

export class NodePresence {
  readonly #storage: Pick<Storage, 'run'>
  readonly #clock: Clock
  readonly #log: Log
  readonly #node: NodeFacts
  #timer: Timer | undefined

  constructor(storage: Pick<Storage, 'run'>, clock: Clock, log: Log, node: NodeFacts) {
    this.#storage = storage
    this.#clock = clock
    this.#log = log
    this.#node = node
  }

  async start(): Promise<void> {
    await this.#storage.run(forgetNodes, { before: this.#clock.now() - forgetAfterMs })
    await this.#enter()
    this.#timer = this.#clock.every(nodeBeatMs, () => {
      this.#enter().catch((cause: unknown) => {
        this.#log.debug('the other servers could not be told that this one runs', { reason: String(cause) })
      })
    })
  }

  /** Never rejects. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    await this.#storage.run(leaveNode, { id: this.#node.id }).catch((cause: unknown) => {
      this.#log.debug('this server is left in the list', { reason: String(cause) })
    })
  }

  async #enter(): Promise<void> {
    await this.#storage.run(enterNode, { node: this.#node, now: this.#clock.now() })
  }
}
