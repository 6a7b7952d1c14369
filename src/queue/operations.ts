// CONTRACT: signatures that the queue offers. Each becomes a file of its own, named after it.
import type { Reception, TrailEvent } from '../trail/events.ts'
import type { Address } from '../address/address.ts'
import type { NotifyCondition } from '../smtp/parameters.ts'
import type { StoredMailData } from '../storage/mail-data.ts'
import type { Operation } from '../storage/operation.ts'
import type { ClaimedWork, QueuedMessage } from './records.ts'
import type { QueueId } from './queue-id.ts'

export interface NewRecipient {
  readonly forwardPath: Address
  readonly notify?: readonly NotifyCondition[] | undefined
  readonly originalRecipient?: string | undefined
  readonly expansions: number
}

export interface NewMessage {
  readonly message: QueuedMessage
  readonly mailData: StoredMailData
  readonly recipients: readonly NewRecipient[]
  readonly reception?: Reception | undefined
  readonly held: boolean
}

/** 'duplicate' : the queue id is taken (another node); nothing was written, take another id. */
export declare const acceptMessage: Operation<NewMessage, 'accepted' | 'duplicate'>

/** Takes due recipients under a lease, oldest due first; all recipients of one message and domain come together. */
export declare const claimDueWork: Operation<
  { readonly now: number; readonly leaseUntil: number; readonly owner: string; readonly maxRecipients: number },
  ClaimedWork[]
>
export declare const extendLease: Operation<{ readonly owner: string; readonly recipientIds: readonly number[]; readonly leaseUntil: number }, void>
/** Gives back what `owner` (undefined: anybody) holds: at start, and after a delivery thread died. */
export declare const releaseLeases: Operation<{ readonly owner?: string | undefined; readonly now: number }, number>
/** When the next ready recipient is due; undefined when there is none. */
export declare const nextDueAt: Operation<undefined, number | undefined>

export interface Settlement {
  readonly messageId: QueueId
  readonly recipientId: number
  /** Trail events of this attempt, written with it. */
  readonly events: readonly TrailEvent[]
  readonly result:
    /** Relayed, failed, expired, cancelled: the recipient leaves the queue. */
    | { readonly kind: 'done' }
    /** Filed into a mailbox of ours in the same transaction; so a crash can neither lose nor double it. */
    | { readonly kind: 'file'; readonly accountId: number; readonly mailbox: string; readonly traceFields: string }
    | { readonly kind: 'retry'; readonly dueAt: number; readonly diagnosis: string; readonly delayReported: boolean }
    | { readonly kind: 'expand'; readonly into: readonly NewRecipient[] }
}

/**
 * Settles attempts and enqueues the reports (DSNs) about them in one transaction. A recipient whose lease is no
 * longer `owner`'s is left alone and counted in `lost`. `orphanedFiles` are mail data files to discard now.
 */
export declare const settle: Operation<
  { readonly owner: string; readonly at: number; readonly settlements: readonly Settlement[]; readonly reports: readonly NewMessage[] },
  { readonly lost: number; readonly orphanedFiles: readonly string[] }
>
