// What the mailboxes of a session are made of.

import type { Extent } from '../mailbox/quota.ts'
import type { Clock } from '../runtime/clock.ts'
import type { OneByOne } from '../runtime/one-by-one.ts'
import type { Random } from '../runtime/random.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import type { MailboxChanges } from './mailbox-changes.ts'

export interface AccessParts {
  /** The server's own name. */
  readonly hostname: string
  readonly storage: Pick<Storage, 'run'>
  readonly mailData: MailDataStore
  readonly clock: Clock
  readonly random: Random
  readonly changes: MailboxChanges
  readonly nextQueueId: () => number
  /** What an account may have, as the settings say, where nothing else is said of it. */
  readonly usualQuota: Extent
  /** By the account whose session it is: a large mailbox that is sorted, or put into threads, takes memory for all of its messages. */
  readonly sorting: OneByOne<number>
}
