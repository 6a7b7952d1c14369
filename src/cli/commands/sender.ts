// postrider sender: whose mail is wanted, and whose is not, whatever its score: for one account, or for all.
import { Argument, type Command, InvalidArgumentError, Option } from 'commander'
import type { Address } from '../../address/address.ts'
import { formatAddress } from '../../address/format-address.ts'
import { parseAddress } from '../../address/parse-address.ts'
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
import { parseJsonLine } from '../json-line.ts'
import type { CommandStorage } from '../open-storage.ts'
import { formatCount, formatTime } from '../quantities.ts'
import { inputName, readInput } from '../read-input.ts'

const pageSize = 500

/** 'boris@example.org', or 'example.org' and '@example.org' for the domain with all below it. */
function parseSender(text: string): Address | string | undefined {
  if (text.startsWith('@')) return parseDomain(text.slice(1))
  return text.includes('@') ? parseAddress(text) : parseDomain(text)
}

function senderArgument(text: string): Address | string {
  const sender = parseSender(text)
  if (sender !== undefined) return sender
  if (!text.includes('@'))
    throw new InvalidArgumentError(
      'It has to be an address, boris@example.org, or a domain, example.org, which stands for all below it too.',
    )
  return addressArgument(text)
}

/** What would never match, or far more than is meant. */
function problemOfSender(sender: Address | string, verdict: SenderVerdict): string | undefined {
  if (typeof sender !== 'string')
    return sender.localPart === '*'
      ? `Nobody's address is ${formatAddress(sender)}. Write ${sender.domain} alone: a domain stands for all its addresses, and for all below it.`
      : undefined
  return verdict === 'allow' && !sender.includes('.') && !sender.startsWith('[')
    ? `${sender} has no dot, so it would stand for all domains that end in .${sender}. Write the whole domain, example.org, or an address, boris@example.org.`
    : undefined
}

function listedSenderArgument(verdict: SenderVerdict): (text: string) => Address | string {
  return text => {
    const sender = senderArgument(text)
    const problem = problemOfSender(sender, verdict)
    if (problem !== undefined) throw new InvalidArgumentError(problem)
    return sender
  }
}

const senderOf = (parse = senderArgument): Argument =>
  new Argument('<sender>', 'an address, or a domain with all below it').argParser(parse)
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
    summary: 'Senders whose mail is always taken, or never: allow, block, list, remove, import, export',
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
      .addArgument(senderOf(listedSenderArgument(verdict)))
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
        const entries = await invocation.withStorage(async storage => {
          const ownerId = everybody ? everybodys : account && (await accountIdOf(storage, account))
          return await collect(storage, ownerId)
        })
        invocation.output.rows(
          entries,
          [
            { title: 'SENDER', cell: row => formatDomainsForPeople(row.sender) },
            { title: 'VERDICT', cell: row => row.verdict },
            { title: 'FOR', cell: row => row.account ?? 'everybody' },
            { title: 'SINCE', cell: row => formatTime(row.since) },
            { title: 'NOTE', cell: row => row.note },
          ],
          entryJson,
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

  addCommand(sender, {
    usage: 'export',
    summary: 'Write all lists, one JSON object a line',
    examples: ['sender export > senders.jsonl'],
  }).action(
    perform(run, async invocation => {
      const entries = await invocation.withStorage(storage => collect(storage, undefined))
      for (const entry of entries) invocation.output.jsonLine(entryJson(entry))
    }),
  )

  addCommand(sender, {
    usage: 'import <file>',
    summary: 'Put senders on a list from a file: one a line, or what export has written',
    description:
      'Put senders on a list from a file ("-" is stdin): one address or domain a line, or JSON objects as "export" writes them. ' +
      'All are read before the first is written.',
    examples: ['sender import pests.txt --verdict block', 'sender import senders.jsonl'],
  })
    .addOption(
      new Option('--verdict <verdict>', 'for lines that do not say it')
        .choices(['allow', 'block'])
        .default('block'),
    )
    .addOption(accountOption())
    .action(
      perform(run, async (invocation, options: AccountOptions & { verdict: SenderVerdict }, file: string) => {
        const { verdict, account } = options
        const defaults = { verdict, account, since: invocation.clock.now() }
        const entries = parseLines(await readInput(invocation, file), file, defaults)
        await invocation.withStorage(async storage => {
          const owners = new Map<string, number>()
          for (const { account: owner } of entries) {
            const key = owner ? formatAddress(owner) : ''
            if (!owners.has(key)) owners.set(key, await ownerOf(storage, owner))
          }
          for (const { account: owner, ...entry } of entries) {
            const ownerId = owners.get(owner ? formatAddress(owner) : '') ?? everybodys
            await storage.run(putSenderEntry, { ...entry, ownerId })
          }
        })
        invocation.output.result(
          { imported: entries.length },
          `${formatCount(entries.length, 'sender is', 'senders are')} on a list.`,
        )
      }),
    )
}

interface NamedEntry extends SenderEntry {
  /** null: for everybody. */
  readonly account: string | null
}

function entryJson({ sender, verdict, account, since, note }: NamedEntry): object {
  return { sender, verdict, account, since: new Date(since).toISOString(), note }
}

interface ImportedEntry {
  readonly sender: Address | string
  readonly verdict: SenderVerdict
  readonly account: Address | undefined
  readonly since: number
  readonly note: string
}

/** All are read before the first is written. */
function parseLines(
  text: string,
  file: string,
  defaults: Omit<ImportedEntry, 'sender' | 'note'>,
): ImportedEntry[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '') return []
    const parsed = line.trimStart().startsWith('{')
      ? parseObject(line, defaults)
      : { ...defaults, sender: parseSender(line.trim()), note: 'imported' }
    const problem = parsed?.sender !== undefined && problemOfSender(parsed.sender, parsed.verdict)
    if (parsed?.sender !== undefined && !problem) return [{ ...parsed, sender: parsed.sender }]
    const what =
      problem || 'this is neither an address nor a domain, and nothing that "sender export" writes.'
    throw new UsageFault('CLI_FILE', `${inputName(file)}:${index + 1}: ${what} Nothing was changed.`)
  })
}

function parseObject(
  line: string,
  defaults: Omit<ImportedEntry, 'sender' | 'note'>,
): (Omit<ImportedEntry, 'sender'> & { readonly sender: Address | string | undefined }) | undefined {
  const object = parseJsonLine(line)
  if (!object) return undefined
  const { given, textOf } = object
  const verdict = (['allow', 'block'] as const).find(one => one === (textOf('verdict') ?? defaults.verdict))
  const accountText = textOf('account')
  const account = accountText === undefined ? undefined : parseAddress(accountText)
  const since = Date.parse(textOf('since') ?? new Date(defaults.since).toISOString())
  if (!verdict || Number.isNaN(since) || (accountText !== undefined && !account)) return undefined
  // null says everybody; an object that says nothing takes what the command line says.
  return {
    sender: parseSender(textOf('sender') ?? ''),
    verdict,
    account: 'account' in given ? account : defaults.account,
    since,
    note: textOf('note') ?? 'imported',
  }
}

async function ownerOf(storage: CommandStorage, account: Address | undefined): Promise<number> {
  return account ? await accountIdOf(storage, account) : everybodys
}

async function collect(storage: CommandStorage, ownerId: number | undefined): Promise<readonly NamedEntry[]> {
  const accounts = await storage.run(listAccounts, { domain: undefined })
  const names = new Map(accounts.map(({ id, address }) => [id, displayAddress(address)]))
  const found: NamedEntry[] = []
  for (let after: SenderEntryPage['after']; ; ) {
    const { entries, end }: Awaited<ReturnType<typeof listSenderEntries.run>> = await storage.run(
      listSenderEntries,
      { ownerId, after, limit: pageSize },
    )
    found.push(
      ...entries.map(entry => ({
        ...entry,
        account:
          entry.ownerId === everybodys ? null : (names.get(entry.ownerId) ?? `account ${entry.ownerId}`),
      })),
    )
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
