// The keys for SCRAM of passwords that an account had before. A telephone that still has one shows it again and again, and of a proof
// nobody can say otherwise that it is the same as the last time: so it would look like somebody who guesses, and lock out its owner.
import { defineRead, type Tx } from '../storage/operation.ts'

/** As long as a network is known from which an account logs in: who has not looked for so long has other troubles. */
export const formerPasswordKeptForMs = 90 * 86_400_000
/** Of one account, those of its app passwords too. */
export const maxFormerPasswords = 5

/** As texts, as they stood with the password; it is none any more. */
export async function keepFormerPassword(
  tx: Tx,
  {
    accountId,
    keys,
    at,
  }: { readonly accountId: number; readonly keys: readonly string[]; readonly at: number },
): Promise<void> {
  if (keys.length === 0) return
  await tx.run(
    `INSERT INTO former_password (account_id, scram_keys, ended_at) VALUES (?, ?, ?)
     ON CONFLICT (account_id, scram_keys) DO UPDATE SET ended_at = excluded.ended_at`,
    accountId,
    keys.join(' '),
    at,
  )
  await tx.run(
    `DELETE FROM former_password WHERE account_id = ? AND (ended_at <= ? OR scram_keys NOT IN
      (SELECT scram_keys FROM former_password WHERE account_id = ? ORDER BY ended_at DESC, scram_keys LIMIT ?))`,
    accountId,
    at - formerPasswordKeptForMs,
    accountId,
    maxFormerPasswords,
  )
}

/** As texts, of all of them. */
export const findFormerKeys = defineRead(
  'directory.find-former-keys',
  async (
    tx,
    { accountId, now }: { readonly accountId: number; readonly now: number },
  ): Promise<readonly string[]> => {
    const rows = await tx.all<{ scram_keys: string }>(
      'SELECT scram_keys FROM former_password WHERE account_id = ? AND ended_at > ?',
      accountId,
      now - formerPasswordKeptForMs,
    )
    return rows.flatMap(row => row.scram_keys.split(' '))
  },
)
