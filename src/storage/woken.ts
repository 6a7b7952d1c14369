// What writes have woken, gathered until somebody is told.
import type { WakeKeys, WakeTopic } from './operation.ts'

/** Each topic with what of it has changed. */
export type Woken = ReadonlyMap<WakeTopic, WakeKeys>

export class WokenTopics {
  #topics = new Map<WakeTopic, Set<number> | undefined>()

  /** Without a key: any of the topic may have changed. */
  add(topic: WakeTopic, key?: number): void {
    if (key === undefined) {
      this.#topics.set(topic, undefined)
      return
    }
    const keys = this.#topics.get(topic)
    if (keys) keys.add(key)
    else if (!this.#topics.has(topic)) this.#topics.set(topic, new Set([key]))
  }

  addAll(woken: Woken): void {
    for (const [topic, keys] of woken) this.addKeys(topic, keys)
  }

  addKeys(topic: WakeTopic, keys: WakeKeys): void {
    if (keys) for (const key of keys) this.add(topic, key)
    else this.add(topic)
  }

  /** What was gathered; from then on it gathers anew. */
  take(): Woken {
    const taken = this.#topics
    this.#topics = new Map()
    return taken
  }

  get isEmpty(): boolean {
    return this.#topics.size === 0
  }
}
