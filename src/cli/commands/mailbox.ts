// postrider mailbox: who else may use a mailbox of an account.
import { Argument, type Command, InvalidArgumentError, Option } from 'commander'
import type { Address } from '../../address/address.ts'
import { formatDomainsForPeople } from '../../address/parse-domain.ts'
import { displayAddress } from '../../directory/display.ts'
import { openingOf } from '../../mailbox/mailbox-row.ts'
import { listMailboxes } from '../../mailbox/name-operations.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { changeRights, listAccess, type RightsChange } from '../../sharing/access-list.ts'
import { type HolderName, parseHolderName } from '../../sharing/holders.ts'
import { allRights, type Rights, toRights, unknownRights } from '../../sharing/rights.ts'
import { accountIdOf } from '../account-id.ts'
import { addressArgument, mailboxArgument } from '../arguments.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { isAtOrBelow, noSuchMailbox } from '../mailbox-scope.ts'
import type { CommandStorage } from '../open-storage.ts'

/** What people say, as letters of RFC 4314. */
const levels: Readonly<Record<string, Rights>> = {
  read: 'lrs',
  write: 'lrswikxte',
  all: allRights,
}

function rightsArgument(text: string): Rights {
  const level = levels[text]
  if (level !== undefined) return level
  const unknown = unknownRights(text)
  if (text === '' || unknown !== '')
    throw new InvalidArgumentError(
      `It has to be read, write or all, or letters of ${allRights} (RFC 4314): lrs is read.`,
    )
  return toRights(text)
}

/** 'read', where the letters are those. */
function nameRights(rights: Rights): string {
  return Object.entries(levels).find(([, letters]) => letters === rights)?.[0] ?? rights
}

/** 'rw' means something else to whoever has files in mind. */
function unlisted(holder: string, rights: Rights): string {
  return holder.startsWith('-') || rights.includes('l') ? '' : ' Without l no program lists it.'
}

const ownerOf = (): Argument => new Argument('<address>', 'whose mailbox').argParser(addressArgument)
const holder = (): Argument =>
  new Argument('<holder>', 'an account, a group, or anyone: everybody in the domain of the owner')
const mailboxOption = (): Option =>
  new Option('--mailbox <name>', 'which mailbox of the account').argParser(mailboxArgument).default('INBOX')

interface MailboxOptions {
  readonly mailbox: string
}

export function addMailboxCommand(program: Command, run: CommandRun): void {
  const mailbox = addCommand(program, {
    usage: 'mailbox',
    summary: 'Mailboxes that several people use: share, unshare, shares',
    description:
      'Mailboxes that several people use. In a mail program they stand below "Other Users". Whatever one of them reads, answers or ' +
      'removes is so for all.',
    examples: [
      'mailbox share sales@example.test boris@example.test write',
      'mailbox shares sales@example.test',
    ],
  })

  addCommand(mailbox, {
    usage: 'share',
    summary: 'Let somebody else use a mailbox of an account',
    description:
      'Let somebody else use a mailbox of an account. "read": see it, and mark as read; "write": also put in, flag, remove, and make ' +
      'mailboxes below it; "all": also say who else may use it; or letters of RFC 4314, as lr: see it and leave no trace. What was said ' +
      'of this holder before does not count any more. Mailboxes that are made below it later are shared as it is.',
    examples: [
      'mailbox share sales@example.test boris@example.test write',
      'mailbox share anna@example.test anyone lr --mailbox Work/Plans',
    ],
  })
    .addArgument(ownerOf())
    .addArgument(holder())
    .addArgument(
      new Argument('[rights]', 'read, write, all, or letters')
        .argParser(rightsArgument)
        .default(toRights('lrs'), 'read'),
    )
    .addOption(mailboxOption())
    .option('--below', 'also the mailboxes below it that are there already')
    .action(
      perform(
        run,
        async (
          invocation,
          { mailbox: name, below }: MailboxOptions & { readonly below?: true },
          owner: Address,
          whom: string,
          rights: Rights,
        ) => {
          const named = holderOf(whom, owner)
          const shared = await invocation.withStorage(storage =>
            change(
              storage,
              { owner, name, below: below === true },
              { holder: named, action: 'replace', rights },
            ),
          )
          invocation.output.result(
            { account: displayAddress(owner), mailboxes: shared, holder: whom, rights },
            `${displayHolder(named)} may use ${shared.join(', ')} of ${displayAddress(owner)}: ${nameRights(rights)}.${unlisted(whom, rights)}`,
          )
        },
      ),
    )

  addCommand(mailbox, {
    usage: 'unshare',
    summary: 'Share a mailbox with somebody no more',
    examples: ['mailbox unshare sales@example.test boris@example.test'],
  })
    .addArgument(ownerOf())
    .addArgument(holder())
    .addOption(mailboxOption())
    .option('--below', 'also the mailboxes below it')
    .action(
      perform(
        run,
        async (
          invocation,
          { mailbox: name, below }: MailboxOptions & { readonly below?: true },
          owner: Address,
          whom: string,
        ) => {
          const named = holderOf(whom, owner)
          const shared = await invocation.withStorage(storage =>
            change(
              storage,
              { owner, name, below: below === true },
              { holder: named, action: 'replace', rights: '' },
            ),
          )
          invocation.output.result(
            { account: displayAddress(owner), mailboxes: shared, holder: whom },
            `${displayHolder(named)} is on the list of ${shared.join(', ')} of ${displayAddress(owner)} no more.`,
          )
        },
      ),
    )

  addCommand(mailbox, {
    usage: 'shares',
    summary: 'Show with whom the mailboxes of an account are shared',
    examples: ['mailbox shares sales@example.test', 'mailbox shares sales@example.test --json'],
  })
    .addArgument(ownerOf())
    .action(
      perform(run, async (invocation, _options, owner: Address) => {
        const shares = await invocation.withStorage(async storage => {
          const accountId = await accountIdOf(storage, owner)
          const found: { mailbox: string; holder: string; rights: Rights }[] = []
          for (const one of await storage.run(listMailboxes, { accountId }))
            for (const { identifier, rights } of await storage.run(listAccess, openingOf(one)))
              found.push({ mailbox: one.name, holder: identifier, rights })
          return found
        })
        invocation.output.rows(
          shares,
          [
            { title: 'MAILBOX', cell: row => row.mailbox },
            { title: 'HOLDER', cell: row => formatDomainsForPeople(row.holder) },
            { title: 'RIGHTS', cell: row => nameRights(row.rights) },
          ],
          row => row,
          `${displayAddress(owner)} shares no mailbox.`,
        )
      }),
    )
}

function holderOf(text: string, owner: Address): HolderName {
  const named = parseHolderName(text, owner.domain)
  if (named) return named
  throw new UsageFault(
    'CLI_NO_SUCH_HOLDER',
    `"${text}" is nobody's name. Write the address of an account or a group, or anyone.`,
  )
}

function displayHolder({ isNegative, name }: HolderName): string {
  return `${isNegative ? '-' : ''}${name === 'anyone' ? name : displayAddress(name)}`
}

interface Shared {
  readonly owner: Address
  readonly name: string
  readonly below: boolean
}

/** The names of those that were changed. */
async function change(
  storage: CommandStorage,
  { owner, name, below }: Shared,
  asked: Omit<RightsChange, 'mailbox'>,
): Promise<readonly string[]> {
  const accountId = await accountIdOf(storage, owner)
  const all = await storage.run(listMailboxes, { accountId })
  const mailbox = all.find(one => one.name === name)
  if (!mailbox) throw noSuchMailbox(name, all)
  const chosen = below ? all.filter(one => isAtOrBelow(one.name, name)) : [mailbox]
  for (const one of chosen) {
    const outcome = await storage.run(changeRights, { ...asked, mailbox: openingOf(one) })
    if (outcome !== 'changed') throw problemOf(outcome, displayHolder(asked.holder))
  }
  return chosen.map(one => one.name)
}

function problemOf(
  outcome: Exclude<Awaited<ReturnType<typeof changeRights.run>>, 'changed'>,
  whom: string,
): UsageFault {
  switch (outcome) {
    case 'unknown-holder':
      return new UsageFault(
        'CLI_NO_SUCH_HOLDER',
        `There is no account and no group ${whom}. "postrider account list" and "postrider group list" show them; anyone is everybody in the domain of the owner.`,
      )
    case 'owner':
      return new UsageFault('CLI_OWN_MAILBOX', `It is the mailbox of ${whom}, who may do everything with it.`)
    case 'too-many':
      return new UsageFault(
        'CLI_TOO_MANY_HOLDERS',
        'This mailbox is shared with as many as it can be. Make a group of them: "postrider group create".',
      )
    case 'gone':
      return new UsageFault('CLI_NO_SUCH_MAILBOX', 'The mailbox was removed meanwhile.')
    default:
      return outcome satisfies never
  }
}
