// What somebody who reads mail is told when the storage does not do its part: that it may pass, and who can help.
import { codes } from '../imap/responses/codes.ts'
import type { Refusal } from '../imap/server/mailbox-services.ts'
import { Fault } from '../runtime/fault.ts'
import { isPassing } from '../storage/storage-fault.ts'

/** undefined: it will not pass by itself. RFC 5530 §3: UNAVAILABLE. */
export function explainFault(cause: unknown): Refusal | undefined {
  if (!isPassing(cause)) return undefined
  const isFull = cause instanceof Fault && cause.code === 'STORAGE_DISK_FULL'
  return {
    refused: isFull
      ? 'The disk of this server is full; nothing can be kept until its administrator has made room'
      : 'The mailboxes are out of reach for the moment; try again later',
    code: codes.unavailable,
  }
}
