// Who has rights in a mailbox: an account, the members of a group, or everybody in the owner's domain (RFC 4314 §2).
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { parseAddress } from '../address/parse-address.ts'
import type { Tx } from '../storage/operation.ts'

export interface Holder {
  readonly kind: 'account' | 'group' | 'anyone'
  /** 0 of anyone. */
  readonly id: number
}

/** As somebody names a holder: 'boris@example.test', '$sales', '-anyone'. */
export interface HolderName {
  /** '-': these rights are taken away, wherever else they come from (§2). */
  readonly isNegative: boolean
  readonly name: 'anyone' | Address
}

/** What has no domain is in `domain`. undefined: it is no name. */
export function parseHolderName(text: string, domain: string): HolderName | undefined {
  const isNegative = text.startsWith('-')
  const bare = isNegative ? text.slice(1) : text
  if (bare === 'anyone') return { isNegative, name: bare }
  // Other servers mark groups by it; here an address says enough.
  const given = bare.startsWith('$') ? bare.slice(1) : bare
  const name = parseAddress(given.includes('@') ? given : `${given}@${domain}`)
  return name && { isNegative, name }
}

export async function findHolder(tx: Tx, name: HolderName['name']): Promise<Holder | undefined> {
  if (name === 'anyone') return { kind: 'anyone', id: 0 }
  const key = addressKey(name)
  const row = await tx.get<{ kind: 'account' | 'group'; id: number }>(
    `SELECT 'account' AS kind, id FROM account WHERE address_key = ?
     UNION ALL SELECT kind, id FROM redirection WHERE address_key = ? AND kind = 'group'`,
    key,
    key,
  )
  return row && { kind: row.kind, id: row.id }
}

/** Itself, and each group that its mail comes from, by whatever aliases and groups between. */
export async function findHoldersOf(tx: Tx, accountId: number): Promise<readonly Holder[]> {
  const groups = await tx.all<{ id: number }>(
    `WITH RECURSIVE reached (address_key) AS (
       SELECT address_key FROM account WHERE id = ?
       UNION
       SELECT redirection.address_key FROM redirection
         JOIN redirection_target ON redirection_target.redirection_id = redirection.id
         JOIN reached ON redirection_target.target_key = reached.address_key
     )
     SELECT id FROM redirection WHERE kind = 'group' AND address_key IN (SELECT address_key FROM reached) ORDER BY id`,
    accountId,
  )
  return [
    { kind: 'account', id: accountId },
    ...groups.map(({ id }) => ({ kind: 'group', id }) as const),
    { kind: 'anyone', id: 0 },
  ]
}
