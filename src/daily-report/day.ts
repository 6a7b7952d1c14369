// Days as reports count them: in UTC, from midnight to midnight (RFC 8460 §4.1; RFC 9990 §3.1.1.4 leaves it open).

export const dayMs = 24 * 60 * 60 * 1000

/** Days since 1970. */
export function dayOf(ms: number): number {
  return Math.floor(ms / dayMs)
}

/** '2026-11-26' */
export function formatDay(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10)
}

export interface DayOfDomain {
  readonly day: number
  readonly domain: string
}
