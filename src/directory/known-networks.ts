// From which networks an account has logged in lately: there nobody who guesses its password elsewhere keeps its owner out,
// whichever server he comes to and however often it has been started since. And from when on wrong passwords with its name count.
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'

/** Not logged in from for so long, a network is one like any other. */
export const networkKnownForMs = 90 * 86_400_000
/** Of one account; the one longest not seen goes. A telephone on its way has another network each day. */
export const maxKnownNetworks = 20

export interface LogInHistory {
  /** When the account last logged in from there; undefined: not within the time. */
  readonly lastAt: number | undefined
  /** What failed before that does not count; undefined: all of it does. */
  readonly forgivenAt: number | undefined
}

/** Of the account of this name (the key of its address). */
export const findLogInHistory = defineRead(
  'directory.find-log-in-history',
  async (
    tx,
    { key, network, now }: { readonly key: string; readonly network: string; readonly now: number },
  ): Promise<LogInHistory> => {
    const row = await tx.get<{ forgiven_at: number | null; last_at: number | null }>(
      `SELECT log_ins_forgiven_at AS forgiven_at,
              (SELECT last_at FROM known_network WHERE account_id = account.id AND network = ? AND last_at > ?) AS last_at
         FROM account WHERE address_key = ?`,
      network,
      now - networkKnownForMs,
      key,
    )
    return { lastAt: row?.last_at ?? undefined, forgivenAt: row?.forgiven_at ?? undefined }
  },
)

/** Whoever was held back because of this name may try again: it has another password, or an administrator says so. */
export async function forgiveFailures(tx: Tx, accountId: number, at: number): Promise<void> {
  await tx.run('UPDATE account SET log_ins_forgiven_at = ? WHERE id = ?', at, accountId)
}

/** The account has logged in from there. */
export const noteKnownNetwork = defineWrite(
  'directory.note-known-network',
  async (
    tx,
    { accountId, network, at }: { readonly accountId: number; readonly network: string; readonly at: number },
  ): Promise<void> => {
    // Of two that make room for themselves, each would remove what the other has seen.
    await tx.lockRow('account', accountId)
    if (!(await tx.get('SELECT id FROM account WHERE id = ?', accountId))) return
    await tx.run(
      `INSERT INTO known_network (account_id, network, last_at) VALUES (?, ?, ?)
       ON CONFLICT (account_id, network) DO UPDATE SET last_at = excluded.last_at
       WHERE excluded.last_at > known_network.last_at`,
      accountId,
      network,
      at,
    )
    await tx.run(
      `DELETE FROM known_network WHERE account_id = ? AND (last_at <= ? OR network NOT IN
        (SELECT network FROM known_network WHERE account_id = ? ORDER BY last_at DESC, network LIMIT ?))`,
      accountId,
      at - networkKnownForMs,
      accountId,
      maxKnownNetworks,
    )
  },
)
