// How long PostgreSQL is waited for: each wait has an end, at which whoever asked is told.

export interface PostgresLimits {
  /** Until a new connection is ready. */
  readonly connectMs: number
  /** The server itself gives a statement up then, with the locks that it has. */
  readonly statementMs: number
  /**
   * The server gives a transaction up, with its locks, whose next statement does not come for so long: of a node that was
   * stopped in the middle of it. Others wait for its locks meanwhile, so it is well below the time in which they are taken
   * for dead themselves.
   */
  readonly idleInTransactionMs: number
  /** Until a statement is answered; then the way to the server is taken for cut. Longer than `statementMs`. */
  readonly answerMs: number
  /** What has not succeeded for a passing reason is tried again for so long. */
  readonly patienceMs: number
  /** A commit of unknown outcome is looked for so long. */
  readonly lookPatienceMs: number
}

export const usualLimits: PostgresLimits = {
  connectMs: 5000,
  // Nothing that we ask takes so long unless the server, or the way to it, is in trouble.
  statementMs: 30_000,
  answerMs: 35_000,
  idleInTransactionMs: 5000,
  patienceMs: 10_000,
  lookPatienceMs: 60_000,
}

const hourMs = 3_600_000

/** A migration takes the time that it needs, and waits for that of another node. */
export function limitsOfMigration(limits: PostgresLimits): PostgresLimits {
  return { ...limits, statementMs: hourMs, answerMs: hourMs }
}

/** Nobody waits for the connection on which nodes wake each other: that it is cut has to be noticed all the same, and soon. */
export function limitsOfWakes(limits: PostgresLimits): PostgresLimits {
  const answerMs = Math.min(limits.answerMs, 5000)
  return { ...limits, statementMs: answerMs, answerMs }
}
