// A message on its way into the queue.
import type { Address } from '../address/address.ts'
import type { MessageIdentity } from '../message/identify-message.ts'
import type { NotifyCondition } from '../smtp/parameters.ts'
import type { StoredMailData } from '../storage/mail-data.ts'
import type { Reception, TrailEvent, WrittenByScript } from '../trail/events.ts'
import type { QuarantinedMessage } from './insert-quarantined.ts'
import type { QueuedMessage } from './records.ts'

export interface NewRecipient {
  readonly forwardPath: Address
  readonly notify?: readonly NotifyCondition[] | undefined
  readonly originalRecipient?: string | undefined
  readonly expandedFrom?: readonly Address[] | undefined
  /** In INBOX, whatever `isQuarantined` says of the message. */
  readonly isWanted?: true | undefined
}

export interface NewMessage {
  readonly message: QueuedMessage
  readonly mailData: StoredMailData
  /** None: all for whom it came are in `aside`. */
  readonly recipients: readonly NewRecipient[]
  /** For whom it is kept aside, and does not go into the queue. */
  readonly aside?: Omit<QuarantinedMessage, 'message' | 'keptAt'> | undefined
  readonly reception?: Reception | undefined
  /** This server wrote it: what is known of it instead of a reception. */
  readonly written?: (MessageIdentity & { readonly script?: WrittenByScript }) | undefined
  /** What the checks have found, of a stranger's message. */
  readonly checks?:
    | readonly Extract<TrailEvent, { kind: 'authenticated' | 'screened' | 'hooked' }>[]
    | undefined
  readonly held: boolean
}
