// The structures of messages (RFC 9051 §7.5.2), kept beside the mail data: read once, when a message has come, and not by each session.
import type { MessageStructure } from '../message/structure/structure.ts'
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'

/** Inside the transaction that files it: somebody reads it soon. */
export async function wantStructure(tx: Tx, mailDataId: number): Promise<void> {
  await tx.run(
    `INSERT INTO structure_wanted (mail_data_id)
       SELECT ? WHERE NOT EXISTS (SELECT 1 FROM message_structure WHERE mail_data_id = ?)
     ON CONFLICT (mail_data_id) DO NOTHING`,
    mailDataId,
    mailDataId,
  )
}

export interface KeptStructure {
  readonly mailDataId: number
  /** undefined: it cannot be read, so nobody need try again. */
  readonly structure: MessageStructure | undefined
}

export const keepStructures = defineWrite(
  'mailbox.keep-structures',
  async (tx, { structures }: { readonly structures: readonly KeptStructure[] }): Promise<void> => {
    await putStructures(tx, structures)
  },
)

export async function putStructures(tx: Tx, structures: readonly KeptStructure[]): Promise<void> {
  for (const { mailDataId, structure } of structures) {
    // It may have gone meanwhile, and two may have read it.
    if (structure)
      await tx.run(
        `INSERT INTO message_structure (mail_data_id, structure)
           SELECT id, ? FROM mail_data WHERE id = ? ON CONFLICT (mail_data_id) DO NOTHING`,
        JSON.stringify(structure),
        mailDataId,
      )
    await tx.run('DELETE FROM structure_wanted WHERE mail_data_id = ?', mailDataId)
  }
}

/** Of those that have been read. */
export const readStructures = defineRead(
  'mailbox.read-structures',
  async (
    tx,
    { mailDataIds }: { readonly mailDataIds: readonly number[] },
  ): Promise<ReadonlyMap<number, MessageStructure>> => {
    const found = await tx.forAll(mailDataIds, id =>
      tx.all<{ structure: string }>('SELECT structure FROM message_structure WHERE mail_data_id = ?', id),
    )
    const structures = new Map<number, MessageStructure>()
    for (const [at, [row]] of found.entries()) {
      const id = mailDataIds[at]
      if (row && id !== undefined) structures.set(id, JSON.parse(row.structure) as MessageStructure)
    }
    return structures
  },
)
