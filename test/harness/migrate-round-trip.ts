// SQLite → PostgreSQL → another SQLite, by `postrider migrate` as an administrator runs it; what all three hold is compared
// by an export that is not the mover's.
import { createHash } from 'node:crypto'
import { globSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { systemRandom } from '../../src/runtime/random.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import { openMailDataFiles } from '../../src/storage/mail-data-files.ts'
import { createMailDataStore } from '../../src/storage/mail-data-store.ts'
import { type ExportedStorage, exportDatabase, exportFolder } from './export-storage.ts'
import { runProgram } from './programs.ts'
import { command, createServerFolder, type ServerFolder } from './server-process.ts'
import { type Stock, stockStorage } from './stock-storage.ts'

export interface Holding {
  readonly where: string
  readonly storage: ExportedStorage
  /** Of `postrider export`: domains, accounts, aliases and groups. */
  readonly directory: string
}

export interface RoundTrip {
  /** The first one, PostgreSQL, the second one. */
  readonly holdings: readonly Holding[]
  readonly moves: readonly { readonly what: string; readonly seconds: number; readonly said: MigrateOutput }[]
  /** Not a byte of the files of the first folder has changed, nor has one come or gone. */
  readonly sourceUntouched: boolean
  readonly identical: boolean
}

const migrateOutput = z.object({
  finished: z.boolean(),
  messages: z.int(),
  damaged: z.array(z.unknown()),
  tables: z.array(z.object({ name: z.string(), rows: z.int() })),
})

export type MigrateOutput = z.infer<typeof migrateOutput>

const moveTimeoutMs = 1_800_000

export async function runRoundTrip(
  stock: Stock,
  databaseUri: string,
  progress: (line: string) => void = () => {},
): Promise<RoundTrip> {
  const first = await createServerFolder()
  const shared = await createServerFolder({ settings: `storage = "${databaseUri}"` })
  const second = await createServerFolder()
  try {
    progress('filling a data folder')
    await fill(first.dataFolder, stock)
    const before = hashFiles(first.dataFolder)
    progress('SQLite to PostgreSQL')
    const there = await migrate(first, databaseUri)
    const sourceUntouched = isDeepStrictEqual(hashFiles(first.dataFolder), before)
    progress('PostgreSQL to SQLite')
    const back = await migrate(shared, second.dataFolder)
    progress('exporting all three')
    const holdings = [
      {
        where: 'SQLite',
        storage: await exportFolder(first.dataFolder),
        directory: await first.postrider('export'),
      },
      {
        where: 'PostgreSQL',
        storage: await exportDatabase(databaseUri),
        directory: await shared.postrider('export'),
      },
      {
        where: 'SQLite again',
        storage: await exportFolder(second.dataFolder),
        directory: await second.postrider('export'),
      },
    ]
    return {
      holdings,
      moves: [
        { what: 'SQLite to PostgreSQL', ...there },
        { what: 'PostgreSQL to SQLite', ...back },
      ],
      sourceUntouched,
      identical: holdings.every(
        ({ storage, directory }) =>
          isDeepStrictEqual(storage, holdings[0]?.storage) && directory === holdings[0]?.directory,
      ),
    }
  } finally {
    await Promise.all([first, shared, second].map(folder => folder.remove()))
  }
}

async function fill(folder: string, stock: Stock): Promise<void> {
  const storage = await openLocalStorage(folder)
  try {
    await stockStorage(storage, createMailDataStore(openMailDataFiles(folder, systemRandom), storage), stock)
  } finally {
    await storage.close()
  }
}

async function migrate(
  at: ServerFolder,
  to: string,
): Promise<{ readonly seconds: number; readonly said: MigrateOutput }> {
  const since = performance.now()
  const { exitCode, stdout, stderr } = await runProgram(
    [process.execPath, command, 'migrate', to, '--json', '--settings', at.settingsFile],
    { timeoutMs: moveTimeoutMs },
  )
  if (exitCode !== 0) throw new Error(`postrider migrate ended with ${exitCode}:\n${stderr}${stdout}`)
  return { seconds: (performance.now() - since) / 1000, said: migrateOutput.parse(JSON.parse(stdout)) }
}

/** But for the lock, and for what SQLite keeps beside a database that is open. */
export function hashFiles(folder: string): ReadonlyMap<string, string> {
  const files = globSync('**/*', { cwd: folder }).filter(
    name => statSync(join(folder, name)).isFile() && !/^lock\.sqlite|\.sqlite-(?:wal|shm)$/.test(name),
  )
  return new Map(
    files.toSorted().map(name => [
      name,
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex'),
    ]),
  )
}
