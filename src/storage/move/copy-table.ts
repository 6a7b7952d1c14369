// Copies a table, in the order of its key, from behind the greatest key that the target has: so the target itself says how
// far a move came that was cut off.
import { StorageFault } from '../storage-fault.ts'
import { copyFile } from './copy-file.ts'
import { withoutLease } from './leases.ts'
import { type MovedTable, mailDataTable, type Row } from './moved-tables.ts'
import type { MoveSource } from './open-source.ts'
import type { MoveTarget } from './open-target.ts'
import { insertRows, keyOf, readLastKey, readPages } from './rows.ts'
import { severalAtATime } from './several-at-a-time.ts'

export const filesAtATime = 8

/** `onRows` is told of each transaction; what it throws ends the move there. */
export async function copyTable(
  source: MoveSource,
  target: MoveTarget,
  table: MovedTable,
  onRows: (rows: number) => void,
): Promise<void> {
  const after = await target.storage.run(readLastKey, table)
  for await (const page of readPages(source.reader, table, after)) {
    for (const rows of table.name === mailDataTable ? groupByFiles(page) : [page]) {
      const names = namesOf(rows)
      // Durable before the row that names it.
      await severalAtATime(names, filesAtATime, name => copyFile(source.files, target.files, name))
      await insert(target, table, rows)
      onRows(rows.length)
    }
  }
}

async function insert(target: MoveTarget, table: MovedTable, page: readonly Row[]): Promise<void> {
  const rows = page.map(row => withoutLease(row, target.move.startedAt))
  try {
    await target.storage.run(insertRows, { table, rows })
  } catch (cause) {
    if (cause instanceof StorageFault) throw cause
    const [first, last] = [page[0], page.at(-1)].map(row => (row ? keyOf(table, row).join(' ') : ''))
    throw new StorageFault(
      'STORAGE_DAMAGED',
      `${target.name} does not take the rows ${first} to ${last} of ${table.name}: ${cause instanceof Error ? cause.message : String(cause)}. Nothing of the source was changed.`,
      { cause },
    )
  }
}

/** Files may be large: not more than a few are lost when the move is cut off. */
function* groupByFiles(page: readonly Row[]): Iterable<readonly Row[]> {
  let start = 0
  let files = 0
  for (const [index, row] of page.entries()) {
    if (row['file_name'] !== null) files++
    if (files < filesAtATime && index < page.length - 1) continue
    yield page.slice(start, index + 1)
    start = index + 1
    files = 0
  }
}

function namesOf(rows: readonly Row[]): string[] {
  return rows.map(row => row['file_name']).filter(name => typeof name === 'string')
}
