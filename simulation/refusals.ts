// How often a receiver had to refuse a connection, or what was asked on one, for reasons that are about all of its mail.
import { hourMs } from './scenario.ts'
import { Window } from './window.ts'

const minutesOfHour = 60

/**
 * After such a refusal nothing goes there for a minute at least, and then one message finds out. What was under way on the
 * other connections is refused too, when there were others: not often, as they come back only when much was taken.
 */
function mostInHour(connections: number): number {
  return minutesOfHour + 2 * connections
}

export class Refusals {
  readonly #ofHour = new Window(hourMs)
  /** In any hour. */
  readonly most: number
  /** In the worst hour. */
  worst = 0

  constructor(connections: number) {
    this.most = mostInHour(connections)
  }

  add(now: number): void {
    this.worst = Math.max(this.worst, this.#ofHour.add(now, 1))
  }
}
