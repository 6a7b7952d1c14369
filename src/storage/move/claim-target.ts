// Takes a target for a move: nothing may be there but what an unfinished move has left, and the note of the move is the
// first thing that comes into it.
import { UsageFault } from '../../runtime/fault.ts'
import { StorageFault } from '../storage-fault.ts'
import {
  readUnfinishedMove,
  type TableFinder,
  type UnfinishedMove,
  unfinishedMoveSchema,
  unfinishedMoveTable,
  writeUnfinishedMove,
} from '../unfinished-move.ts'
import type { MoveEngine } from './engine.ts'
import { listMovedTables } from './moved-tables.ts'

export interface Wish {
  readonly move: UnfinishedMove
  /** What there is of an unfinished move goes first, whatever its source. */
  readonly anew: boolean
}

/** What is said when something is there, and what an administrator can do. */
export interface FilledTarget {
  readonly name: string
  readonly howToEmpty: string
  /** Mail data beside the tables. */
  readonly findFile: () => Promise<string | undefined>
}

interface Connection extends TableFinder {
  execute(sql: string): void | Promise<void>
}

/** The unfinished move that is there; undefined when nothing was: then the new one is by now. */
export async function claimTarget(
  connection: Connection,
  engine: MoveEngine,
  { move, anew }: Wish,
  target: FilledTarget,
): Promise<UnfinishedMove | undefined> {
  if (await connection.hasTable(unfinishedMoveTable)) {
    const found = await readUnfinishedMove(connection)
    if (found.source === move.source || anew) return found
    throw new UsageFault(
      'MOVE_OTHER_SOURCE',
      `In ${target.name} is an unfinished move from ${found.source}. Move to somewhere else, or repeat this with --anew, which empties it first.`,
    )
  }
  await assertNoFile(target)
  const table = await findTableWithRows(connection)
  if (table !== undefined) throw isNotEmpty(target, `there are rows in ${table}`)
  await connection.execute('BEGIN')
  await connection.run(engine.translateSchema(unfinishedMoveSchema))
  await writeUnfinishedMove(connection, move)
  await connection.execute('COMMIT')
  return undefined
}

export async function assertNoFile(target: FilledTarget): Promise<void> {
  const file = await target.findFile()
  if (file !== undefined) throw isNotEmpty(target, file)
}

async function findTableWithRows(connection: Connection): Promise<string | undefined> {
  for (const { name } of listMovedTables()) {
    if (!(await connection.hasTable(name))) continue
    if (await connection.get(`SELECT 1 AS found FROM ${name} LIMIT 1`)) return name
  }
  return undefined
}

function isNotEmpty({ name, howToEmpty }: FilledTarget, what: string): StorageFault {
  return new StorageFault(
    'STORAGE_NOT_EMPTY',
    `${name} is not empty (${what}), and nothing is moved over what is there. Name another target; or, if nothing of it is needed any more, ${howToEmpty}.`,
  )
}
