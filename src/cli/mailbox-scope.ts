// What of the mail of this server a command is about: all of it, that of an account, or some mailboxes of one.
import { Argument, type Command, Option } from 'commander'
import type { Address } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'
import { displayAddress } from '../directory/display.ts'
import type { Mailbox } from '../mailbox/mailbox-row.ts'
import { listMailboxes } from '../mailbox/name-operations.ts'
import type { MailboxScope } from '../mailbox/named-mailboxes.ts'
import { UsageFault, WrongUsage } from '../runtime/fault.ts'
import { accountOf } from './account-id.ts'
import { addressArgument, mailboxesArgument } from './arguments.ts'
import type { CommandStorage } from './open-storage.ts'
import { quoteForShell } from './program-name.ts'

export interface MailboxesOptions {
  readonly mailbox?: readonly string[]
}

export function mailboxesOption(): Option {
  return new Option('--mailbox <name>', 'only this mailbox, and those below it; may be repeated').argParser(
    mailboxesArgument,
  )
}

export function addScope(command: Command): Command {
  return command
    .addArgument(
      new Argument('[address]', 'an account; default: everything that is stored').argParser(addressArgument),
    )
    .addOption(mailboxesOption())
}

/** As it is typed. */
export interface TypedScope {
  readonly address: Address
  readonly names: readonly string[] | undefined
}

/** undefined: everything. */
export function readScope(
  { mailbox: names }: MailboxesOptions,
  address: Address | undefined,
): TypedScope | undefined {
  if (address) return { address, names }
  if (names)
    throw new WrongUsage('Say whose mailbox it is: the address of the account stands before --mailbox.')
  return undefined
}

/** 'of anna@example.test', 'in INBOX, Work of anna@example.test' */
export function describeScope({ address, names }: TypedScope): string {
  return `${names ? `in ${names.join(', ')} ` : ''}of ${displayAddress(address)}`
}

/** The words that say it to a command. */
export function spellScope({ address, names = [] }: TypedScope): string {
  const mailboxes = names.map(name => `--mailbox ${quoteForShell(name)}`)
  return [quoteForShell(displayAddress(address)), ...mailboxes].join(' ')
}

export interface FoundScope extends MailboxScope {
  /** As they are counted. */
  readonly messages: number
}

/** Rejects where there is no such account, or no such mailbox of it. */
export async function findScope(
  storage: Pick<CommandStorage, 'run'>,
  typed: TypedScope,
): Promise<FoundScope> {
  const account = await accountOf(storage, typed.address)
  const { id: accountId } = account
  const address = formatAddress(account.address)
  const chosen = chooseMailboxes(await storage.run(listMailboxes, { accountId }), typed.names)
  return {
    accountId,
    mailboxes: chosen.map(({ id: mailboxId, name }) => ({ mailboxId, accountId, address, name })),
    messages: chosen.reduce((sum, { messages }) => sum + messages, 0),
  }
}

export function isChosen(name: string, names: readonly string[] | undefined): boolean {
  return names === undefined || names.some(chosen => isAtOrBelow(name, chosen))
}

export function isAtOrBelow(name: string, superior: string): boolean {
  return name === superior || name.startsWith(`${superior}/`)
}

/** Those that are meant by these names; throws where one of them means none. */
export function chooseMailboxes(
  mailboxes: readonly Mailbox[],
  names: readonly string[] | undefined,
): readonly Mailbox[] {
  // INBOX is there even before the first message (RFC 9051 §5.1).
  const missing = names?.find(
    superior => superior !== 'INBOX' && !mailboxes.some(({ name }) => isAtOrBelow(name, superior)),
  )
  if (missing !== undefined) throw noSuchMailbox(missing, mailboxes)
  return mailboxes.filter(({ name }) => isChosen(name, names))
}

export function noSuchMailbox(name: string, mailboxes: readonly Pick<Mailbox, 'name'>[]): UsageFault {
  const names = new Set(['INBOX', ...mailboxes.map(mailbox => mailbox.name)])
  return new UsageFault(
    'CLI_NO_SUCH_MAILBOX',
    `There is no mailbox ${name}. There are: ${[...names].join(', ')}.`,
  )
}
