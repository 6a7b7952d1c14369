// Trying again what did not succeed for a passing reason, until patience is over.
import { setTimeout as sleep } from 'node:timers/promises'

export interface Patience {
  /** Waits longer each time; false when the time is over. */
  again(): Promise<boolean>
}

const firstWaitMs = 50
const longestWaitMs = 1000

export function patienceOf(ms: number): Patience {
  const until = performance.now() + ms
  let waitMs = firstWaitMs
  return {
    async again() {
      // Not all at the same time: those who met in a race would meet again.
      const wait = waitMs * (0.5 + Math.random())
      waitMs = Math.min(2 * waitMs, longestWaitMs)
      if (performance.now() + wait > until) return false
      await sleep(wait, undefined, { ref: false })
      return true
    },
  }
}
