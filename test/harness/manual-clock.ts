// A clock that the test moves.
import type { Clock, Timer } from '../../src/runtime/clock.ts'

export interface ManualClock extends Clock {
  /**
   * Moves time and runs what falls due on the way, in order. What repeats runs once, when it falls due last: as on a
   * machine that slept meanwhile.
   */
  advance(ms: number): void
}

export function createManualClock(start = Date.UTC(2026, 0, 1)): ManualClock {
  interface Entry {
    at: number
    readonly every: number | undefined
    readonly callback: () => void
  }
  let now = start
  const entries = new Set<Entry>()
  const add = (ms: number, every: number | undefined, callback: () => void): Timer => {
    const entry: Entry = { at: now + ms, every, callback }
    entries.add(entry)
    return { cancel: () => void entries.delete(entry) }
  }
  return {
    now: () => now,
    after: (ms, callback) => add(ms, undefined, callback),
    every: (ms, callback) => add(ms, ms, callback),
    advance(ms) {
      const end = now + ms
      for (;;) {
        let next: Entry | undefined
        for (const entry of entries) {
          if (entry.every !== undefined && entry.at <= end)
            entry.at += Math.floor((end - entry.at) / entry.every) * entry.every
          if (entry.at <= end && (!next || entry.at < next.at)) next = entry
        }
        if (!next) break
        now = Math.max(now, next.at)
        if (next.every === undefined) entries.delete(next)
        else next.at = now + next.every
        next.callback()
      }
      now = end
    },
  }
}
