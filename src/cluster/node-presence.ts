// A node among the others: in the list while it runs.
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Storage } from '../storage/operation.ts'
import { enterNode, forgetNodes, leaveNode, type NodeFacts, type NodeLoad, nodeBeatMs } from './nodes.ts'

const forgetAfterMs = 24 * 3_600_000

export interface NodePresenceParts {
  readonly storage: Pick<Storage, 'run'>
  /** The same time for all servers. */
  readonly clock: Clock
  readonly log: Log
  readonly node: NodeFacts
  readonly readLoad: () => NodeLoad
}

export class NodePresence {
  readonly #parts: NodePresenceParts
  #timer: Timer | undefined

  constructor(parts: NodePresenceParts) {
    this.#parts = parts
  }

  async start(): Promise<void> {
    const { clock, log, storage } = this.#parts
    await storage.run(forgetNodes, { before: clock.now() - forgetAfterMs })
    await this.#enter()
    this.#timer = clock.every(nodeBeatMs, () => {
      this.#enter().catch((cause: unknown) => {
        log.debug('the other servers could not be told that this one runs', { reason: String(cause) })
      })
    })
  }

  /** Never rejects. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    const { log, node, storage } = this.#parts
    await storage.run(leaveNode, { id: node.id }).catch((cause: unknown) => {
      log.debug('this server is left in the list', { reason: String(cause) })
    })
  }

  async #enter(): Promise<void> {
    const { clock, node, readLoad, storage } = this.#parts
    await storage.run(enterNode, { node, load: readLoad(), now: clock.now() })
  }
}
