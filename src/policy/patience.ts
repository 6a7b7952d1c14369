// Programs that send spam have no time to lose. A stranger from a network that this server has not met is greeted late, so that
// those who do not wait for a greeting show themselves; whoever is refused over and over is answered late.
import { neighbourhoodOf } from '../address/networks.ts'
import type { SpamSettings } from '../config/settings.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Reply } from '../smtp/reply.ts'
import type { Client, MaybePromise } from '../smtp/server/services.ts'
import { isStranger } from './check-strangers.ts'

export type PatienceSettings = Pick<SpamSettings, 'greetingDelaySeconds' | 'refusalDelaySeconds'>

/** So many refusals a session has at once: an address book is never quite up to date. */
const promptRefusals = 3
/** Networks that are remembered, about 2 MB: beyond, the one longest not seen is forgotten. */
const maxMet = 20_000
/** Who has to wait holds a connection: with more of them than this nobody else has to. */
const maxWaiting = 500

export class Patience {
  readonly #settings: PatienceSettings
  readonly #clock: Clock
  /** Those seen last at the end. */
  readonly #met = new Set<string>()
  /** Refusals by session. */
  readonly #refusals = new Map<string, number>()
  #waiting = 0

  constructor(settings: PatienceSettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
  }

  /** Before the greeting. A promise: what the peer says meanwhile it says too early (RFC 5321 §4.3.1). */
  atConnect(client: Client): MaybePromise<undefined> {
    const { greetingDelaySeconds: seconds } = this.#settings
    if (seconds === 0 || !isStranger(client) || this.#met.has(neighbourhoodOf(client.remoteAddress)))
      return undefined
    return this.#wait(seconds, undefined)
  }

  /** It has waited for the greeting. */
  atHello(client: Client): void {
    if (!isStranger(client)) return
    const network = neighbourhoodOf(client.remoteAddress)
    this.#met.delete(network)
    this.#met.add(network)
    const [oldest] = this.#met
    if (this.#met.size > maxMet && oldest !== undefined) this.#met.delete(oldest)
  }

  /** The answer to a command, in time. */
  answer(
    client: Client,
    reply: Reply | undefined,
    /** Its network tries which addresses exist. */
    isGuessing = false,
  ): MaybePromise<Reply | undefined> {
    const { refusalDelaySeconds: seconds } = this.#settings
    if (seconds === 0 || !reply || !isStranger(client)) return reply
    if (reply.code < 500) return isGuessing && reply.code === 421 ? this.#wait(seconds, reply) : reply
    const refusals = (this.#refusals.get(client.sessionId) ?? 0) + 1
    this.#refusals.set(client.sessionId, refusals)
    return isGuessing || refusals > promptRefusals ? this.#wait(seconds, reply) : reply
  }

  forget({ sessionId }: Client): void {
    this.#refusals.delete(sessionId)
  }

  #wait<Answer>(seconds: number, answer: Answer): MaybePromise<Answer> {
    if (this.#waiting >= maxWaiting) return answer
    this.#waiting++
    return new Promise(resolve => {
      this.#clock.after(1000 * seconds, () => {
        this.#waiting--
        resolve(answer)
      })
    })
  }
}
