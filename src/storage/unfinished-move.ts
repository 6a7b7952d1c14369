// A storage that is the target of a move (`postrider migrate`) has a table that says so, from before anything else is in
// it until all is there and compared: a server must not take half of the mail for the whole.
import type { Tx } from './operation.ts'
import { StorageFault } from './storage-fault.ts'

export const unfinishedMoveTable = 'unfinished_move'

export const unfinishedMoveSchema = `CREATE TABLE ${unfinishedMoveTable} (
  source TEXT NOT NULL, source_state TEXT NOT NULL, started_at INTEGER NOT NULL) STRICT`

export interface UnfinishedMove {
  /** Where it comes from, for people. */
  readonly source: string
  /** Another one: something has been written to the source since. */
  readonly sourceState: string
  /** Also when leases that nobody holds any more ended. */
  readonly startedAt: number
}

/** The table must be there. */
export async function readUnfinishedMove(tx: Tx): Promise<UnfinishedMove> {
  const row = await tx.get<{ source: string; source_state: string; started_at: number }>(
    `SELECT source, source_state, started_at FROM ${unfinishedMoveTable}`,
  )
  if (!row) throw new StorageFault('STORAGE_DAMAGED', `The table ${unfinishedMoveTable} is empty.`)
  return { source: row.source, sourceState: row.source_state, startedAt: row.started_at }
}

export async function writeUnfinishedMove(
  tx: Tx,
  { source, sourceState, startedAt }: UnfinishedMove,
): Promise<void> {
  await tx.run(`DELETE FROM ${unfinishedMoveTable}`)
  await tx.run(
    `INSERT INTO ${unfinishedMoveTable} (source, source_state, started_at) VALUES (?, ?, ?)`,
    source,
    sourceState,
    startedAt,
  )
}

/** A connection, on either engine. */
export interface TableFinder extends Tx {
  hasTable(name: string): Promise<boolean>
}

/** For everybody but the move itself. */
export async function assertMoveFinished(tx: TableFinder, name: string): Promise<void> {
  if (!(await tx.hasTable(unfinishedMoveTable))) return
  const { source } = await readUnfinishedMove(tx)
  throw new StorageFault(
    'STORAGE_UNFINISHED',
    `${name} holds a part of what is being moved there from ${source}.`,
    {
      remedy: `Put the settings back to what they were, and either repeat the command that moves it, to finish that, or go on without: ${source} is as it was.`,
    },
  )
}
