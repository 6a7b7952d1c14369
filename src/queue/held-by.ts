// Recipients under a lease: those of an owner, or of anybody.
import type { SqlValue } from '../storage/operation.ts'

interface Condition {
  readonly sql: string
  readonly values: readonly SqlValue[]
}

export function heldBy(owner: string | undefined): Condition {
  return owner === undefined
    ? { sql: 'lease_owner IS NOT NULL', values: [] }
    : { sql: 'lease_owner = ?', values: [owner] }
}
