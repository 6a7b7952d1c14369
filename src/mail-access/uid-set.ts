// Many UIDs in little room: a bit for each.
const uidsPerWord = 32
const wordsPerBlock = 32

export class UidSet {
  readonly #blocks = new Map<number, Uint32Array>()

  get isEmpty(): boolean {
    return this.#blocks.size === 0
  }

  add(uid: number): void {
    const place = Math.floor(uid / uidsPerWord)
    const number = Math.floor(place / wordsPerBlock)
    let words = this.#blocks.get(number)
    if (!words) {
      words = new Uint32Array(wordsPerBlock)
      this.#blocks.set(number, words)
    }
    const at = place % wordsPerBlock
    words[at] = (words[at] ?? 0) | (1 << (uid % uidsPerWord))
  }

  has(uid: number): boolean {
    const place = Math.floor(uid / uidsPerWord)
    const words = this.#blocks.get(Math.floor(place / wordsPerBlock))
    return (((words?.[place % wordsPerBlock] ?? 0) >>> (uid % uidsPerWord)) & 1) === 1
  }

  copy(): UidSet {
    const copy = new UidSet()
    for (const [number, words] of this.#blocks) copy.#blocks.set(number, words.slice())
    return copy
  }
}
