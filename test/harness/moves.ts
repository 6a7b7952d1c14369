// Moves of a test: in its process; and in a process of its own that ends itself with SIGKILL at a moment that the test names:
// the fault itself, at a moment that is the same each time.
import { join } from 'node:path'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { lockDataFolder } from '../../src/storage/data-folder.ts'
import {
  type Move,
  type MoveOptions,
  type MoveProgress,
  moveStorage,
} from '../../src/storage/move/move-storage.ts'
import type { Place } from '../../src/storage/move/place.ts'
import { parseServerAddress } from '../../src/storage/postgres/server-address.ts'
import { runProgram } from './programs.ts'

export interface KillPoint {
  readonly stage: MoveProgress['stage']
  /** At so many reports of that stage. */
  readonly report: number
}

export interface KilledMove {
  /** A folder, or the URI of a database. */
  readonly from: string
  readonly to: string
  readonly at: KillPoint
}

/** Rejects when it was not killed. */
export async function killWhileMoving(move: KilledMove): Promise<void> {
  const { exitCode, stderr } = await runProgram([
    process.execPath,
    join(import.meta.dirname, 'moves.ts'),
    JSON.stringify(move),
  ])
  if (exitCode !== null)
    throw new Error(`the move ended with ${exitCode} before ${JSON.stringify(move.at)}: ${stderr}`)
}

/** In this process; each a folder, or the URI of a database. */
export async function move(from: string, to: string, options: Partial<MoveOptions> = {}): Promise<Move> {
  return await moveStorage({
    from: placeOf(from),
    to: placeOf(to),
    anew: false,
    withDamage: false,
    clock: systemClock,
    random: systemRandom,
    onProgress: () => {},
    ...options,
  })
}

export function placeOf(text: string): Place {
  const address = parseServerAddress(text)
  return address
    ? { kind: 'database', address }
    : { kind: 'folder', folder: text, lock: folder => Promise.resolve(lockDataFolder(folder)) }
}

async function moveAndDie({ from, to, at }: KilledMove): Promise<void> {
  let reports = 0
  await move(from, to, {
    onProgress({ stage }) {
      if (stage === at.stage && ++reports === at.report) process.kill(process.pid, 'SIGKILL')
    },
  })
}

if (import.meta.main) await moveAndDie(JSON.parse(process.argv[2] ?? '') as KilledMove)
