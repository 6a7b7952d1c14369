// Leases are of servers that run, and none does: what a server had in hand when it was killed is nobody's in the target.
import type { Row } from './moved-tables.ts'

/** Due at `at`, as `releaseLeases` of the queue would have it. Other rows stay as they are. */
export function withoutLease(row: Row, at: number): Row {
  return typeof row['lease_owner'] === 'string' ? { ...row, lease_owner: null, due_at: at } : row
}
