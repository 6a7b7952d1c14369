// One report for the recipients of a message that fail within moments of each other, at whichever receivers: a failure waits
// while others of its message are under way. It waits unwritten, which costs nothing: after a death the receiver is asked again,
// and refuses again.

import type { QueueId } from '../queue/queue-id.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Attempted, NotAttempted } from './plan-settlement.ts'

/** A receiver that answers takes less, one that does not takes half a minute: the sender need not wait for that. */
const longestWaitMs = 10_000
/** More of them make a report of their own. */
const mostInOneReport = 500

export interface FailuresTogetherOptions {
  readonly clock: Clock
  /** Recipients of the message that have not been settled, those that wait here included. */
  readonly underWay: (messageId: QueueId) => number
  readonly settle: (failed: Attempted | NotAttempted) => void
}

interface WaitingFailures {
  readonly failures: (Attempted | NotAttempted)[]
  readonly timer: Timer
}

export class FailuresTogether {
  readonly #options: FailuresTogetherOptions
  readonly #waiting = new Map<QueueId, WaitingFailures>()
  #stopped = false

  constructor(options: FailuresTogetherOptions) {
    this.#options = options
  }

  add(failed: Attempted | NotAttempted): void {
    const { clock, settle } = this.#options
    if (this.#stopped) {
      settle(failed)
      return
    }
    const messageId = failed.work.message.id
    let waiting = this.#waiting.get(messageId)
    if (!waiting) {
      waiting = { failures: [], timer: clock.after(longestWaitMs, () => this.#end(messageId)) }
      this.#waiting.set(messageId, waiting)
    }
    waiting.failures.push(failed)
    this.#endIfComplete(messageId, waiting)
  }

  /** Another recipient of the message is under way no longer. */
  ended(messageId: QueueId): void {
    const waiting = this.#waiting.get(messageId)
    if (waiting) this.#endIfComplete(messageId, waiting)
  }

  /** What waits is settled, and nothing waits any more. */
  stop(): void {
    this.#stopped = true
    for (const messageId of this.#waiting.keys()) this.#end(messageId)
  }

  #endIfComplete(messageId: QueueId, { failures }: WaitingFailures): void {
    if (failures.length >= Math.min(this.#options.underWay(messageId), mostInOneReport)) this.#end(messageId)
  }

  #end(messageId: QueueId): void {
    const waiting = this.#waiting.get(messageId)
    if (!waiting) return
    this.#waiting.delete(messageId)
    waiting.timer.cancel()
    for (const failed of waiting.failures) this.#options.settle(failed)
  }
}
