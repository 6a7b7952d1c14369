// A node among the others: in the list while it runs.
import type { Clock, Timer } from '../runtime/clock.ts'
import { Fault } from '../runtime/fault.ts'
import type { Log } from '../runtime/log.ts'
import { oneAtATime } from '../runtime/one-at-a-time.ts'
import type { Storage } from '../storage/operation.ts'
import { enterNode, forgetNodes, leaveNode, type NodeFacts, type NodeLoad, nodeBeatMs } from './nodes.ts'

const forgetAfterMs = 24 * 3_600_000

export interface NodePresenceParts {
  readonly storage: Pick<Storage, 'run'>
  /** The same time for all servers. */
  readonly clock: Clock
  readonly log: Log
  readonly node: NodeFacts
  /** So many spaces of queue ids it has taken. */
  readonly idSpaces: number
  readonly readLoad: () => NodeLoad
}

export class NodePresence {
  /** Rejects when others may have its spaces of queue ids. */
  readonly lost: Promise<never>
  readonly #parts: NodePresenceParts
  readonly #tellLost: (cause: Fault) => void
  #timer: Timer | undefined

  constructor(parts: NodePresenceParts) {
    this.#parts = parts
    const { promise, reject } = Promise.withResolvers<never>()
    promise.catch(() => {})
    this.lost = promise
    this.#tellLost = reject
  }

  async start(): Promise<void> {
    const { clock, storage } = this.#parts
    await storage.run(forgetNodes, { before: clock.now() - forgetAfterMs })
    await this.#enter()
    this.#timer = clock.every(
      nodeBeatMs,
      oneAtATime(() => this.#beat()),
    )
  }

  /** Never rejects. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    const { log, node, storage } = this.#parts
    await storage.run(leaveNode, { id: node.id }).catch((cause: unknown) => {
      log.debug('this server is left in the list', { reason: String(cause) })
    })
  }

  /** Never rejects. */
  async #beat(): Promise<void> {
    const { idSpaces, log } = this.#parts
    try {
      if ((await this.#enter()) < idSpaces)
        this.#tellLost(
          new Fault(
            'NODE_FORGOTTEN',
            'This server was out of touch with the database for so long that others may make its queue ids. It ends, to be started again with others.',
          ),
        )
    } catch (cause) {
      log.debug('the other servers could not be told that this one runs', { reason: String(cause) })
    }
  }

  async #enter(): Promise<number> {
    const { clock, node, readLoad, storage } = this.#parts
    return await storage.run(enterNode, { node, load: readLoad(), now: clock.now() })
  }
}
