// What a script wants done with a message, in its order; what is to be remembered; and what decided it.
import type { Address } from '../address/address.ts'
import type { IncludeLocation } from './language/definitions.ts'
import type { Position, SieveProblem } from './problem.ts'

/** Of an action: where in which script it stands. The implicit keep stands nowhere. */
export interface Origin extends Position {
  readonly script: ScriptName
}

/** undefined: the active script of the account itself. */
export type ScriptName = { readonly location: IncludeLocation; readonly name: string } | undefined

interface Stored {
  /** As IMAP has them: '\\Seen', '$Important'. Flags that a client cannot set are not among them. */
  readonly flags: readonly string[]
  /**
   * In the place of the message's header section, with the empty line not in it; undefined: as it came. What has the same one
   * is the same object.
   */
  readonly headerSection: Uint8Array | undefined
}

export interface Keep extends Stored {
  readonly kind: 'keep'
  /** RFC 5228 §2.10.2; undefined: nothing else was said of the message. */
  readonly origin: Origin | undefined
}

export interface FileInto extends Stored {
  readonly kind: 'fileinto'
  readonly mailbox: string
  /** RFC 5490 §3.2: a mailbox that is not there is made; without, the message goes into INBOX. */
  readonly create: boolean
  /** RFC 8579 §4: a mailbox with this attribute, wherever it is, comes before `mailbox`. */
  readonly specialUse: string | undefined
  /** RFC 9042 §4: the same with this MAILBOXID (RFC 8474), whatever its name by now. */
  readonly mailboxId: string | undefined
  readonly origin: Origin
}

export interface Discard {
  readonly kind: 'discard'
  readonly origin: Origin
}

/** Loops are the deliverer's to see, in Delivered-To and Received (RFC 5228 §10). */
export interface Redirect {
  readonly kind: 'redirect'
  readonly forwardPath: Address
  readonly headerSection: Uint8Array | undefined
  readonly origin: Origin
}

/** RFC 5429. `ereject`: with a reply where that is still possible, else with a DSN; `reject`: with a message. */
export interface Reject {
  readonly kind: 'reject'
  readonly by: 'reject' | 'ereject'
  readonly text: string
  readonly origin: Origin
}

/** RFC 5230 §5, RFC 3834: from the null reverse-path, and never answered. */
export interface VacationReply {
  readonly kind: 'vacation'
  readonly to: Address
  /** What From shall say: a mailbox list as the script has it, whosesoever it is, or the address that was written to. */
  readonly from: string
  readonly subject: string
  /** Plain text, or with `isMime` a whole entity with its own header section. Lines end with CRLF. */
  readonly text: string
  readonly isMime: boolean
  /** Message-IDs with their brackets, the one that is answered last; of it, In-Reply-To. */
  readonly inReplyTo: string | undefined
  readonly references: readonly string[]
  readonly origin: Origin
}

/** RFC 5435, RFC 5436: a message about a message, with Auto-Submitted: auto-notified. */
export interface Notification {
  readonly kind: 'notify'
  readonly to: readonly Address[]
  readonly cc: readonly Address[]
  readonly bcc: readonly Address[]
  /** RFC 5436 §2.7: null where the message that it is about has a null one. */
  readonly reversePath: Address | null
  /** What From shall say. */
  readonly from: string
  readonly subject: string
  readonly text: string
  /** 1: high, 3: low. */
  readonly importance: 1 | 2 | 3
  /** More fields that the mailto URI asks for, none of those that the server writes. */
  readonly fields: readonly { readonly name: string; readonly value: string }[]
  readonly references: readonly string[]
  readonly origin: Origin
}

export type SieveAction = Keep | FileInto | Discard | Redirect | Reject | VacationReply | Notification

/** Kept for `seconds` from now on; only once the actions are done (RFC 7352 §3). */
export interface Remembered {
  readonly kind: 'duplicate' | 'vacation'
  /** Of any length and any characters: hash it. */
  readonly key: string
  readonly seconds: number
}

export interface TraceLine extends Origin {
  readonly kind: 'action' | 'test' | 'note'
  /** 'fileinto "Lists"', 'if header :contains is true' */
  readonly text: string
}

export interface SieveOutcome {
  readonly actions: readonly SieveAction[]
  readonly remember: readonly Remembered[]
  readonly trace: readonly TraceLine[]
  /** The script ended here: the message is kept, nothing else is done, and the owner has to be told. */
  readonly error: (SieveProblem & { readonly script: ScriptName }) | undefined
}
