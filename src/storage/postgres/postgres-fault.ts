// What an error of PostgreSQL means (https://www.postgresql.org/docs/current/errcodes-appendix.html).
import { DatabaseError } from 'pg'
import { StorageFault } from '../storage-fault.ts'

const serializationFailure = '40001'
const deadlockDetected = '40P01'

/** The transaction lost a race and has been rolled back: the same again is likely to succeed. */
export function lostRace(cause: unknown): boolean {
  return (
    cause instanceof DatabaseError && (cause.code === serializationFailure || cause.code === deadlockDetected)
  )
}

/** The server does not serve now, or the way to it is cut. */
export function isUnavailable(cause: unknown): boolean {
  return cause instanceof StorageFault && cause.code === 'STORAGE_UNAVAILABLE'
}

/** Classes and codes that say of the server that it does not serve now. */
const notServing: readonly string[] = ['08', '57P', '53', '25006', '40', '55P03', '57014', '58']

/** The StorageFault that an error means; any other error, a mistake in a statement for one, as it is. */
export function toPostgresFault(cause: unknown, server: string): unknown {
  if (!(cause instanceof DatabaseError)) return cause
  const { code = '', message } = cause
  if (code === '53100') {
    return new StorageFault(
      'STORAGE_DISK_FULL',
      `The disk of PostgreSQL at ${server} is full. Free some space there; nothing else is needed.`,
      { cause },
    )
  }
  if (code === '25006') {
    return unavailable(
      server,
      'it is a standby, which takes no writes. Name the primary in the setting storage, or wait until it has been promoted',
      cause,
    )
  }
  if (code === '53300')
    return unavailable(server, `it has no connection left (${message}). Raise its max_connections`, cause)
  if (code.startsWith('XX00'))
    return new StorageFault('STORAGE_DAMAGED', `PostgreSQL at ${server} reports damage: ${message}.`, {
      cause,
    })
  if (code.startsWith('28') || code === '3D000' || code === '42501') {
    return new StorageFault(
      'STORAGE_REFUSED',
      `PostgreSQL at ${server} does not let Postrider in: ${message}. Check user, password and database in the setting storage.`,
      { cause },
    )
  }
  if (notServing.some(prefix => code.startsWith(prefix))) return unavailable(server, message, cause)
  return cause
}

function unavailable(server: string, reason: string, cause: Error): StorageFault {
  return new StorageFault('STORAGE_UNAVAILABLE', `PostgreSQL at ${server} is not available: ${reason}.`, {
    cause,
  })
}
