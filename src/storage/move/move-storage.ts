// Moves everything that a storage holds to another one: copies, compares, and only then declares the target whole.
import type { Clock } from '../../runtime/clock.ts'
import { UsageFault } from '../../runtime/fault.ts'
import type { Random } from '../../runtime/random.ts'
import { defineRead, defineWrite } from '../operation.ts'
import { StorageFault } from '../storage-fault.ts'
import { copyTable } from './copy-table.ts'
import type { MoveEngine } from './engine.ts'
import { listMovedTables, type MovedTable } from './moved-tables.ts'
import { type MoveSource, openSource } from './open-source.ts'
import { type MoveTarget, openTarget } from './open-target.ts'
import { nameOf, type Place } from './place.ts'
import { countRows, type Reader, readLastKey } from './rows.ts'
import { type VerifiedMailData, type VerifiedTable, verifyTable } from './verify-table.ts'

export interface MoveOptions {
  readonly from: Place
  readonly to: Place
  /** What an unfinished move has left in the target is not gone on with. */
  readonly anew: boolean
  /** Mail data that is damaged in the source does not keep the target unfinished. */
  readonly withDamage: boolean
  readonly clock: Clock
  readonly random: Random
  /** What it throws ends the move there, to be gone on with. */
  readonly onProgress: (progress: MoveProgress) => void
}

export interface MoveProgress {
  readonly stage: 'begun' | 'copied' | 'counted' | 'verified' | 'finishing'
  /** Rows, in all tables. */
  readonly done: number
  readonly total: number
}

export interface Move {
  readonly source: string
  readonly target: string
  readonly begunAnew: MoveTarget['begunAnew']
  /** Rows that were in the target already. */
  readonly already: number
  readonly tables: readonly VerifiedTable[]
  readonly mailData: VerifiedMailData
  /** False: something is damaged, and the target waits for a decision. */
  readonly finished: boolean
}

export async function moveStorage(options: MoveOptions): Promise<Move> {
  const { from, to, anew, clock, random } = options
  if (nameOf(from) === nameOf(to))
    throw new UsageFault('MOVE_NOWHERE', `Source and target are the same: ${nameOf(from)}.`)
  const source = await openSource(from, clock, random)
  try {
    const move = {
      source: source.name,
      sourceState: await source.readState(),
      startedAt: clock.now(),
    }
    const target = await openTarget(to, { move, anew }, clock, random)
    try {
      return await moveAll(source, target, options)
    } finally {
      await target.close()
    }
  } finally {
    source.close()
  }
}

async function moveAll(
  source: MoveSource,
  target: MoveTarget,
  { withDamage, onProgress }: MoveOptions,
): Promise<Move> {
  const tables = listMovedTables()
  const total = await countAll(source.reader, tables)
  const already = await countAll(target.storage, tables)
  onProgress({ stage: 'begun', done: already, total })
  let done = already
  for (const table of tables) {
    await copyTable(source, target, table, rows => {
      done += rows
      onProgress({ stage: 'copied', done, total })
    })
    await copyCounter(source, target, table)
  }
  onProgress({ stage: 'counted', done, total })
  const mailData: VerifiedMailData = { count: 0, bytes: 0, damaged: [] }
  const verified: VerifiedTable[] = []
  done = 0
  for (const table of tables) {
    const one = await verifyTable(source, target, table, mailData, rows => {
      done += rows
      onProgress({ stage: 'verified', done, total })
    })
    verified.push(one)
  }
  await assertUnchanged(source, target)
  const finished = mailData.damaged.length === 0 || withDamage
  onProgress({ stage: 'finishing', done, total })
  if (finished) await target.finish()
  return {
    source: source.name,
    target: target.name,
    begunAnew: target.begunAnew,
    already,
    tables: verified,
    mailData,
    finished,
  }
}

async function countAll(reader: Reader, tables: readonly MovedTable[]): Promise<number> {
  let sum = 0
  for (const table of tables) sum += await reader.run(countRows, table)
  return sum
}

/** Ids that the source has given never come back in the target; and none that is there is given again. */
async function copyCounter(source: MoveSource, target: MoveTarget, table: MovedTable): Promise<void> {
  if (!target.engine.counted.includes(table.ids)) return
  const last = await lastIdOf(source, table)
  if (last === undefined) return
  const set = defineWrite('storage.set-counter', tx => target.engine.setCounter(tx, table.name, last))
  await target.storage.run(set, undefined)
  const kept = await target.storage.run(readCounter(target.engine, table), undefined)
  if (kept !== last)
    throw new StorageFault(
      'STORAGE_DIFFERS',
      `${target.name} counts the ids of ${table.name} from ${kept ?? 'nothing'}, not from ${last}.`,
    )
}

async function lastIdOf({ engine, reader }: MoveSource, table: MovedTable): Promise<number | undefined> {
  const counter =
    table.ids === 'never-again' ? await reader.run(readCounter(engine, table), undefined) : undefined
  const [greatest] = (await reader.run(readLastKey, table)) ?? []
  if (typeof greatest !== 'number') return counter
  return Math.max(counter ?? greatest, greatest)
}

const readCounter = (engine: MoveEngine, { name }: MovedTable) =>
  defineRead('storage.read-counter', tx => engine.readCounter(tx, name))

async function assertUnchanged(source: MoveSource, target: MoveTarget): Promise<void> {
  if ((await source.readState()) === target.move.sourceState) return
  throw new StorageFault(
    'STORAGE_DIFFERS',
    `Something has been written to ${source.name} while it was moved. Stop every server that uses it, and repeat this.`,
  )
}
