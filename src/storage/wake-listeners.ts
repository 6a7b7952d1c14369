// Who wants to be called back after which commits.
import type { WakeTopic } from './operation.ts'

export class WakeListeners {
  readonly #listeners = new Map<WakeTopic, Set<() => void>>()

  has(topic: WakeTopic): boolean {
    return this.#listeners.has(topic)
  }

  add(topic: WakeTopic, listener: () => void): void {
    const listeners = this.#listeners.get(topic)
    if (listeners) listeners.add(listener)
    else this.#listeners.set(topic, new Set([listener]))
  }

  wake(topics: Iterable<WakeTopic>): void {
    for (const topic of topics) for (const listener of this.#listeners.get(topic) ?? []) listener()
  }
}
