// The states of a mailbox's messages, an octet per UID in blocks of 1,024: which UIDs are there, and their flags, are known
// without reading a row per message. Derived from mailbox_message; rebuild-blocks.ts makes them anew.
import type { Tx } from '../storage/operation.ts'

export const uidsPerBlock = 1024

export interface Block {
  readonly number: number
  /** As long as the highest UID of the block that has a message asks for. */
  readonly states: Uint8Array
}

interface BlockRow {
  readonly block: number
  readonly states: Uint8Array
}

/** Sets states, 0 for a message that has left. Whoever calls has the mailbox to himself until the end of `tx`. */
export async function writeStates(
  tx: Tx,
  mailboxId: number,
  states: Iterable<readonly [uid: number, state: number]>,
): Promise<void> {
  const changes = Map.groupBy(states, ([uid]) => Math.floor(uid / uidsPerBlock))
  for (const [number, ofBlock] of changes) {
    const row = await tx.get<BlockRow>(
      'SELECT block, states FROM mailbox_block WHERE mailbox_id = ? AND block = ?',
      mailboxId,
      number,
    )
    const octets = new Uint8Array(uidsPerBlock)
    if (row) octets.set(row.states)
    for (const [uid, state] of ofBlock) octets[uid % uidsPerBlock] = state
    await writeBlock(tx, mailboxId, { number, states: trim(octets) })
  }
}

export async function writeBlock(tx: Tx, mailboxId: number, { number, states }: Block): Promise<void> {
  if (states.length === 0) {
    await tx.run('DELETE FROM mailbox_block WHERE mailbox_id = ? AND block = ?', mailboxId, number)
    return
  }
  await tx.run(
    `INSERT INTO mailbox_block (mailbox_id, block, states) VALUES (?, ?, ?)
       ON CONFLICT (mailbox_id, block) DO UPDATE SET states = excluded.states`,
    mailboxId,
    number,
    states,
  )
}

export function trim(octets: Uint8Array): Uint8Array {
  let end = octets.length
  while (end > 0 && octets[end - 1] === 0) end--
  return octets.subarray(0, end)
}

/** UIDs of those whose states have, of the bits of `mask`, these and no others; ascending. */
export function* uidsInState(blocks: readonly Block[], mask: number, bits: number): Generator<number> {
  for (const { number, states } of blocks)
    for (let at = 0; at < states.length; at++)
      if (((states[at] ?? 0) & mask) === bits) yield number * uidsPerBlock + at
}

export async function readBlocks(tx: Tx, mailboxId: number): Promise<Block[]> {
  const rows = await tx.all<BlockRow>(
    'SELECT block, states FROM mailbox_block WHERE mailbox_id = ? ORDER BY block',
    mailboxId,
  )
  return rows.map(({ block, states }) => ({ number: block, states }))
}
