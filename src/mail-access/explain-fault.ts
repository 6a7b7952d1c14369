// What somebody who reads mail is told when the storage does not do its part: whether it may pass, and who can help.
import { codes } from '../imap/responses/codes.ts'
import type { Refusal } from '../imap/server/mailbox-services.ts'
import { Fault } from '../runtime/fault.ts'
import { isDamage, isPassing } from '../storage/storage-fault.ts'

/** undefined: nobody but the log can tell. RFC 5530 §3: UNAVAILABLE, CORRUPTION. */
export function explainFault(cause: unknown): Refusal | undefined {
  if (isDamage(cause))
    return {
      refused:
        'Some of this is damaged on the server and cannot be read; its administrator can see what, and bring it back from a backup',
      code: codes.corruption,
    }
  if (!isPassing(cause)) return undefined
  const isFull = cause instanceof Fault && cause.code === 'STORAGE_DISK_FULL'
  return {
    refused: isFull
      ? 'The disk of this server is full; nothing can be kept until its administrator has made room'
      : 'The mailboxes are out of reach for the moment; try again later',
    code: codes.unavailable,
  }
}
