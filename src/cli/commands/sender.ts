// postrider sender: whose mail is wanted, and whose is not, whatever its score: for one account, or for all.
import { Argument, type Command, InvalidArgumentError, Option } from 'commander'
import type { Address } from '../../address/address.ts'
import { formatDomainsForPeople, parseDomain } from '../../address/parse-domain.ts'
import { listAccounts } from '../../directory/accounts.ts'
import { displayAddress } from '../../directory/display.ts'
import { UsageFault } from '../../runtime/fault.ts'
import {
  listSenderEntries,
  putSenderEntry,
  removeSenderEntry,
  type SenderEntryPage,
} from '../../sender-list/operations.ts'
import { everybodys, type SenderEntry, type SenderVerdict } from '../../sender-list/sender-list.ts'
import { accountIdOf } from '../account-id.ts'
import { addressArgument } from '../arguments.ts'
import { addCommand, type CommandRun, perform, removeAliases } from '../command.ts'
import type { CommandStorage } from '../open-storage.ts'
import { formatTime } from '../quantities.ts'

const pageSize = 500

/** 'boris@example.org', or 'example.org' and '@example.org' for the domain with all below it. */
function senderArgument(text: string): Address | string {
  const domain = parseDomain(text.startsWith('@') ? text.slice(1) : text)
  if (domain !== undefined && (text.startsWith('@') || !text.includes('@'))) return domain
  if (!text.includes('@'))
    throw new InvalidArgumentError(
      'It has to be an address, boris@example.org, or a domain, example.org, which stands for all below it too.',
    )
  return addressArgument(text)
}

const senderOf = (): Argument =>
  new Argument('<sender>', 'an address, or a domain with all below it').argParser(senderArgument)
const accountOption = (): Option =>
  new Option('--account <address>', 'on the list of this account; default: for everybody').argParser(
    addressArgument,
  )

interface AccountOptions {
  readonly account?: Address
}

const verdicts: Readonly<
  Record<SenderVerdict, { readonly summary: string; readonly description: string; readonly done: string }>
> = {
  allow: {
    summary: 'Always take the mail of a sender',
    description:
      'Always take the mail of a sender into INBOX: neither points nor greylisting count. It has to be proved that ' +
      'the message is from there (SPF or DKIM), since a name alone anybody can write; and never passes what DMARC refuses, ' +
      'or what a scanner refuses or wants in quarantine.',
    done: 'is always taken',
  },
  block: {
    summary: 'Take no mail from a sender',
    description:
      'Take no mail from a sender: refused at RCPT by the sender address, or after the message by its From field, for this ' +
      'account only. Where others get the same message, it goes to Junk. postmaster and abuse take mail from everybody.',
    done: 'is refused',
  },
}

export function addSenderCommand(program: Command, run: CommandRun): void {
  const sender = addCommand(program, {
    usage: 'sender',
    summary: 'Senders whose mail is always taken, or never: allow, block, list, remove',
    description:
      'Senders whose mail is always taken, or never, whatever its score: for one account, or for everybody. What the ' +
      "administrator blocks for everybody is blocked; else an account's own list counts before the administrator's; and in " +
      'a list an address before its domain.',
    examples: [
      'sender block boris@example.org --account anna@example.test',
      'sender allow example.org',
      'sender list',
    ],
  })

  for (const verdict of ['allow', 'block'] as const) {
    const { summary, description, done } = verdicts[verdict]
    addCommand(sender, {
      usage: verdict,
      summary,
      description,
      examples: [
        `sender ${verdict} boris@example.org --account anna@example.test`,
        `sender ${verdict} example.org --note "asked for by sales"`,
      ],
    })
      .addArgument(senderOf())
      .addOption(accountOption())
      .option('--note <text>', 'for whoever looks at it later')
      .action(
        perform(
          run,
          async (invocation, options: AccountOptions & { note?: string }, named: Address | string) => {
            const before = await invocation.withStorage(async storage =>
              storage.run(putSenderEntry, {
                ownerId: await ownerOf(storage, options.account),
                verdict,
                sender: named,
                note: options.note ?? '',
                since: invocation.clock.now(),
              }),
            )
            const whom = whose(options.account)
            const changed =
              before !== undefined && before !== verdict ? ` Before, the list said ${before}.` : ''
            invocation.output.result(
              {
                [verdict]: displaySender(named),
                account: accountJson(options.account),
                before: before ?? null,
              },
              `Mail from ${displaySender(named)} ${done} ${whom}.${changed}`,
            )
          },
        ),
      )
  }

  addCommand(sender, {
    usage: 'list',
    summary: 'Show the lists: all, that of an account, or that for everybody',
    examples: ['sender list', 'sender list --account anna@example.test --json'],
  })
    .addOption(new Option('--account <address>', 'only the list of this account').argParser(addressArgument))
    .option('--everybody', 'only the list that is for everybody')
    .action(
      perform(run, async (invocation, { account, everybody }: AccountOptions & { everybody?: true }) => {
        const { entries, names } = await invocation.withStorage(async storage => {
          const ownerId = everybody ? everybodys : account && (await accountIdOf(storage, account))
          const accounts = await storage.run(listAccounts, { domain: undefined })
          return {
            entries: await collect(storage, ownerId),
            names: new Map(accounts.map(({ id, address }) => [id, displayAddress(address)])),
          }
        })
        const nameOf = ({ ownerId }: SenderEntry): string | null =>
          ownerId === everybodys ? null : (names.get(ownerId) ?? `account ${ownerId}`)
        invocation.output.rows(
          entries,
          [
            { title: 'SENDER', cell: row => formatDomainsForPeople(row.sender) },
            { title: 'VERDICT', cell: row => row.verdict },
            { title: 'FOR', cell: row => nameOf(row) ?? 'everybody' },
            { title: 'SINCE', cell: row => formatTime(row.since) },
            { title: 'NOTE', cell: row => row.note },
          ],
          row => ({
            sender: row.sender,
            verdict: row.verdict,
            account: nameOf(row),
            since: new Date(row.since).toISOString(),
            note: row.note,
          }),
          'Nobody is on a list.',
        )
      }),
    )

  addCommand(sender, {
    usage: 'remove',
    aliases: removeAliases,
    summary: 'Take a sender off a list',
    examples: ['sender remove boris@example.org --account anna@example.test'],
  })
    .addArgument(senderOf())
    .addOption(accountOption())
    .action(
      perform(run, async (invocation, { account }: AccountOptions, named: Address | string) => {
        const isRemoved = await invocation.withStorage(async storage =>
          storage.run(removeSenderEntry, { ownerId: await ownerOf(storage, account), sender: named }),
        )
        if (!isRemoved) {
          throw new UsageFault(
            'CLI_NOT_LISTED',
            `${displaySender(named)} is not on the list ${whose(account)}. "postrider sender list" shows who is.`,
          )
        }
        invocation.output.result(
          { removed: displaySender(named), account: accountJson(account) },
          `${displaySender(named)} is off the list ${whose(account)}.`,
        )
      }),
    )
}

async function ownerOf(storage: CommandStorage, account: Address | undefined): Promise<number> {
  return account ? await accountIdOf(storage, account) : everybodys
}

async function collect(
  storage: CommandStorage,
  ownerId: number | undefined,
): Promise<readonly SenderEntry[]> {
  const found: SenderEntry[] = []
  for (let after: SenderEntryPage['after']; ; ) {
    const { entries, end }: Awaited<ReturnType<typeof listSenderEntries.run>> = await storage.run(
      listSenderEntries,
      { ownerId, after, limit: pageSize },
    )
    found.push(...entries)
    if (!end) return found
    after = end
  }
}

function displaySender(sender: Address | string): string {
  return typeof sender === 'string' ? formatDomainsForPeople(sender) : displayAddress(sender)
}

function whose(account: Address | undefined): string {
  return account ? `for ${displayAddress(account)}` : 'for everybody'
}

function accountJson(account: Address | undefined): string | null {
  return account ? displayAddress(account) : null
}
