// Work that is done at the start, and then every so often.
import type { Clock, Timer } from './clock.ts'
import type { LastingTrouble } from './lasting-trouble.ts'

export interface RegularWorkOptions {
  readonly clock: Pick<Clock, 'every'>
  readonly everyMs: number
  /** Is told of what goes wrong; the work is tried again at the next time. */
  readonly trouble: LastingTrouble
  /** Looks from time to time whether `isStopped`. `isWoken`: somebody woke it, and its time has not come. */
  readonly work: (occasion: { readonly isWoken: boolean }) => Promise<void>
}

export class RegularWork {
  readonly #options: RegularWorkOptions
  #timer: Timer | undefined
  #underWay: Promise<void> = Promise.resolve()
  #isUnderWay = false
  #isWoken = false
  #isStopped = false

  constructor(options: RegularWorkOptions) {
    this.#options = options
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  start(): void {
    const { clock, everyMs } = this.#options
    this.#timer ??= clock.every(everyMs, () => this.#begin())
    this.#begin()
  }

  /** There may be something to do before the next time; nothing happens where it is not started. */
  wake(): void {
    if (!this.#timer || this.#isStopped) return
    this.#isWoken = true
    this.#begin()
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    await this.#underWay
  }

  #begin(): void {
    if (!this.#isUnderWay) this.#underWay = this.#guarded()
  }

  async #guarded(): Promise<void> {
    const { trouble, work } = this.#options
    this.#isUnderWay = true
    do {
      const isWoken = this.#isWoken
      this.#isWoken = false
      try {
        await work({ isWoken })
        trouble.over()
      } catch (cause) {
        if (!this.#isStopped) trouble.hit(cause)
      }
      // Woken while it looked: what came may stand where it had looked already.
    } while (this.#isWoken && !this.#isStopped)
    this.#isUnderWay = false
  }
}
