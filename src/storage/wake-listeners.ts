// Who wants to be called back after which commits.
import type { WakeKeys, WakeListener, WakeTopic } from './operation.ts'
import type { Woken } from './woken.ts'

export class WakeListeners {
  readonly #listeners = new Map<WakeTopic, Set<WakeListener>>()

  has(topic: WakeTopic): boolean {
    return this.#listeners.has(topic)
  }

  add(topic: WakeTopic, listener: WakeListener): void {
    const listeners = this.#listeners.get(topic)
    if (listeners) listeners.add(listener)
    else this.#listeners.set(topic, new Set([listener]))
  }

  wake(topic: WakeTopic, keys: WakeKeys): void {
    for (const listener of this.#listeners.get(topic) ?? []) listener(keys)
  }

  wakeAll(woken: Woken): void {
    for (const [topic, keys] of woken) this.wake(topic, keys)
  }
}
