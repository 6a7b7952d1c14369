// What was found out and holds for a while; of too much the oldest goes first.

const maxRemembered = 1000

export class ForAWhile<Value> {
  readonly #entries = new Map<string, { readonly value: Value; readonly until: number }>()

  find(key: string, now: number): Value | undefined {
    const entry = this.#entries.get(key)
    return entry && entry.until > now ? entry.value : undefined
  }

  forget(key: string): void {
    this.#entries.delete(key)
  }

  keep(key: string, value: Value, until: number): void {
    this.#entries.delete(key)
    this.#entries.set(key, { value, until })
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > maxRemembered && oldest !== undefined) this.#entries.delete(oldest)
  }
}
