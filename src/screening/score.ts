// One score of all that was seen of a message, and what it means: each line of it can be shown.

/** What one look at the message found. */
export interface ScoreLine {
  /** Who says it: 'statistics', 'rspamd at 127.0.0.1:11333'. */
  readonly source: string
  /** 'BAYES_99' */
  readonly name: string
  /** Above 0 speaks for spam. */
  readonly points: number
  readonly detail?: string | undefined
}

export interface ScoreLimits {
  /** From here on it goes to Junk. */
  readonly junk: number
  /** From here on it is kept aside; undefined: never. */
  readonly quarantine?: number | undefined
  /** From here on it is refused. */
  readonly refuse: number
}

export function sumOf(lines: readonly ScoreLine[]): number {
  const sum = lines.reduce((total, { points }) => total + points, 0)
  // Tenths and hundredths add up to what a person would say.
  return Math.round(sum * 100) / 100
}

export function meaningOf(score: number, limits: ScoreLimits): 'accept' | 'junk' | 'quarantine' | 'refuse' {
  if (score >= limits.refuse) return 'refuse'
  if (limits.quarantine !== undefined && score >= limits.quarantine) return 'quarantine'
  return score >= limits.junk ? 'junk' : 'accept'
}
