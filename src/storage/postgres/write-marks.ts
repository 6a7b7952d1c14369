// Whether a transaction whose COMMIT was never answered has been committed: by looking. Each writes a mark of its own;
// whoever looks for the mark writes it too, with another meaning. So one that is still under way is waited for, one that
// has not come cannot come any more, and what is found is as durable as any commit, on whichever server is the primary by
// now (docs/adr/0007).
import { defineWrite } from '../operation.ts'
import type { PostgresConnection } from './postgres-connection.ts'

export const writeMarkSchema = `
  CREATE TABLE IF NOT EXISTS write_mark (id TEXT COLLATE "C" PRIMARY KEY, at BIGINT NOT NULL, outcome TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS write_mark_at ON write_mark (at)`

/** Inside the transaction that it marks. */
export async function writeMark(connection: PostgresConnection, id: string, at: number): Promise<void> {
  await connection.run("INSERT INTO write_mark (id, at, outcome) VALUES (?, ?, 'committed')", id, at)
}

/** 'void': it is not there, and never will be. */
export async function lookForMark(
  connection: PostgresConnection,
  id: string,
  at: number,
): Promise<'committed' | 'void'> {
  // By a commit of its own, which says when it was not finished.
  await connection.execute('BEGIN ISOLATION LEVEL READ COMMITTED')
  const row = await connection.get<{ outcome: 'committed' | 'void' }>(
    `INSERT INTO write_mark (id, at, outcome) VALUES (?, ?, 'void')
       ON CONFLICT (id) DO UPDATE SET at = excluded.at RETURNING outcome`,
    id,
    at,
  )
  await connection.commit()
  return row?.outcome ?? 'void'
}

/** Nobody looks for marks of this age any more. Resolves with how many of them are gone: `limit` means that there may be more. */
export const removeOldMarks = defineWrite(
  'storage.remove-old-marks',
  async (tx, { before, limit }: { readonly before: number; readonly limit: number }): Promise<number> => {
    const { changes } = await tx.run(
      'DELETE FROM write_mark WHERE id IN (SELECT id FROM write_mark WHERE at < ? LIMIT ?)',
      before,
      limit,
    )
    return changes
  },
)
