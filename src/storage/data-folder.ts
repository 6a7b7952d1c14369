// The data folder: one server at a time, readable by its owner only.
import { chmodSync, closeSync, existsSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { UsageFault } from '../runtime/fault.ts'
import { makeFolder, problemOfFolder } from './make-folder.ts'
import { StorageFault } from './storage-fault.ts'

export interface DataFolderLock {
  release(): void
}

/** Creates the folder when it is missing. Throws a UsageFault that says what to do when it may not be used. */
export function createDataFolder(folder: string): void {
  const mailFolder = join(folder, 'mail')
  try {
    makeFolder(mailFolder, 0o700)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const problem = problemOfFolder(mailFolder) ?? `It cannot be made (${code ?? String(cause)}).`
    throw new UsageFault(
      'DATA_FOLDER_UNUSABLE',
      `The data folder ${folder} cannot be used: ${problem} Give it to the user that runs the server, or set another dataFolder.`,
      { cause },
    )
  }
}

const lockFileName = 'lock.sqlite'

/** False: no server runs on this folder, or has. */
export function hasLockFile(folder: string): boolean {
  return existsSync(join(folder, lockFileName))
}

/**
 * Held for the life of the process. The lock is SQLite's on a file of its own, because the system lets go of it when the
 * process dies, however it dies; a file with a process id in it would stay.
 */
export function lockDataFolder(folder: string): DataFolderLock {
  createDataFolder(folder)
  let database: DatabaseSync | undefined
  try {
    const file = join(folder, lockFileName)
    // Not when it is there: closing it would let go of a lock that this process has on it (POSIX).
    if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600))
    chmodSync(file, 0o600)
    database = new DatabaseSync(file)
    database.exec('PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE;')
  } catch (cause) {
    database?.close()
    const { errcode } = cause as { errcode?: number }
    if (errcode !== undefined && (errcode & 0xff) === 5) {
      throw anotherRuns(folder, { cause })
    }
    throw new UsageFault(
      'DATA_FOLDER_UNUSABLE',
      `The data folder ${folder} cannot be locked (${cause instanceof Error ? cause.message : String(cause)}). Give it to the user that runs the server.`,
      { cause },
    )
  }
  const held = database
  return { release: () => held.close() }
}

export interface OtherProcess {
  readonly pid?: number | undefined
  /** What else can be done than to stop it, after 'or'. */
  readonly elsewhere?: string | undefined
  readonly cause?: unknown
}

export function anotherRuns(folder: string, { pid, elsewhere, cause }: OtherProcess = {}): StorageFault {
  const who = pid === undefined ? '' : `: process ${pid}`
  return new StorageFault('STORAGE_LOCKED', `Another Postrider runs on the data folder ${folder}${who}.`, {
    cause,
    remedy: elsewhere === undefined ? 'Stop it first.' : `Stop it first, or ${elsewhere}.`,
  })
}
