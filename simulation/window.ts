// How much there was in the last span of time: counted exactly, each time something is added.

export class Window {
  readonly #spanMs: number
  #parts: { readonly at: number; readonly count: number }[] = []
  #first = 0
  #sum = 0

  constructor(spanMs: number) {
    this.#spanMs = spanMs
  }

  /** With what is added: so much in the span that ends now. */
  add(at: number, count: number): number {
    this.#parts.push({ at, count })
    this.#sum += count
    return this.sum(at)
  }

  sum(at: number): number {
    for (let oldest = this.#parts[this.#first]; oldest; oldest = this.#parts[this.#first]) {
      if (oldest.at > at - this.#spanMs) break
      this.#sum -= oldest.count
      this.#first++
    }
    if (this.#first >= 1024) {
      this.#parts = this.#parts.slice(this.#first)
      this.#first = 0
    }
    return this.#sum
  }
}
