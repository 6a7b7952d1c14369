// An error of ours in an attempt: it costs that attempt, nothing else.
import { Fault } from '../runtime/fault.ts'
import type { Log } from '../runtime/log.ts'
import { isPassing } from '../storage/storage-fault.ts'
import type { DeliveryOutcome } from './outcome.ts'

/** Others may have its work: this server has been out of touch with the database for longer than leases wait. */
export function leaseLost(message: string): Fault {
  return new Fault('LEASE_LOST', message)
}

/** That the storage is away, or was, is no bug; whoever holds it says so, once for all attempts. */
export function logLocalError(log: Log, cause: unknown): void {
  if (isPassing(cause) || (cause instanceof Fault && cause.code === 'LEASE_LOST'))
    log.debug('a delivery attempt was cut short by the storage', { reason: String(cause) })
  else log.error('a delivery attempt failed on an unexpected error', {}, cause)
}

export function localError(cause: unknown): Extract<DeliveryOutcome, { kind: 'deferred' }> {
  return {
    kind: 'deferred',
    diagnosis: {
      stage: 'routing',
      cause: 'local-error',
      status: '4.3.0',
      detail: `an unexpected error here: ${cause instanceof Error ? cause.message : String(cause)}`,
    },
  }
}
