// A trouble that lasts and hits many: the log says when it begins and when it is over, not each time that it hits.
import { Fault } from './fault.ts'
import type { Log, LogFields } from './log.ts'

export interface TroubleWords {
  readonly begins: string
  readonly ends: string
}

/** So many reasons of one trouble are told; a reason that is new each time would be a line each time. */
const maxReasons = 5

export class LastingTrouble {
  readonly #log: Log
  readonly #words: TroubleWords
  readonly #reasons = new Set<string>()
  readonly #parts = new Set<string>()
  #hits = 0

  constructor(log: Log, words: TroubleWords) {
    this.#log = log
    this.#words = words
  }

  /** `part`: which of several that may be hit, and recover, one without the others. */
  hit(cause: unknown, part = '', fields: LogFields = {}): void {
    this.#parts.add(part)
    this.#hits++
    const reason = cause instanceof Error ? cause.message : String(cause)
    if (this.#reasons.has(reason) || this.#reasons.size >= maxReasons) {
      if (this.#log.isDebugEnabled) this.#log.debug(this.#words.begins, { ...fields, reason })
      return
    }
    this.#reasons.add(reason)
    // The environment's: its words say what to do, and a stack says nothing. Any other may be a bug.
    if (cause instanceof Error && !(cause instanceof Fault))
      this.#log.error(this.#words.begins, fields, cause)
    else this.#log.error(this.#words.begins, { ...fields, reason })
  }

  /** For `part`, or, without one, for all. */
  over(part?: string): void {
    if (this.#hits === 0) return
    if (part === undefined) this.#parts.clear()
    else this.#parts.delete(part)
    if (this.#parts.size > 0) return
    this.#log.info(this.#words.ends, { times: this.#hits })
    this.#hits = 0
    this.#reasons.clear()
  }
}
