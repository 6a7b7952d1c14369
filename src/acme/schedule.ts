// When a certificate is asked for anew: at two thirds of its life, and after a failure later each time.
import type { Random } from '../runtime/random.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** Of authorities that count failed attempts, the strictest allows five an hour for a name. */
const waitsMs = [1, 10, 30, 60, 180, 360, 720, 1440].map(minutes => minutes * minuteMs)
/** What an authority asks for beyond that is a mistake of one of us. */
const longestWaitMs = 7 * 24 * hourMs
const soonestRenewalMs = hourMs

/**
 * Counted from when it was issued by our clock: were the clock wrong, its dates would have it asked for again and again.
 * Spread, so that many servers don't come at one time.
 */
export function renewalAt(
  { validFrom, validTo }: { readonly validFrom: number; readonly validTo: number },
  issuedAt: number,
  random: Random,
): number {
  const life = Math.max(0, validTo - validFrom)
  return issuedAt + Math.max(soonestRenewalMs, Math.round(life * (2 / 3 - random.fraction() / 20)))
}

/** `failures`: in a row, with this one. */
export function attemptAfterFailure(
  failures: number,
  retryAfterMs: number | undefined,
  now: number,
  random: Random,
): number {
  const usual = waitsMs[Math.min(failures, waitsMs.length) - 1] ?? minuteMs
  const wait = Math.max(usual, Math.min(retryAfterMs ?? 0, longestWaitMs))
  return now + Math.round(wait * (1 + random.fraction() / 10))
}

/** Too little is left to leave it alone: an administrator hears of a renewal that fails. */
export function isShort(
  certificate: { readonly validFrom: number; readonly validTo: number } | undefined,
  now: number,
): boolean {
  if (!certificate) return true
  const { validFrom, validTo } = certificate
  return validTo - now < (validTo - validFrom) / 4
}
