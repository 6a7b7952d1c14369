// The watchdog of systemd: it ends a service that is silent for longer than WatchdogSec=, and starts it anew.
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'

export interface WatchdogParts {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly pid: number
  /** Why this process should be started anew; none when it lives. */
  readonly lifeless: () => Promise<readonly string[]>
  readonly tellAlive: () => Promise<void>
  readonly clock: Clock
  readonly log: Log
}

/** One that comes late, and one that is lost, do no harm. */
const tellingsInTime = 3

/** Undefined where none watches. */
export function feedWatchdog(parts: WatchdogParts): Timer | undefined {
  const { environment, pid, lifeless, tellAlive, clock, log } = parts
  const { WATCHDOG_USEC: microseconds = '', WATCHDOG_PID: forPid } = environment
  if (!/^[1-9]\d{0,15}$/.test(microseconds) || (forPid !== undefined && forPid !== String(pid)))
    return undefined
  const look = async (): Promise<void> => {
    const reasons = await lifeless()
    if (reasons.length === 0) await tellAlive()
    else log.error('the watchdog is not told that the server lives', { reason: reasons.join('; ') })
  }
  return clock.every(Number(microseconds) / 1000 / tellingsInTime, () => void look())
}
