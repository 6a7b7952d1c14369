// Makes the blocks and counters of a mailbox anew from its messages: after a migration, and where they are found wrong.
import { defineRead, defineWrite, type Storage, type Tx } from '../storage/operation.ts'
import { writeBlock } from './blocks.ts'
import { type Derived, deriveMailbox } from './derive-mailbox.ts'
import { findMailboxById, lockAccounts, type Mailbox } from './mailbox-row.ts'
import { recountUse } from './quota.ts'

const findMailboxesWithoutBlocks = defineRead(
  'mailbox.find-without-blocks',
  async (tx): Promise<readonly number[]> => {
    const rows = await tx.all<{ id: number }>('SELECT id FROM mailbox WHERE has_blocks = 0 ORDER BY id')
    return rows.map(({ id }) => id)
  },
)

export const rebuildBlocks = defineWrite(
  'mailbox.rebuild-blocks',
  async (tx, { mailboxId }: { readonly mailboxId: number }): Promise<void> => {
    const mailbox = await findMailboxById(tx, mailboxId)
    if (!mailbox) return
    await lockAccounts(tx, mailbox.accountId)
    await writeDerived(tx, mailbox, await deriveMailbox(tx, mailboxId))
  },
)

/** Whoever calls has locked the account. */
export async function writeDerived(
  tx: Tx,
  { id, accountId }: Pick<Mailbox, 'id' | 'accountId'>,
  { blocks, counters }: Pick<Derived, 'blocks' | 'counters'>,
): Promise<void> {
  await tx.run('DELETE FROM mailbox_block WHERE mailbox_id = ?', id)
  for (const block of blocks) await writeBlock(tx, id, block)
  await tx.run(
    'UPDATE mailbox SET messages = ?, unseen = ?, deleted = ?, bytes = ?, deleted_bytes = ?, has_blocks = 1 WHERE id = ?',
    counters.messages,
    counters.unseen,
    counters.deleted,
    counters.bytes,
    counters.deletedBytes,
    id,
  )
  await recountUse(tx, accountId)
  tx.wake('mailbox', id)
}

/** At the start: those that a migration has left without. */
export async function makeMissingBlocks(storage: Pick<Storage, 'run'>): Promise<number> {
  const ids = await storage.run(findMailboxesWithoutBlocks, undefined)
  for (const mailboxId of ids) await storage.run(rebuildBlocks, { mailboxId })
  return ids.length
}
