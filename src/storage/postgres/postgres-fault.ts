// What an error of PostgreSQL means (https://www.postgresql.org/docs/current/errcodes-appendix.html).
import { DatabaseError } from 'pg'
import { describeNetworkError } from '../../runtime/network-error.ts'
import { StorageFault } from '../storage-fault.ts'
import type { PostgresLimits } from './limits.ts'

const serializationFailure = '40001'
const deadlockDetected = '40P01'

/** The transaction lost a race and has been rolled back: the same again is likely to succeed. */
export function lostRace(cause: unknown): boolean {
  const code = codeOf(cause)
  return code === serializationFailure || code === deadlockDetected
}

/** The server does not serve now, or the way to it is cut. */
export function isUnavailable(cause: unknown): boolean {
  return cause instanceof StorageFault && cause.code === 'STORAGE_UNAVAILABLE' && !lostRace(cause)
}

/** Of a failed COMMIT: the server did not say that it rolled back, and may have committed. */
export function isUnanswered(cause: unknown): boolean {
  const code = codeOf(cause)
  // What ends the server, a full disk for one, may come between the commit and its answer.
  if (code !== undefined) return endsServer.some(prefix => code.startsWith(prefix))
  return isUnavailable(cause)
}

const endsServer: readonly string[] = ['08', '53', '57P', '58', 'XX']

function codeOf(cause: unknown): string | undefined {
  const error = cause instanceof StorageFault ? cause.cause : cause
  return error instanceof DatabaseError ? error.code : undefined
}

/** Classes and codes that say of the server that it does not serve now. */
const notServing: readonly string[] = ['08', '57P', '25P03', '53', '55P03', '57014', '58', 'XX000']

/** The address may stand in the settings or on the command line. */
const inAddress = 'in the address of the database (postgres://…)'

/** The StorageFault that an error means; any other error, a mistake in a statement for one, as it is. */
export function toPostgresFault(cause: unknown, server: string): unknown {
  if (!(cause instanceof DatabaseError)) return cause
  const { code = '', message } = cause
  if (code === '53100') {
    return new StorageFault('STORAGE_DISK_FULL', `The disk of PostgreSQL at ${server} is full.`, {
      cause,
      remedy: 'Free some space there; nothing else is needed.',
    })
  }
  if (code === '25006') return takesNoWrites(server, { cause })
  if (code === '53300')
    return unavailable(server, `it has no connection left (${message})`, 'Raise its max_connections.', cause)
  if (code === serializationFailure || code === deadlockDetected)
    return unavailable(server, `too many change the same at once (${message})`, 'Try it again.', cause)
  if (code === 'XX001' || code === 'XX002')
    return new StorageFault('STORAGE_DAMAGED', `PostgreSQL at ${server} reports damage: ${message}.`, {
      cause,
      remedy: 'Its own log says more; restore it from a backup.',
    })
  if (code.startsWith('28') || code === '3D000' || code === '42501')
    return refused(server, message, `Check user, password and database ${inAddress}.`, cause)
  if (notServing.some(prefix => code.startsWith(prefix)))
    return unavailable(server, message, 'Its own log says why; wait until it serves again.', cause)
  return cause
}

/** Of a connection that could not be made. */
export function cannotConnect(cause: unknown, server: string, { connectMs }: PostgresLimits): unknown {
  if (cause instanceof StorageFault) return cause
  if (cause instanceof DatabaseError) return toPostgresFault(cause, server)
  const { code, message } = cause as NodeJS.ErrnoException
  if (message.includes('password must be a string'))
    return refused(server, 'it wants a password', `Put one ${inAddress}.`, cause)
  // The library's word for a server that says no more than "error" at this point: it cannot serve anybody now.
  const isOverloaded = message === 'There was an error establishing an SSL connection'
  if (!isOverloaded && /SASL|SSL|TLS|CERT|SELF_SIGNED|VERIFY/.test(`${code} ${message}`))
    return refused(server, message, 'Check sslmode and the certificates, or the password.', cause)
  return connectionLost(cause, server, connectMs)
}

/** Of one that was there. */
export function connectionLost(cause: unknown, server: string, waitedMs: number): StorageFault {
  return new StorageFault(
    'STORAGE_UNAVAILABLE',
    `PostgreSQL at ${server} does not answer: ${describeLoss(cause, waitedMs)}.`,
    { cause, remedy: remedyOfLoss(cause) },
  )
}

export function takesNoWrites(server: string, options?: ErrorOptions): StorageFault {
  return new StorageFault(
    'STORAGE_UNAVAILABLE',
    `PostgreSQL at ${server} takes no writes: it is a standby, or set to read only.`,
    {
      ...options,
      remedy: `Name its primary as well ${inAddress}, or wait until it has been promoted.`,
    },
  )
}

export function waitsForStandby(server: string): StorageFault {
  return new StorageFault(
    'STORAGE_UNAVAILABLE',
    `PostgreSQL at ${server} answers no commit, because too few of the synchronous standbys that it waits for are connected.`,
    { remedy: 'Start them, or name fewer in synchronous_standby_names.' },
  )
}

/** The library's words, in ours. */
function describeLoss(cause: unknown, waitedMs: number): string {
  if (!(cause instanceof Error)) return String(cause)
  const text = describeNetworkError(cause)
  if (/timeout/i.test(text)) return `no answer within ${waitedMs / 1000} s`
  if (/^(Connection terminated|Client )/.test(text)) return 'the connection was cut'
  return text
}

function remedyOfLoss(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'ECONNREFUSED') return `Start it there, or correct host and port ${inAddress}.`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `Correct the host ${inAddress}, or see why the DNS does not know it.`
  return 'See whether it runs, and whether a firewall stands between.'
}

function unavailable(server: string, reason: string, remedy: string, cause: Error): StorageFault {
  return new StorageFault('STORAGE_UNAVAILABLE', `PostgreSQL at ${server} is not available: ${reason}.`, {
    cause,
    remedy,
  })
}

function refused(server: string, reason: string, remedy: string, cause: unknown): StorageFault {
  return new StorageFault(
    'STORAGE_REFUSED',
    `PostgreSQL at ${server} does not let Postrider in: ${reason}.`,
    {
      cause,
      remedy,
    },
  )
}
