// From which networks an account has logged in lately: there nobody who guesses its password elsewhere keeps its owner out,
// whichever server he comes to and however often it has been started since.
import { defineRead, defineWrite } from '../storage/operation.ts'

/** Not logged in from for so long, a network is one like any other. */
export const networkKnownForMs = 90 * 86_400_000
/** Of one account; the one longest not seen goes. A telephone on its way has another network each day. */
export const maxKnownNetworks = 20

/** When the account of this name (the key of its address) last logged in from there; undefined: not within the time. */
export const findKnownNetwork = defineRead(
  'directory.find-known-network',
  async (
    tx,
    {
      addressKey,
      network,
      now,
    }: { readonly addressKey: string; readonly network: string; readonly now: number },
  ): Promise<number | undefined> => {
    const row = await tx.get<{ last_at: number }>(
      `SELECT last_at FROM known_network
        WHERE account_id = (SELECT id FROM account WHERE address_key = ?) AND network = ? AND last_at > ?`,
      addressKey,
      network,
      now - networkKnownForMs,
    )
    return row?.last_at
  },
)

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
