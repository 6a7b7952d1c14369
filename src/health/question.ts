// A question that a part of the server has to answer: asked once at a time, however many want to know.
import type { Clock } from '../runtime/clock.ts'

export type Answer<Value> =
  | { readonly kind: 'answered'; readonly value: Value }
  | { readonly kind: 'failed'; readonly cause: unknown }
  /** Not yet. */
  | { readonly kind: 'silent' }

interface Open<Value> {
  readonly answer: Promise<Answer<Value>>
  isOverdue: boolean
}

export class Question<Value> {
  readonly #ask: () => Promise<Value>
  readonly #overdueAfterMs: number
  readonly #clock: Clock
  #open: Open<Value> | undefined
  #failure: Answer<Value> | undefined

  /** After `overdueAfterMs` without an answer nobody expects one any more. */
  constructor(ask: () => Promise<Value>, overdueAfterMs: number, clock: Clock) {
    this.#ask = ask
    this.#overdueAfterMs = overdueAfterMs
    this.#clock = clock
  }

  get isOverdue(): boolean {
    return this.#open?.isOverdue ?? false
  }

  /**
   * Waits for the answer to the question that is open, or asks; not longer than `ms`. What takes longer to fail than
   * anybody waits is told when it fails again.
   */
  answerWithin(ms: number): Promise<Answer<Value>> {
    const { answer } = (this.#open ??= this.#openOne())
    return new Promise(resolve => {
      const tooLate = this.#clock.after(ms, () => resolve(this.#failure ?? { kind: 'silent' }))
      void answer.then(given => {
        tooLate.cancel()
        resolve(given)
      })
    })
  }

  #openOne(): Open<Value> {
    const overdue = this.#clock.after(this.#overdueAfterMs, () => {
      open.isOverdue = true
    })
    const close = (answer: Answer<Value>): Answer<Value> => {
      overdue.cancel()
      this.#open = undefined
      this.#failure = answer.kind === 'failed' ? answer : undefined
      return answer
    }
    const open: Open<Value> = {
      isOverdue: false,
      answer: Promise.resolve()
        .then(() => this.#ask())
        .then(
          value => close({ kind: 'answered', value }),
          (cause: unknown) => close({ kind: 'failed', cause }),
        ),
    }
    return open
  }
}
