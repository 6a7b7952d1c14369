// What can go wrong with storage, as stable codes; texts for the administrator.
import { Fault, type FaultOptions } from '../runtime/fault.ts'

export type StorageFaultCode =
  | 'STORAGE_DISK_FULL'
  /** Busy, unreachable, or an I/O error: may pass. Nothing was written. */
  | 'STORAGE_UNAVAILABLE'
  /** It has ended; whether what was under way has been written nobody knows. */
  | 'STORAGE_GONE'
  | 'STORAGE_DAMAGED'
  /** Written by a newer version of Postrider. */
  | 'STORAGE_NEWER'
  /** Servers of a version that cannot work beside this one run on this database. */
  | 'STORAGE_IN_USE'
  /** Another process has the data folder, or the database, for itself. */
  | 'STORAGE_LOCKED'
  | 'STORAGE_MISSING'
  /** The database server does not let us in. */
  | 'STORAGE_REFUSED'
  /** The target of a move that has not been finished. */
  | 'STORAGE_UNFINISHED'
  /** Something is there where an empty storage was asked for. */
  | 'STORAGE_NOT_EMPTY'
  /** A copy is not what it was made from. */
  | 'STORAGE_DIFFERS'

export class StorageFault extends Fault {
  override readonly name = 'StorageFault'
  declare readonly code: StorageFaultCode

  constructor(code: StorageFaultCode, what: string, options?: FaultOptions) {
    super(code, what, options)
  }
}

/** What was asked for cannot be read, and will not be; the rest may. */
export function isDamage(cause: unknown): cause is StorageFault {
  return cause instanceof StorageFault && cause.code === 'STORAGE_DAMAGED'
}

/** It may be asked for again later: nothing is wrong with what was asked. */
export function isPassing(cause: unknown): boolean {
  return cause instanceof Fault && passingCodes.has(cause.code)
}

// 'STORAGE_REFUSED': until the password of the database is right again.
const passingCodes: ReadonlySet<string> = new Set([
  'STORAGE_DISK_FULL',
  'STORAGE_UNAVAILABLE',
  'STORAGE_GONE',
  'STORAGE_REFUSED',
] satisfies StorageFaultCode[])

/** Whether what was asked for has been written nobody knows: what a row may name by now must stay. */
export function isOutcomeUnknown(cause: unknown): boolean {
  return cause instanceof StorageFault && cause.code === 'STORAGE_GONE'
}

// https://sqlite.org/rescode.html: the low byte is the primary result code.
const sqliteBusy = 5
const sqliteLocked = 6
const sqliteReadOnly = 8
const sqliteIoError = 10
const sqliteCorrupt = 11
const sqliteFull = 13
const sqliteCannotOpen = 14
const sqliteNotADatabase = 26

/** The StorageFault that an error of SQLite or of the file system means; any other error as it is. */
export function toStorageFault(cause: unknown, file: string): unknown {
  if (!(cause instanceof Error) || cause instanceof Fault) return cause
  const { errcode, code } = cause as { errcode?: number; code?: string }
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(file, cause)
  if (errcode === undefined) return cause
  switch (errcode & 0xff) {
    case sqliteFull:
      return diskFull(file, cause)
    case sqliteCorrupt:
    case sqliteNotADatabase:
      return damaged(file, cause.message, { cause })
    case sqliteBusy:
    case sqliteLocked:
      return new StorageFault('STORAGE_UNAVAILABLE', `${file} is busy: another program writes to it.`, {
        cause,
        remedy: 'End that program, or wait for it.',
      })
    case sqliteIoError:
    case sqliteReadOnly:
    case sqliteCannotOpen:
      return new StorageFault('STORAGE_UNAVAILABLE', `${file} cannot be read or written: ${cause.message}.`, {
        cause,
        remedy: 'Check the disk, and who owns the file.',
      })
    default:
      return cause
  }
}

export function damaged(file: string, reason: string, options?: ErrorOptions): StorageFault {
  return new StorageFault('STORAGE_DAMAGED', `${file} is damaged (${reason}).`, {
    ...options,
    remedy:
      'Run "postrider verify" while no server runs, and restore the data folder from a backup if it finds damage.',
  })
}

export function storageIsGone(): StorageFault {
  return new StorageFault('STORAGE_GONE', 'The storage has ended.')
}

function diskFull(file: string, cause: Error): StorageFault {
  return new StorageFault('STORAGE_DISK_FULL', `The disk that holds ${file} is full.`, {
    cause,
    remedy: 'Free some space; nothing else is needed.',
  })
}
