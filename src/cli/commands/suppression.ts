// postrider suppression: to whom mail is not sent, and why.
import { Argument, type Command, Option } from 'commander'
import type { Address } from '../../address/address.ts'
import { parseAddress } from '../../address/parse-address.ts'
import { displayAddress } from '../../directory/display.ts'
import { formatQueueId } from '../../queue/queue-id.ts'
import { UsageFault } from '../../runtime/fault.ts'
import type { NewSuppression } from '../../suppression/note-suppression.ts'
import {
  addSuppressions,
  listSuppressions,
  type PageEnd,
  removeSuppressions,
} from '../../suppression/operations.ts'
import {
  type SuppressedMail,
  type Suppression,
  type SuppressionReason,
  suppressionReasons,
} from '../../suppression/suppression.ts'
import { addressArgument, countArgument } from '../arguments.ts'
import { addCommand, type CommandRun, createAliases, perform, removeAliases } from '../command.ts'
import type { Invocation } from '../invocation.ts'
import { parseJsonLine } from '../json-line.ts'
import type { CommandStorage } from '../open-storage.ts'
import { formatCount, formatRelative, formatTime } from '../quantities.ts'
import { inputName, readInput } from '../read-input.ts'

const dayMs = 24 * 3_600_000
const pageSize = 500

const reasonWords: Readonly<Record<SuppressionReason, string>> = {
  'unknown-user': 'its server says that there is no such address',
  'unknown-domain': 'its domain does not exist, or takes no mail',
  complaint: 'somebody there complained about this sender',
  unsubscribed: 'somebody there asked to get no more of it',
  'by-hand': 'an administrator put it on the list',
}

const addressesOf = (): Argument => new Argument('<address>', 'whom').argParser(addressArgument)
const senderOption = (description: string): Option =>
  new Option('--sender <address>', description).argParser(addressArgument)
const reasonOption = (): Option =>
  new Option('--reason <reason>', 'only for this reason').choices([...suppressionReasons])

interface ListOptions {
  readonly reason?: SuppressionReason
  readonly all?: true
}

interface AddOptions {
  readonly reason: 'by-hand' | 'unsubscribed' | 'complaint'
  readonly sender?: Address
  readonly mail: SuppressedMail
  readonly days?: number
  readonly note?: string
}

export function addSuppressionCommand(program: Command, run: CommandRun): void {
  const suppression = addCommand(program, {
    usage: 'suppression',
    summary: 'Addresses to which mail is not sent: list, show, add, remove, import, export',
    description:
      'Addresses to which mail is not sent. Those that do not exist, and those whose owners complain, come onto the list by ' +
      'themselves, and stop mass mail only: of everybody, or of the sender that the complaint is about. A personal letter goes.',
    examples: ['suppression list', 'suppression show boris@example.org'],
  })

  addCommand(suppression, {
    usage: 'list',
    summary: 'Show the addresses to which mail is not sent',
    examples: ['suppression list', 'suppression list --reason complaint --json'],
  })
    .addOption(reasonOption())
    .option('--all', 'those too whose time is over, and which are only remembered')
    .action(
      perform(run, async (invocation, { reason, all }: ListOptions) => {
        const now = invocation.clock.now()
        const found = await invocation.withStorage(storage =>
          collect(storage, { reason, evenOver: all === true, now }),
        )
        showList(invocation, found, now)
      }),
    )

  addCommand(suppression, {
    usage: 'show <address>',
    summary: 'Show whether mail is sent to an address, and why not',
    examples: ['suppression show boris@example.org'],
  }).action(
    perform(run, async (invocation, _options: object, text: string) => {
      const address = addressArgument(text)
      const now = invocation.clock.now()
      const found = await invocation.withStorage(storage =>
        collect(storage, { address, evenOver: true, now }),
      )
      invocation.output.result(
        found.map(suppressionJson),
        found.length === 0
          ? `${displayAddress(address)} is not on the list: mail is sent there.`
          : found.map(one => describe(one, now)).join('\n\n'),
      )
    }),
  )

  addCommand(suppression, {
    usage: 'add',
    aliases: createAliases.filter(alias => alias !== 'add'),
    summary: 'Send no more mail to an address',
    description:
      'Send no more mail to an address: mass mail, or all of it (--mail all). It stays until it is removed, or for --days.',
    examples: [
      'suppression add boris@example.org --reason unsubscribed --sender news@example.test',
      'suppression add boris@example.org --mail all --note "legal matter 12"',
    ],
  })
    .addArgument(addressesOf())
    .addOption(
      new Option('--reason <reason>', 'why')
        .choices(['by-hand', 'unsubscribed', 'complaint'])
        .default('by-hand'),
    )
    .addOption(senderOption('mail of this sender only; default: of everybody'))
    .addOption(
      new Option('--mail <which>', 'mass mail only, or all').choices(['bulk', 'all']).default('bulk'),
    )
    .option('--days <number>', 'for so long; default: it stays', countArgument)
    .option('--note <text>', 'for whoever looks at it later')
    .action(
      perform(run, async (invocation, options: AddOptions, address: Address) => {
        const at = invocation.clock.now()
        const { reason, sender, mail, days, note } = options
        const added: NewSuppression = {
          address,
          sender,
          reason,
          mail,
          at,
          foundBy: 'administrator',
          detail: note ?? reasonWords[reason],
          until: days === undefined ? null : at + days * dayMs,
        }
        await invocation.withStorage(storage => storage.run(addSuppressions, { suppressions: [added] }))
        invocation.output.result(
          { added: displayAddress(address), reason, mail, sender: sender ? displayAddress(sender) : null },
          `${mail === 'bulk' ? 'No mass mail' : 'No mail'}${sender ? ` of ${displayAddress(sender)}` : ''} is sent to ${displayAddress(address)} any more.`,
        )
      }),
    )

  addCommand(suppression, {
    usage: 'remove',
    aliases: removeAliases,
    summary: 'Send mail to an address again',
    examples: ['suppression remove boris@example.org'],
  })
    .addArgument(addressesOf())
    .addOption(senderOption('only what stops mail of this sender'))
    .addOption(reasonOption())
    .action(
      perform(
        run,
        async (invocation, options: { sender?: Address; reason?: SuppressionReason }, address: Address) => {
          const removed = await invocation.withStorage(storage =>
            storage.run(removeSuppressions, { address, ...options }),
          )
          if (removed === 0) {
            throw new UsageFault(
              'CLI_NOT_SUPPRESSED',
              `${displayAddress(address)} is not on the list${options.sender || options.reason ? ' in this way' : ''}. "postrider suppression list" shows who is.`,
            )
          }
          invocation.output.result(
            { removed: displayAddress(address), entries: removed },
            `${displayAddress(address)} is off the list (${formatCount(removed, 'entry', 'entries')}).`,
          )
        },
      ),
    )

  addCommand(suppression, {
    usage: 'export',
    summary: 'Write the whole list, one JSON object a line',
    examples: ['suppression export > suppression.jsonl'],
  }).action(
    perform(run, async invocation => {
      const now = invocation.clock.now()
      await invocation.withStorage(async storage => {
        for await (const page of pages(storage, { evenOver: true, now }))
          for (const one of page) invocation.output.jsonLine(suppressionJson(one))
      })
    }),
  )

  addCommand(suppression, {
    usage: 'import <file>',
    summary: 'Add addresses from a file: one a line, or what export has written',
    description:
      'Add addresses from a file ("-" is stdin): one address a line, or JSON objects as "export" writes them. All are read ' +
      'before the first is added.',
    examples: [
      'suppression import suppression.jsonl',
      'suppression import unsubscribed.txt --reason unsubscribed --sender news@example.test',
    ],
  })
    .addOption(
      new Option('--reason <reason>', 'why, for lines that do not say it')
        .choices([...suppressionReasons])
        .default('by-hand'),
    )
    .addOption(senderOption('mail of this sender only, for lines that do not say it'))
    .action(
      perform(
        run,
        async (invocation, options: { reason: SuppressionReason; sender?: Address }, file: string) => {
          const at = invocation.clock.now()
          const suppressions = parseLines(await readInput(invocation, file), file, { ...options, at })
          await invocation.withStorage(async storage => {
            for (let from = 0; from < suppressions.length; from += pageSize)
              await storage.run(addSuppressions, { suppressions: suppressions.slice(from, from + pageSize) })
          })
          invocation.output.result(
            { imported: suppressions.length },
            `${formatCount(suppressions.length, 'entry is', 'entries are')} on the list.`,
          )
        },
      ),
    )
}

interface Wanted {
  readonly address?: Address | undefined
  readonly reason?: SuppressionReason | undefined
  readonly evenOver: boolean
  readonly now: number
}

async function* pages(storage: CommandStorage, wanted: Wanted): AsyncIterable<readonly Suppression[]> {
  for (let after: PageEnd | undefined; ; ) {
    const { suppressions, end } = await storage.run(listSuppressions, { ...wanted, after, limit: pageSize })
    yield suppressions
    if (!end) return
    after = end
  }
}

async function collect(storage: CommandStorage, wanted: Wanted): Promise<readonly Suppression[]> {
  const found: Suppression[] = []
  for await (const page of pages(storage, wanted)) found.push(...page)
  return found
}

function showList(invocation: Invocation, found: readonly Suppression[], now: number): void {
  invocation.output.rows(
    found,
    [
      { title: 'ADDRESS', cell: row => row.address },
      { title: 'STOPS', cell: whichMail },
      { title: 'REASON', cell: row => row.reason },
      { title: 'SINCE', cell: row => formatTime(row.since) },
      { title: 'UNTIL', cell: row => describeUntil(row, now) },
    ],
    suppressionJson,
    'Nobody is on the list.',
  )
}

function whichMail({ mail, sender }: Suppression): string {
  return `${mail === 'bulk' ? 'mass mail' : 'all mail'}${sender === undefined ? '' : ` of ${sender}`}`
}

function describeUntil({ until }: Suppression, now: number): string {
  if (until === undefined) return 'it is removed'
  return until > now ? formatTime(until) : `over since ${formatTime(until)}`
}

function describe(suppression: Suppression, now: number): string {
  const { address, reason, since, lastAt, until, times, queueId, detail } = suppression
  const isOver = until !== undefined && until <= now
  return [
    `${address}: ${whichMail(suppression)} is ${isOver ? 'sent again' : 'not sent'}, because ${reasonWords[reason]}`,
    `  since ${formatTime(since)}, found ${formatCount(times, 'time')}, last ${formatRelative(lastAt, now)}`,
    `  until ${describeUntil(suppression, now)}`,
    ...(queueId === undefined
      ? []
      : [`  by message ${formatQueueId(queueId)}: "postrider trace ${formatQueueId(queueId)}"`]),
    `  ${detail}`,
  ].join('\n')
}

function suppressionJson({
  address,
  sender,
  reason,
  mail,
  since,
  lastAt,
  until,
  times,
  queueId,
  foundBy,
  detail,
}: Suppression): object {
  return {
    address,
    sender: sender ?? null,
    reason,
    mail,
    since: new Date(since).toISOString(),
    lastFoundAt: new Date(lastAt).toISOString(),
    until: until === undefined ? null : new Date(until).toISOString(),
    times,
    queueId: queueId === undefined ? null : formatQueueId(queueId),
    foundBy,
    detail,
  }
}

interface ImportDefaults {
  readonly reason: SuppressionReason
  readonly sender?: Address | undefined
  readonly at: number
}

function parseLines(text: string, file: string, defaults: ImportDefaults): NewSuppression[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '') return []
    const parsed = line.trimStart().startsWith('{') ? parseObject(line, defaults) : parsePlain(line, defaults)
    if (parsed) return [parsed]
    throw new UsageFault(
      'CLI_FILE',
      `${inputName(file)}:${index + 1}: this is no address, and nothing that "suppression export" writes. Nothing was added.`,
    )
  })
}

function parsePlain(line: string, { reason, sender, at }: ImportDefaults): NewSuppression | undefined {
  const address = parseAddress(line.trim())
  return (
    address && { address, sender, reason, mail: 'bulk', at, foundBy: 'administrator', detail: 'imported' }
  )
}

/** The times that the object names are kept, so that what is moved from another server means the same here. */
function parseObject(line: string, defaults: ImportDefaults): NewSuppression | undefined {
  const object = parseJsonLine(line)
  if (!object) return undefined
  const { textOf } = object
  const address = parseAddress(textOf('address') ?? '')
  const senderText = textOf('sender')
  const sender = senderText === undefined ? defaults.sender : parseAddress(senderText)
  const reason = suppressionReasons.find(one => one === (textOf('reason') ?? defaults.reason))
  const untilText = textOf('until')
  const until = untilText === undefined ? null : Date.parse(untilText)
  const since = Date.parse(textOf('since') ?? new Date(defaults.at).toISOString())
  if (!address || !reason || (senderText !== undefined && !sender)) return undefined
  if (Number.isNaN(until) || Number.isNaN(since)) return undefined
  return {
    address,
    sender,
    reason,
    mail: textOf('mail') === 'all' ? 'all' : 'bulk',
    at: since,
    foundBy: 'administrator',
    detail: textOf('detail') ?? 'imported',
    until,
  }
}
