// Marks on messages of a maildrop: a bit for each, made with the first.

export class MessageMarks {
  readonly #count: number
  #words: Uint32Array | undefined
  size = 0

  /** Of messages from 1 to `count`. */
  constructor(count: number) {
    this.#count = count
  }

  has(message: number): boolean {
    return (((this.#words?.[message >>> 5] ?? 0) >>> (message & 31)) & 1) === 1
  }

  add(message: number): void {
    if (this.has(message)) return
    this.#words ??= new Uint32Array((this.#count >>> 5) + 1)
    this.#words[message >>> 5] = (this.#words[message >>> 5] ?? 0) | (1 << (message & 31))
    this.size++
  }

  clear(): void {
    this.#words = undefined
    this.size = 0
  }

  /** Ascending. */
  *[Symbol.iterator](): Generator<number> {
    for (const [at, word] of (this.#words ?? []).entries())
      for (let bits = word; bits !== 0; bits &= bits - 1) yield at * 32 + 31 - Math.clz32(bits & -bits)
  }
}
