// The mailboxes of an account, as its sessions have them (RFC 9051 §6.3).
import type { ReplacedMessage } from '../imap/grammar/commands/append.ts'
import type { ListCommand } from '../imap/grammar/commands/list.ts'
import type { CreateCommand } from '../imap/grammar/commands/mailboxes.ts'
import type { StatusItem } from '../imap/grammar/commands/status.ts'
import { codes } from '../imap/responses/codes.ts'
import type { Namespaces, StatusValue } from '../imap/responses/mailbox-data.ts'
import type {
  AppendTarget,
  AccountMailboxes as ImapMailboxes,
  ListedWithStatus,
  QuotaRoot,
  Refusal,
  SelectedMailbox,
  SelectTerms,
} from '../imap/server/mailbox-services.ts'
import { delimiter } from '../mailbox/mailbox-names.ts'
import type { Mailbox, SpecialUse } from '../mailbox/mailbox-row.ts'
import {
  createMailbox,
  findMailbox,
  listMailboxes,
  listSubscriptions,
  removeMailbox,
  renameMailbox,
  subscribe,
  unsubscribe,
} from '../mailbox/name-operations.ts'
import { readMailboxState } from '../mailbox/read-mailbox.ts'
import { countRecent } from '../mailbox/recent.ts'
import { MailboxAppend } from './append-target.ts'
import { listNames } from './list-mailboxes.ts'
import { mailboxIdOf, OpenMailbox } from './open-mailbox.ts'
import type { AccessParts } from './parts.ts'
import { readQuotaRoots } from './quota.ts'

const missing = (name: string): Refusal => ({
  refused: `There is no mailbox ${name}`,
  code: codes.nonExistent,
})
const exists = (name: string): Refusal => ({
  refused: `There is a mailbox ${name} already`,
  code: codes.alreadyExists,
})
const tooMany: Refusal = { refused: 'This account has as many mailboxes as it can have', code: codes.limit }
const cannot = (refused: string): Refusal => ({ refused, code: codes.cannot })

const uses: readonly SpecialUse[] = ['Archive', 'Drafts', 'Junk', 'Sent', 'Trash']

/** Levels and characters of a name: what is longer makes no folder that anybody finds. */
const maxLevels = 20
const maxNameLength = 500

export class AccountMailboxes implements ImapMailboxes {
  readonly #parts: AccessParts
  readonly #accountId: number
  readonly namespaces: Namespaces = { personal: [''], otherUsers: [], shared: [] }
  #selected: OpenMailbox | undefined

  constructor(parts: AccessParts, accountId: number) {
    this.#parts = parts
    this.#accountId = accountId
  }

  close(): void {
    this.#selected?.release()
  }

  async *list(query: Omit<ListCommand, 'verb'>): AsyncGenerator<readonly ListedWithStatus[]> {
    const { storage } = this.#parts
    const account = { accountId: this.#accountId }
    const mailboxes = await storage.run(listMailboxes, account)
    const subscriptions = await storage.run(listSubscriptions, account)
    const byName = new Map(mailboxes.map(mailbox => [mailbox.name, mailbox]))
    const { returns } = query
    const listed: ListedWithStatus[] = []
    for (const mailbox of listNames(query, { mailboxes, subscriptions })) {
      const found = byName.get(mailbox.name)
      listed.push({
        mailbox,
        status: returns?.status && found ? await statusOf(this.#parts, found, returns.status) : undefined,
      })
    }
    yield listed
  }

  async status(
    name: string,
    items: readonly StatusItem[],
  ): Promise<ReadonlyMap<StatusItem, StatusValue> | Refusal> {
    const mailbox = await this.#find(name)
    return mailbox ? await statusOf(this.#parts, mailbox, items) : missing(name)
  }

  async create({
    mailbox: name,
    specialUse,
  }: Omit<CreateCommand, 'verb'>): Promise<{ mailboxId: string } | Refusal> {
    const use = uses.find(one => specialUse.includes(`\\${one}`))
    if (specialUse.length > (use ? 1 : 0))
      return {
        refused: `A mailbox can be one of ${uses.map(one => `\\${one}`).join(' ')}`,
        code: codes.useAttribute,
      }
    // RFC 9051 §6.3.4: a delimiter at the end says that there will be others below.
    const bare = name.endsWith(delimiter) ? name.slice(0, -1) : name
    const problem = problemOfName(bare)
    if (problem !== undefined) return cannot(problem)
    const outcome = await this.#parts.storage.run(createMailbox, {
      accountId: this.#accountId,
      name: bare,
      specialUse: use,
      now: this.#parts.clock.now(),
    })
    switch (outcome.kind) {
      case 'created':
        return { mailboxId: mailboxIdOf(outcome.mailbox) }
      case 'exists':
        return exists(bare)
      case 'special-use-taken':
        return { refused: `This account has a mailbox for \\${use ?? ''} already`, code: codes.useAttribute }
      case 'too-many':
        return tooMany
      default:
        return outcome satisfies never
    }
  }

  async delete(name: string): Promise<undefined | Refusal> {
    if (name === 'INBOX') return cannot('INBOX cannot be removed')
    const outcome = await this.#parts.storage.run(removeMailbox, {
      accountId: this.#accountId,
      name,
      now: this.#parts.clock.now(),
    })
    return outcome === 'missing' ? missing(name) : undefined
  }

  async rename(name: string, to: string): Promise<undefined | Refusal> {
    const problem = problemOfName(to)
    if (problem !== undefined) return cannot(problem)
    const outcome = await this.#parts.storage.run(renameMailbox, {
      accountId: this.#accountId,
      name,
      to,
      now: this.#parts.clock.now(),
    })
    switch (outcome) {
      case 'renamed':
        return undefined
      case 'missing':
        return missing(name)
      case 'exists':
        return exists(to)
      case 'below-itself':
        return cannot('A mailbox cannot be moved below itself')
      case 'too-many':
        return tooMany
      default:
        return outcome satisfies never
    }
  }

  async setSubscribed(
    name: string,
    subscription: 'subscribed' | 'unsubscribed',
  ): Promise<undefined | Refusal> {
    const input = { accountId: this.#accountId, name }
    if (subscription === 'unsubscribed') await this.#parts.storage.run(unsubscribe, input)
    else if ((await this.#parts.storage.run(subscribe, input)) === 'too-many') return tooMany
    return undefined
  }

  /** The same for all mailboxes of an account. */
  async quotaRoots(): Promise<readonly QuotaRoot[]> {
    return await readQuotaRoots(this.#parts, this.#accountId)
  }

  async quotaRoot(name: string): Promise<QuotaRoot | Refusal> {
    const roots = await this.quotaRoots()
    return (
      roots.find(root => root.name === name) ?? {
        refused: 'There is no such quota',
        code: codes.nonExistent,
      }
    )
  }

  async select(name: string, terms: SelectTerms): Promise<SelectedMailbox | Refusal> {
    const mailbox = await this.#find(name)
    const state = mailbox && (await this.#parts.storage.run(readMailboxState, openingOf(mailbox)))
    if (!state) return missing(name)
    this.#selected = await OpenMailbox.open(this.#parts, state, terms)
    return this.#selected
  }

  async append(name: string, replaces: ReplacedMessage | undefined): Promise<AppendTarget | Refusal> {
    const mailbox = await this.#find(name)
    if (!mailbox) return { refused: `There is no mailbox ${name}`, code: codes.tryCreate }
    if (!replaces) return new MailboxAppend(this.#parts, openingOf(mailbox))
    const replaced = this.#selected?.findReplaced(replaces)
    if (!replaced) return cannot('There is no such message to replace')
    return new MailboxAppend(this.#parts, openingOf(mailbox), replaced)
  }

  /** INBOX is there, also when no message has come yet (RFC 9051 §5.1). */
  async #find(name: string): Promise<Mailbox | undefined> {
    const { storage, clock } = this.#parts
    const input = { accountId: this.#accountId, name }
    const found = await storage.run(findMailbox, input)
    if (found || name !== 'INBOX') return found
    await storage.run(createMailbox, { ...input, now: clock.now() })
    return await storage.run(findMailbox, input)
  }
}

function openingOf({ accountId, id, uidValidity }: Mailbox) {
  return { accountId, mailboxId: id, uidValidity }
}

function problemOfName(name: string): string | undefined {
  const levels = name.split(delimiter)
  if (levels.includes('')) return 'A level of a mailbox name cannot be empty'
  if (levels.length > maxLevels) return `A mailbox name has ${maxLevels} levels at most`
  return name.length > maxNameLength ? `A mailbox name has ${maxNameLength} characters at most` : undefined
}

async function statusOf(
  { storage }: Pick<AccessParts, 'storage'>,
  mailbox: Mailbox,
  items: readonly StatusItem[],
): Promise<ReadonlyMap<StatusItem, StatusValue>> {
  const hasRecent = items.includes('RECENT') && mailbox.recentFrom < mailbox.uidNext
  const recent = hasRecent ? await storage.run(countRecent, { mailboxId: mailbox.id }) : 0
  return new Map(items.map(item => [item, statusValue({ ...mailbox, recent }, item)]))
}

function statusValue(mailbox: Mailbox & { readonly recent: number }, item: StatusItem): StatusValue {
  switch (item) {
    case 'MESSAGES':
      return mailbox.messages
    case 'UIDNEXT':
      return mailbox.uidNext
    case 'UIDVALIDITY':
      return mailbox.uidValidity
    case 'UNSEEN':
      return mailbox.unseen
    case 'DELETED':
      return mailbox.deleted
    case 'SIZE':
      return mailbox.bytes
    case 'RECENT':
      return mailbox.recent
    case 'HIGHESTMODSEQ':
      return mailbox.modSeq
    case 'MAILBOXID':
      return mailboxIdOf(mailbox)
    case 'DELETED-STORAGE':
      return mailbox.deletedBytes
    case 'APPENDLIMIT':
      return null
    default:
      return item satisfies never
  }
}
