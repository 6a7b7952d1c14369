// Where a name leads: to a mailbox of the account's own, or to one that somebody else shares with it (RFC 4314).
import { codes } from '../imap/responses/codes.ts'
import type { Refusal } from '../imap/server/mailbox-services.ts'
import type { Mailbox, OpenMailbox } from '../mailbox/mailbox-row.ts'
import { createMailbox, findMailbox } from '../mailbox/name-operations.ts'
import { isOtherUsers } from '../mailbox/name-rules.ts'
import type { MaybePromise } from '../runtime/maybe-promise.ts'
import { readRights } from '../sharing/access-list.ts'
import { allRights, type Right, type Rights } from '../sharing/rights.ts'
import { findSharedMailbox, findSharedSuperior } from '../sharing/shared-mailboxes.ts'
import { formatOtherUsersName, parseOtherUsersName } from './other-users.ts'
import type { AccessParts } from './parts.ts'

export interface Place {
  readonly mailbox: Mailbox
  /** Of the account. */
  readonly rights: Rights
}

/** Where a mailbox would be made. */
export interface NewPlace {
  /** The owner. */
  readonly accountId: number
  readonly name: string
}

export const missing = (name: string): Refusal => ({
  refused: `There is no mailbox ${name}`,
  code: codes.nonExistent,
})

const whatFor: Readonly<Record<Right, string>> = {
  l: 'see',
  r: 'read',
  s: 'mark as read',
  w: 'flag',
  i: 'put messages into',
  p: 'post to',
  k: 'make mailboxes below',
  x: 'remove or rename',
  t: 'mark messages as deleted in',
  e: 'expunge',
  a: 'administer',
}

/** It is there, and the account may not do this. */
export function forbidden(name: string, right: Right): Refusal {
  return { refused: `You may not ${whatFor[right]} ${name}`, code: codes.noPermission }
}

export class MailboxPlaces {
  readonly #parts: Pick<AccessParts, 'storage' | 'clock'>
  readonly accountId: number

  constructor(parts: Pick<AccessParts, 'storage' | 'clock'>, accountId: number) {
    this.#parts = parts
    this.accountId = accountId
  }

  /** undefined: there is none, or the account is not to know of it. INBOX is there, also when no message has come yet (RFC 9051 §5.1). */
  async find(name: string): Promise<Place | undefined> {
    const { storage, clock } = this.#parts
    const { accountId } = this
    if (isOtherUsers(name)) {
      const other = parseOtherUsersName(name)
      return other && (await storage.run(findSharedMailbox, { accountId, ...other }))
    }
    const input = { accountId, name }
    let mailbox = await storage.run(findMailbox, input)
    if (!mailbox && name === 'INBOX') {
      await storage.run(createMailbox, { ...input, now: clock.now() })
      mailbox = await storage.run(findMailbox, input)
    }
    return mailbox && { mailbox, rights: allRights }
  }

  /** As LIST spells it: the owner of somebody else's may be spelled in other ways, too. */
  async listedName(name: string): Promise<string> {
    const { accountId } = this
    const other = parseOtherUsersName(name)
    const found = other && (await this.#parts.storage.run(findSharedMailbox, { accountId, ...other }))
    return found ? formatOtherUsersName(found.owner, found.mailbox.name) : name
  }

  /** RFC 4314 §6: who may not see a mailbox is not told that it is there. */
  async findFor(right: Right, name: string): Promise<Place | Refusal> {
    const place = await this.find(name)
    if (!place) return missing(name)
    if (place.rights.includes(right)) return place
    return place.rights.includes('l') ? forbidden(name, right) : missing(name)
  }

  /** For CREATE and RENAME: k in the nearest mailbox above (RFC 4314 §4). */
  async findNew(name: string): Promise<NewPlace | Refusal> {
    const { accountId } = this
    if (!isOtherUsers(name)) return { accountId, name }
    const other = parseOtherUsersName(name)
    const superior = other && (await this.#parts.storage.run(findSharedSuperior, { accountId, ...other }))
    if (!superior?.rights.includes('k'))
      return { refused: 'You may not make mailboxes there', code: codes.noPermission }
    return { accountId: superior.mailbox.accountId, name: other?.name ?? name }
  }

  /** As they are now; of the account's own without a question. */
  rightsIn(mailbox: OpenMailbox): MaybePromise<Rights> {
    const { accountId } = this
    if (mailbox.accountId === accountId) return allRights
    return this.#parts.storage.run(readRights, { accountId, mailbox })
  }
}
