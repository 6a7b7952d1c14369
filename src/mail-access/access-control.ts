// SETACL and its kin (RFC 4314 §3), for the sessions of one account.
import { addressOfAccount } from '../directory/accounts.ts'
import type { SetAclCommand } from '../imap/grammar/commands/setacl.ts'
import { codes } from '../imap/responses/codes.ts'
import { type AccessLists, isRefusal, type Refusal } from '../imap/server/mailbox-services.ts'
import { openingOf } from '../mailbox/mailbox-row.ts'
import { changeRights, knowsHolder, listAccess, type RightsChange } from '../sharing/access-list.ts'
import { type HolderName, parseHolderName } from '../sharing/holders.ts'
import { allRights, formatRights, toRights } from '../sharing/rights.ts'
import { type MailboxPlaces, missing, type Place } from './mailbox-places.ts'
import { mailboxGone } from './mailbox-view.ts'
import type { AccessParts } from './parts.ts'

const unknownHolder = (identifier: string): Refusal => ({
  refused: `There is no account and no group ${identifier}; everybody in your domain is anyone`,
  code: codes.cannot,
})

export class AccessControl implements AccessLists {
  readonly #storage: AccessParts['storage']
  readonly #places: MailboxPlaces

  constructor({ storage }: Pick<AccessParts, 'storage'>, places: MailboxPlaces) {
    this.#storage = storage
    this.#places = places
  }

  async list(name: string): Promise<ReadonlyMap<string, string> | Refusal> {
    const place = await this.#places.findFor('a', name)
    if (isRefusal(place)) return place
    const entries = await this.#storage.run(listAccess, openingOf(place.mailbox))
    return new Map([
      [await this.#ownerOf(place), formatRights(allRights)],
      ...entries.map(({ identifier, rights }) => [identifier, formatRights(rights)] as const),
    ])
  }

  async change({
    mailbox,
    identifier,
    action,
    rights,
  }: Omit<SetAclCommand, 'verb'>): Promise<Refusal | undefined> {
    return await this.#change(mailbox, identifier, { action, rights: toRights(rights) })
  }

  async remove(mailbox: string, identifier: string): Promise<Refusal | undefined> {
    return await this.#change(mailbox, identifier, { action: 'replace', rights: '' })
  }

  async #change(
    name: string,
    identifier: string,
    change: Pick<RightsChange, 'action' | 'rights'>,
  ): Promise<Refusal | undefined> {
    const found = await this.#findHolder(name, identifier)
    if (isRefusal(found)) return found
    const { place, holder } = found
    const mailbox = openingOf(place.mailbox)
    const outcome = await this.#storage.run(changeRights, { mailbox, holder, ...change })
    switch (outcome) {
      case 'changed':
        return undefined
      case 'unknown-holder':
        return unknownHolder(identifier)
      case 'owner':
        return { refused: 'The owner of a mailbox has all rights', code: codes.cannot }
      case 'too-many':
        return { refused: 'This mailbox has rights for as many as it can have', code: codes.limit }
      case 'gone':
        return mailboxGone
      default:
        return outcome satisfies never
    }
  }

  async grantable(
    name: string,
    identifier: string,
  ): Promise<{ readonly required: string; readonly optional: readonly string[] } | Refusal> {
    const found = await this.#findHolder(name, identifier)
    if (isRefusal(found)) return found
    const { place, holder } = found
    const known = await this.#storage.run(knowsHolder, { name: holder.name })
    if (!known) return unknownHolder(identifier)
    const isOwner = known.kind === 'account' && known.id === place.mailbox.accountId
    const all = formatRights(allRights)
    return isOwner && !holder.isNegative
      ? { required: all, optional: [] }
      : { required: '', optional: Array.from(all) }
  }

  async mine(name: string): Promise<string | Refusal> {
    const place = await this.#places.find(name)
    // §4
    if (!place || !Array.from('lrikxa').some(right => place.rights.includes(right))) return missing(name)
    return formatRights(place.rights)
  }

  async #findHolder(
    name: string,
    identifier: string,
  ): Promise<{ readonly place: Place; readonly holder: HolderName } | Refusal> {
    const place = await this.#places.findFor('a', name)
    if (isRefusal(place)) return place
    const owner = await this.#ownerOf(place)
    const holder = parseHolderName(identifier, owner.slice(owner.lastIndexOf('@') + 1))
    return holder ? { place, holder } : unknownHolder(identifier)
  }

  async #ownerOf({ mailbox }: Place): Promise<string> {
    return (await this.#storage.run(addressOfAccount, { id: mailbox.accountId })) ?? ''
  }
}
