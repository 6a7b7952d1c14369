// When a deferred recipient is tried again (RFC 5321 §4.5.4.1).
import type { QueueSettings } from '../config/settings.ts'

const minuteMs = 60_000
const hourMs = 3_600_000

/** Waits differ by up to a tenth, so that what failed together does not come back together. */
const jitter = 0.1

export interface RetrySchedule {
  /**
   * After `attempts` attempts (at least 1), the last of which ended at `now`; never after `expiresAt`. `spread` in
   * [0, 1) is the same for the recipients of one message, so that they stay together in one transaction.
   */
  nextAttemptAt(attempts: number, now: number, expiresAt: number, spread: number): number
  /** Is the notice due that the message is late? */
  isDelayed(acceptedAt: number, now: number): boolean
  /** When that notice will be due; undefined when there is none, or it is due already. */
  delayNoticeAt(acceptedAt: number, now: number): number | undefined
  readonly lifetimeMs: number
}

export function createRetrySchedule(settings: QueueSettings): RetrySchedule {
  const { retryMinutes, delayNoticeHours, lifetimeHours } = settings
  return {
    nextAttemptAt(attempts, now, expiresAt, spread) {
      const minutes = retryMinutes[Math.min(attempts, retryMinutes.length) - 1] ?? 60
      const wait = minutes * minuteMs * (1 + jitter * (2 * spread - 1))
      // The last attempt is at the very end of the lifetime, not up to a whole wait before it.
      return Math.min(Math.round(now + wait), Math.max(expiresAt, now + minuteMs))
    },
    isDelayed: (acceptedAt, now) => delayNoticeHours > 0 && now - acceptedAt >= delayNoticeHours * hourMs,
    delayNoticeAt(acceptedAt, now) {
      const noticeAt = acceptedAt + delayNoticeHours * hourMs
      return delayNoticeHours > 0 && now < noticeAt ? noticeAt : undefined
    },
    lifetimeMs: lifetimeHours * hourMs,
  }
}
