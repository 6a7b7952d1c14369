// postrider quarantine: mail that is kept aside until somebody has looked: list, show, release, delete.
import { Argument, type Command, InvalidArgumentError, Option } from 'commander'
import type { Address } from '../../address/address.ts'
import { formatAddress, formatAddressForPeople, formatReversePath } from '../../address/format-address.ts'
import type { Settings } from '../../config/settings.ts'
import { resolveRecipient } from '../../directory/resolve-recipient.ts'
import type { QuarantinedMessage } from '../../queue/insert-quarantined.ts'
import {
  endQuarantined,
  listQuarantine,
  type QuarantineSelection,
  releaseQuarantined,
} from '../../queue/quarantine.ts'
import { formatQueueId, type QueueId } from '../../queue/queue-id.ts'
import { UsageFault, WrongUsage } from '../../runtime/fault.ts'
import { formatSize } from '../../runtime/format-size.ts'
import { everybody } from '../../screening/learning.ts'
import { teach } from '../../screening/teach.ts'
import { trailOfMessage } from '../../trail/operations.ts'
import {
  addressArgument,
  countArgument,
  type GivenReversePath,
  queueIdArgument,
  queueIdsArgument,
  reversePathArgument,
} from '../arguments.ts'
import { addCommand, type CommandRun, perform, removeAliases } from '../command.ts'
import { formatInTime } from '../format-in-time.ts'
import { describeEvent } from '../format-trail.ts'
import type { Invocation } from '../invocation.ts'
import { isServerMissing, noServerText } from '../missing-server.ts'
import type { CommandStorage } from '../open-storage.ts'
import { parseAge } from '../parse-time.ts'
import { formatCount, formatRelative, formatTime } from '../quantities.ts'

interface FilterOptions {
  readonly to?: Address
  readonly from?: GivenReversePath
  readonly olderThan?: number
  readonly youngerThan?: number
}

interface ListOptions extends FilterOptions {
  readonly limit: number
}

interface ChooseOptions extends FilterOptions {
  readonly all?: true
}

const pageSize = 200
/** Few enough that nobody waits for it. */
const messagesOfWrite = 100
const hourMs = 3_600_000

export function addQuarantineCommand(program: Command, run: CommandRun): void {
  const quarantine = addCommand(program, {
    usage: 'quarantine',
    summary: 'Mail that is kept aside until somebody has looked: list, show, release, delete',
    description:
      'Mail that is kept aside until somebody has looked: that with many points (spam.quarantineScore), and that which a ' +
      'scanner wants in quarantine. Nobody has got it; its sender was told that it was taken, and nothing more. After ' +
      'spam.quarantineDays it is removed.',
    examples: ['quarantine list', 'quarantine show 1CCD5D74AAE', 'quarantine release 1CCD5D74AAE --not-junk'],
  })

  addFilterOptions(
    addCommand(quarantine, {
      usage: 'list',
      summary: 'Show what is kept aside, oldest first',
      examples: ['quarantine list', 'quarantine list --to anna@example.test --younger-than 1d --json'],
    }),
  )
    .addOption(new Option('--limit <messages>', 'at most so many').argParser(countArgument).default(1000))
    .action(perform(run, async (invocation, options: ListOptions) => await list(invocation, options)))

  addCommand(quarantine, {
    usage: 'show',
    summary: 'Show a message that is kept aside, and why it is',
    description:
      'Show a message that is kept aside, and why it is. With --raw, its bytes as they came. With --json, "base64" has them.',
    examples: ['quarantine show 1CCD5D74AAE', 'quarantine show 1CCD5D74AAE --raw > message.eml'],
  })
    .addArgument(new Argument('<queue-id>').argParser(queueIdArgument))
    .option('--raw', 'only the message, as it came')
    .action(
      perform(run, async (invocation, { raw }: { raw?: true }, queueId: QueueId) => {
        await show(invocation, queueId, raw === true)
      }),
    )

  addFilterOptions(
    addCommand(quarantine, {
      usage: 'release',
      summary: 'Deliver what is kept aside, into INBOX',
      description:
        'Deliver what is kept aside to those for whom it came, into INBOX, on the usual way through the queue. With ' +
        '--not-junk the filter learns that it is wanted.',
      examples: ['quarantine release 1CCD5D74AAE --not-junk', 'quarantine release --from boris@example.org'],
    }).addArgument(new Argument('[queue-ids...]').argParser(queueIdsArgument)),
  )
    .option('--all', 'everything that is kept aside')
    .option('--not-junk', 'teach the filter that it is wanted')
    .action(
      perform(
        run,
        async (
          invocation,
          options: ChooseOptions & { notJunk?: true },
          queueIds: readonly QueueId[] = [],
        ) => {
          await release(invocation, options, queueIds)
        },
      ),
    )

  addFilterOptions(
    addCommand(quarantine, {
      usage: 'delete',
      aliases: removeAliases.filter(alias => alias !== 'delete').concat('remove'),
      summary: 'Delete what is kept aside; its sender is not told',
      examples: ['quarantine delete 1CCD5D74AAE', 'quarantine delete --older-than "7 days"'],
    }).addArgument(new Argument('[queue-ids...]').argParser(queueIdsArgument)),
  )
    .option('--all', 'everything that is kept aside')
    .action(
      perform(run, async (invocation, options: ChooseOptions, queueIds: readonly QueueId[] = []) => {
        const messages = await invocation.withStorage(async (storage, settings) => {
          const ids = (await choose(invocation, storage, options, queueIds)).map(idOf)
          let deleted = 0
          for (let from = 0; from < ids.length; from += messagesOfWrite) {
            const page = ids.slice(from, from + messagesOfWrite)
            const end = { queueIds: page, at: invocation.clock.now(), how: 'deleted' } as const
            const done = await storage.run(endQuarantined, end)
            await invocation.mailData(storage, settings).discard(done.orphanedFiles)
            deleted += done.messages
          }
          return deleted
        })
        invocation.output.result(
          { deleted: messages },
          `${formatCount(messages, 'message')} deleted; nobody was told.`,
        )
      }),
    )
}

function addFilterOptions(command: Command): Command {
  return command
    .addOption(new Option('--to <address>', 'for this recipient').argParser(addressArgument))
    .addOption(
      new Option('--from <address>', 'of this sender, <> for the null one').argParser(reversePathArgument),
    )
    .addOption(new Option('--older-than <age>', 'what came longer ago: 4h, "3 days"').argParser(ageArgument))
    .addOption(new Option('--younger-than <age>', 'what came since').argParser(ageArgument))
}

function ageArgument(text: string): number {
  const age = parseAge(text)
  if (age === undefined) throw new InvalidArgumentError('It has to be an age: 30min, 4h, "3 days"')
  return age
}

function idOf({ message }: QuarantinedMessage): QueueId {
  return message.id
}

function selectionOf({ from, olderThan, youngerThan }: FilterOptions, now: number): QuarantineSelection {
  return {
    // '' stands for the null reverse-path.
    reversePath: from && (from.reversePath === null ? '' : formatAddress(from.reversePath)),
    keptBefore: olderThan === undefined ? undefined : now - olderThan,
    keptAfter: youngerThan === undefined ? undefined : now - youngerThan,
  }
}

interface Collected {
  readonly messages: readonly QuarantinedMessage[]
  readonly damaged: readonly QueueId[]
}

/** At most one more than `limit`, so that whoever asks sees that there are more. */
async function collect(
  storage: CommandStorage,
  selection: QuarantineSelection,
  to: Address | undefined,
  limit: number,
): Promise<Collected> {
  const messages: QuarantinedMessage[] = []
  const damaged: QueueId[] = []
  const wanted = to && formatAddress(to).toLowerCase()
  for (let afterId: QueueId | undefined = 0; afterId !== undefined && messages.length <= limit; ) {
    const page: Awaited<ReturnType<typeof listQuarantine.run>> = await storage.run(listQuarantine, {
      selection,
      afterId,
      limit: pageSize,
    })
    damaged.push(...page.damaged)
    messages.push(
      ...page.messages.filter(
        ({ recipients }) =>
          wanted === undefined ||
          recipients.some(({ forwardPath }) => formatAddress(forwardPath).toLowerCase() === wanted),
      ),
    )
    afterId = page.lastId
  }
  return { messages: messages.slice(0, limit + 1), damaged }
}

async function list(invocation: Invocation, options: ListOptions): Promise<void> {
  const now = invocation.clock.now()
  const { messages, damaged } = await invocation.withStorage(storage =>
    collect(storage, selectionOf(options, now), options.to, options.limit),
  )
  invocation.output.rows(
    messages.slice(0, options.limit),
    [
      { title: 'QUEUE ID', cell: row => formatQueueId(row.message.id) },
      { title: 'KEPT', cell: row => formatTime(row.keptAt) },
      { title: 'FROM', cell: row => row.author ?? senderText(row) },
      { title: 'TO', cell: recipientsText },
      { title: 'SUBJECT', cell: row => row.identity.subject ?? '' },
      { title: 'BECAUSE', cell: row => row.because },
    ],
    quarantinedJson,
    'Nothing is kept aside.',
  )
  if (messages.length > options.limit)
    invocation.output.incomplete('There is more; --limit shows more, and --to and --from narrow it.')
  if (damaged.length > 0)
    invocation.output.incomplete(
      `${formatCount(damaged.length, 'message')} damaged: "postrider verify" says what is wrong.`,
    )
}

function senderText({ message: { reversePath } }: QuarantinedMessage): string {
  return reversePath === null ? '<>' : formatAddressForPeople(reversePath)
}

function recipientsText({ recipients }: QuarantinedMessage): string {
  const [first] = recipients
  const more = recipients.length > 1 ? ` and ${recipients.length - 1} more` : ''
  return first ? formatAddressForPeople(first.forwardPath) + more : ''
}

function quarantinedJson({
  message,
  recipients,
  identity,
  author,
  keptAt,
  endsAt,
  because,
}: QuarantinedMessage): object {
  return {
    queueId: formatQueueId(message.id),
    reversePath: formatReversePath(message.reversePath),
    author: author ?? null,
    recipients: recipients.map(({ forwardPath }) => formatAddress(forwardPath)),
    subject: identity.subject ?? null,
    messageId: identity.messageId ?? null,
    size: message.size,
    keptAt: new Date(keptAt).toISOString(),
    endsAt: new Date(endsAt).toISOString(),
    because,
  }
}

async function show(invocation: Invocation, queueId: QueueId, raw: boolean): Promise<void> {
  const { output, clock } = invocation
  const { found, why, bytes } = await invocation.withStorage(async (storage, settings) => {
    const message = await find(storage, queueId)
    const events = await storage.run(trailOfMessage, { queueId })
    const chunks: Uint8Array[] = []
    for await (const chunk of invocation.mailData(storage, settings).read(queueId)) chunks.push(chunk)
    return {
      found: message,
      why: events.flatMap(({ event }) => {
        if (event.kind !== 'authenticated' && event.kind !== 'screened') return []
        const { text, notes = [] } = describeEvent(event)
        return [text, ...notes.map(note => `  ${note}`)]
      }),
      bytes: Buffer.concat(chunks),
    }
  })
  if (output.json) {
    output.result({ ...quarantinedJson(found), why, base64: bytes.toString('base64') }, '')
    return
  }
  if (raw) {
    await output.foreign(bytes)
    return
  }
  const now = clock.now()
  output.line(
    [
      `Queue id:  ${formatQueueId(queueId)}`,
      `From:      ${senderText(found)}${found.author === undefined || found.author === '' ? '' : `, in the From field ${found.author}`}`,
      `To:        ${found.recipients.map(({ forwardPath }) => formatAddressForPeople(forwardPath)).join(', ')}`,
      `Size:      ${formatSize(found.message.size)}`,
      `Kept:      ${formatTime(found.keptAt)} (${formatRelative(found.keptAt, now)}), until ${formatTime(found.endsAt)}`,
      `Because:   ${found.because}`,
      ...why.map(line => `  ${line}`),
      '',
      (await formatInTime(bytes, clock)) ?? bytes.toString('utf8').replaceAll('\r\n', '\n'),
    ].join('\n'),
  )
}

async function find(storage: CommandStorage, queueId: QueueId): Promise<QuarantinedMessage> {
  const page = { selection: { queueId }, afterId: 0, limit: 1 }
  const { messages, damaged } = await storage.run(listQuarantine, page)
  const [message] = messages
  if (message) return message
  throw new UsageFault(
    'CLI_NOT_KEPT_ASIDE',
    damaged.length > 0
      ? `What the quarantine has of ${formatQueueId(queueId)} cannot be read. "postrider verify" says what else is damaged, and what to do.`
      : `${formatQueueId(queueId)} is not kept aside (any more). "postrider quarantine list" shows what is; "postrider trace ${formatQueueId(queueId)}" tells what became of it.`,
  )
}

/** Nothing named must not mean everything. */
async function choose(
  invocation: Invocation,
  storage: CommandStorage,
  options: ChooseOptions,
  queueIds: readonly QueueId[],
): Promise<readonly QuarantinedMessage[]> {
  const { to, from, olderThan, youngerThan, all } = options
  if (queueIds.length > 0) {
    const named: QuarantinedMessage[] = []
    for (const queueId of queueIds) named.push(await find(storage, queueId))
    return named
  }
  if (!all && [to, from, olderThan, youngerThan].every(value => value === undefined))
    throw new WrongUsage('Say which: queue ids, --to, --from, --older-than, --younger-than, or --all.')
  const { messages } = await collect(storage, selectionOf(options, invocation.clock.now()), to, Infinity)
  if (messages.length === 0 && !all) {
    throw new UsageFault(
      'CLI_NOTHING_FITS',
      'Nothing that is kept aside fits, so nothing was done. "postrider quarantine list" shows what is there.',
    )
  }
  return messages
}

async function release(
  invocation: Invocation,
  options: ChooseOptions & { readonly notJunk?: true },
  queueIds: readonly QueueId[],
): Promise<void> {
  const isTaught = options.notJunk === true
  const { released, noServer } = await invocation.withStorage(async (storage, settings) => {
    const chosen = await choose(invocation, storage, options, queueIds)
    let count = 0
    for (const one of chosen) {
      // First: once it is released it may be gone before it was read.
      if (isTaught) await teachWanted(invocation, storage, settings, one)
      const done = await storage.run(releaseQuarantined, {
        queueId: idOf(one),
        at: invocation.clock.now(),
        lifetimeMs: settings.queue.lifetimeHours * hourMs,
        ...(isTaught ? { taught: true } : {}),
      })
      if (done) count++
    }
    return {
      released: count,
      noServer: count > 0 && (await isServerMissing(storage, settings, invocation.clock)),
    }
  })
  if (noServer) invocation.output.note(noServerText)
  invocation.output.result(
    { released, taught: isTaught, noServer },
    `${formatCount(released, 'message')} released${isTaught ? '; the filter has learned that such mail is wanted' : ''}.`,
  )
}

/** For the account that gets it, where it is one, and a little for all. */
async function teachWanted(
  invocation: Invocation,
  storage: CommandStorage,
  settings: Settings,
  { message, recipients }: QuarantinedMessage,
): Promise<void> {
  const accounts = new Set<number>()
  for (const { forwardPath } of recipients) {
    const question = { address: forwardPath, hostname: settings.hostname }
    const resolved = await storage.run(resolveRecipient, question)
    if (resolved.kind === 'account') accounts.add(resolved.accountId)
  }
  const [only, second] = accounts
  await teach(
    storage,
    {
      accountId: second === undefined ? (only ?? everybody) : everybody,
      messageId: message.id,
      kind: 'ham',
      now: invocation.clock.now(),
    },
    invocation.mailData(storage, settings).read(message.id),
  )
}
