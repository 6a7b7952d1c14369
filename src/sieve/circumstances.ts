// What a script is run for, and whom it may ask: all of it comes in as values.
import type { Address, ReversePath } from '../address/address.ts'
import type { IncludeLocation } from './language/definitions.ts'
import type { ParsedScript } from './script.ts'

export interface SieveMessage {
  /** Without the empty line behind it. */
  readonly headerSection: Uint8Array
  /** Of the whole message, in octets. */
  readonly size: number
  /**
   * What stands behind the empty line, up to so many bytes; undefined: there is no empty line. Asked only when a script looks
   * at it.
   */
  readBody(maxBytes: number): Promise<Uint8Array | undefined>
}

export interface SieveEnvelope {
  readonly reversePath: ReversePath
  /** To whom the message is delivered. */
  readonly recipient: Address
  /** As the client gave it, where an alias led here. */
  readonly originalRecipient?: Address | undefined
  /** RFC 5228 §5.4 leaves others to extensions: the account that sent it. */
  readonly authenticatedAs?: string | undefined
}

export interface SieveOwner {
  /** Those that mail for this account comes to; the first one is what its answers come from. */
  readonly addresses: readonly Address[]
}

/** What the owner of the script may see, and deliver to. */
export interface SieveMailboxes {
  exists(mailbox: string): Promise<boolean>
  /** RFC 9042: with this MAILBOXID. */
  hasId(mailboxId: string): Promise<boolean>
  /** RFC 8579: without a mailbox, whether any has the attribute ('\\Junk'). */
  hasSpecialUse(mailbox: string | undefined, attribute: string): Promise<boolean>
  /** RFC 5490: of a mailbox, or with undefined of the server. undefined: there is none. */
  readMetadata(mailbox: string | undefined, annotation: string): Promise<string | undefined>
}

/** What earlier runs have left: `Remembered` of theirs that has not run out. */
export interface SieveMemory {
  has(kind: 'duplicate' | 'vacation', key: string): Promise<boolean>
}

export interface Circumstances {
  readonly message: SieveMessage
  readonly envelope: SieveEnvelope
  readonly owner: SieveOwner
  /** Since 1970. */
  readonly nowMs: number
  /** 'Europe/Moscow': what `date` and `currentdate` tell times in, where a script names no zone. */
  readonly timeZone: string
  readonly mailboxes: SieveMailboxes
  readonly memory: SieveMemory
  /** RFC 6609. undefined: there is none of this name. */
  readScript(location: IncludeLocation, name: string): Promise<ParsedScript | undefined>
  /** RFC 5183 §4.1: 'domain', 'host', 'remote-ip' … by name. */
  readonly environment: Readonly<Record<string, string>>
  /** Others have their turn: asked again and again by a run that takes long. Default: it runs through. */
  yieldTurn?(): Promise<void>
  /** RFC 5233 §4: what parts the detail from the user: '+'. Each character of it does. */
  readonly recipientDelimiter: string
}
