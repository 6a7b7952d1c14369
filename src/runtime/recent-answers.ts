// Answers that are remembered for a while: whoever asks for the same meanwhile, or while it is being found out, has the same.
import type { Clock } from './clock.ts'

export interface RecentAnswersOptions {
  readonly clock: Clock
  readonly forMs: number
  /** Beyond, the one asked for longest ago is forgotten. */
  readonly most: number
}

export class RecentAnswers<Answer> {
  readonly #options: RecentAnswersOptions
  readonly #known = new Map<string, { readonly answer: Promise<Answer>; readonly at: number }>()

  constructor(options: RecentAnswersOptions) {
    this.#options = options
  }

  /** What rejects is not remembered. */
  async get(key: string, ask: () => Promise<Answer>): Promise<Answer> {
    const { clock, forMs, most } = this.#options
    const now = clock.now()
    const known = this.#known.get(key)
    if (known && now - known.at < forMs) return await known.answer
    const answer = ask()
    this.#known.delete(key)
    this.#known.set(key, { answer, at: now })
    const [oldest] = this.#known.keys()
    if (this.#known.size > most && oldest !== undefined) this.#known.delete(oldest)
    try {
      return await answer
    } catch (cause) {
      this.#known.delete(key)
      throw cause
    }
  }

  forget(): void {
    this.#known.clear()
  }
}
