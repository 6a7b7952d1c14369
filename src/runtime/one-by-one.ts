// Work that costs much, of which there is one at a time for each key: what comes meanwhile waits for its turn.

export class OneByOne<Key> {
  /** The end of the last that has come. */
  readonly #ends = new Map<Key, Promise<void>>()

  async run<Result>(key: Key, work: () => Promise<Result>): Promise<Result> {
    const before = this.#ends.get(key)
    const { promise: end, resolve } = Promise.withResolvers<void>()
    this.#ends.set(key, end)
    try {
      await before
      return await work()
    } finally {
      resolve()
      if (this.#ends.get(key) === end) this.#ends.delete(key)
    }
  }
}
