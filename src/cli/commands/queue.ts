// postrider queue: what waits for delivery, and what an administrator does about it.
import { Argument, type Command, Option } from 'commander'
import type { Address } from '../../address/address.ts'
import { formatAddress, formatAddressForPeople, formatReversePath } from '../../address/format-address.ts'
import { formatDomainsForPeople } from '../../address/parse-domain.ts'
import {
  type Administered,
  type Administration,
  cancelRecipients,
  holdRecipients,
  releaseRecipients,
  retryRecipients,
} from '../../queue/administer.ts'
import { countRecipients, findRecipients } from '../../queue/find-recipients.ts'
import {
  listQueue,
  type QueueListing,
  type ShownMessage,
  type ShownRecipient,
  showQueuedMessage,
} from '../../queue/list-queue.ts'
import { formatQueueId, type QueueId } from '../../queue/queue-id.ts'
import type { RecipientState } from '../../queue/records.ts'
import type { QueueSelection } from '../../queue/select-recipients.ts'
import { Fault, UsageFault, WrongUsage } from '../../runtime/fault.ts'
import type { MailDataStore } from '../../storage/mail-data.ts'
import type { Operation } from '../../storage/operation.ts'
import { releaseAbandoned } from '../abandoned-leases.ts'
import {
  addressArgument,
  countArgument,
  domainArgument,
  type GivenReversePath,
  queueIdArgument,
  queueIdsArgument,
  reversePathArgument,
} from '../arguments.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import type { Invocation } from '../invocation.ts'
import type { CommandStorage } from '../open-storage.ts'
import { formatCount, formatDuration, formatRelative, formatSize, formatTime } from '../quantities.ts'

interface FilterOptions {
  readonly domain?: string
  readonly to?: Address
  readonly from?: GivenReversePath
}

interface ListOptions extends FilterOptions {
  readonly state?: 'ready' | 'held'
  readonly limit: number
}

interface AdministerOptions extends FilterOptions {
  readonly all?: true
}

interface QueueRow {
  readonly message: ShownMessage['message']
  readonly recipient: ShownRecipient
}

/** Recipients of one write: few enough that nobody waits for it. */
const recipientsPerPage = 500
const messagesPerPage = 100

export function addQueueCommand(program: Command, run: CommandRun): void {
  const queue = addCommand(program, {
    usage: 'queue',
    summary: 'Mail that waits for delivery: list, show, retry, hold, release, cancel',
    examples: ['queue list', 'queue retry --domain example.org'],
  })

  addFilterOptions(
    addCommand(queue, {
      usage: 'list',
      summary: 'Show what waits, one line a recipient, oldest first',
      examples: ['queue list', 'queue list --domain example.org --json'],
    }),
  )
    .addOption(new Option('--state <state>', 'only what is ready or held').choices(['ready', 'held']))
    .addOption(
      new Option('--limit <messages>', 'at most so many messages').argParser(countArgument).default(1000),
    )
    .action(perform(run, async (invocation, options: ListOptions) => await list(invocation, options)))

  addCommand(queue, {
    usage: 'show',
    summary: 'Show one message with the state of each recipient',
    examples: ['queue show 1CCD5D74AAE'],
  })
    .addArgument(new Argument('<queue-id>').argParser(queueIdArgument))
    .action(
      perform(run, async (invocation, _options: object, queueId: QueueId) => await show(invocation, queueId)),
    )

  for (const administration of administrations) {
    const { verb, summary } = administration
    addFilterOptions(
      addCommand(queue, {
        usage: verb,
        summary,
        examples: [`queue ${verb} 1CCD5D74AAE`, `queue ${verb} --domain example.org`],
      }).addArgument(new Argument('[queue-ids...]').argParser(queueIdsArgument)),
    )
      .option('--all', 'everything in the queue')
      .action(
        perform(run, async (invocation, options: AdministerOptions, queueIds?: readonly QueueId[]) => {
          await administer(invocation, administration, selectionsOf(options, queueIds ?? []))
        }),
      )
  }
}

interface AdministrationCommand {
  readonly verb: string
  readonly done: string
  readonly summary: string
  readonly operation: Operation<Administration, Administered>
  /** What it leaves alone, and how the person gets at that. */
  readonly leaves?: { readonly state: RecipientState; readonly remedy: string }
  /** Of what is being delivered at the time. */
  readonly underWay?: string
}

const administrations: readonly AdministrationCommand[] = [
  {
    verb: 'retry',
    done: 'due now',
    summary: 'Try waiting mail again now',
    operation: retryRecipients,
    leaves: { state: 'held', remedy: '"postrider queue release" delivers what is held.' },
  },
  {
    verb: 'hold',
    done: 'held',
    summary: 'Keep mail in the queue without delivering it',
    operation: holdRecipients,
  },
  { verb: 'release', done: 'released', summary: 'Deliver held mail', operation: releaseRecipients },
  {
    verb: 'cancel',
    done: 'cancelled',
    summary: 'Take mail out of the queue without telling the sender',
    operation: cancelRecipients,
    underWay: 'being delivered at the time: "postrider trace" says whether it has arrived.',
  },
]

function addFilterOptions(command: Command): Command {
  return command
    .addOption(new Option('--domain <domain>', 'recipients in this domain').argParser(domainArgument))
    .addOption(new Option('--to <address>', 'this recipient').argParser(addressArgument))
    .addOption(
      new Option('--from <address>', 'mail of this sender, <> for the null one').argParser(
        reversePathArgument,
      ),
    )
}

function selectionOf({ domain, to, from }: FilterOptions): QueueSelection {
  return {
    domain,
    forwardPath: to && formatAddress(to),
    // '' stands for the null reverse-path.
    reversePath: from && (from.reversePath === null ? '' : formatAddress(from.reversePath)),
  }
}

function listed(options: ListOptions): QueueSelection {
  return { ...selectionOf(options), state: options.state }
}

// Nothing named must not mean everything.
function selectionsOf(options: AdministerOptions, queueIds: readonly QueueId[]): QueueSelection[] {
  const selection = selectionOf(options)
  if (queueIds.length > 0) return queueIds.map(queueId => ({ ...selection, queueId }))
  if (isNarrowed(selection) || options.all) return [selection]
  throw new WrongUsage('Say which: queue ids, --domain, --to, --from, or --all.')
}

function isNarrowed(selection: QueueSelection): boolean {
  return Object.values(selection).some(value => value !== undefined)
}

async function administer(
  invocation: Invocation,
  administration: AdministrationCommand,
  selections: readonly QueueSelection[],
): Promise<void> {
  const { verb, done, leaves } = administration
  await invocation.withStorage(async (storage, settings) => {
    const count = async (selection: QueueSelection): Promise<number> =>
      await storage.run(countRecipients, { selection })
    for (const { queueId } of selections)
      if (queueId !== undefined && (await count({ queueId })) === 0) throw notQueued(queueId)
    const total = await sum(selections, count)
    // Everything may be nothing; who was named may not.
    if (total === 0 && selections.some(isNarrowed)) {
      throw new UsageFault(
        'CLI_NOTHING_FITS',
        'Nothing in the queue fits, so nothing was done. "postrider queue list" shows what is there.',
      )
    }
    const { recipients, underWay } = await administerPages(
      invocation,
      storage,
      invocation.mailData(storage, settings),
      administration,
      selections,
      total,
    )
    const lines = [`${formatCount(recipients, 'recipient')} ${done}.`]
    if (administration.underWay !== undefined && underWay > 0)
      lines.push(`${formatCount(underWay, 'recipient')} of these ${administration.underWay}`)
    if (leaves === undefined) {
      invocation.output.result({ action: verb, recipients, underWay }, lines.join('\n'))
      return
    }
    const left = await sum(selections, async selection => await count({ ...selection, state: leaves.state }))
    if (left > 0) lines.push(`${formatCount(left, 'recipient')} ${leaves.state}: ${leaves.remedy}`)
    const now = invocation.clock.now()
    const scheduled =
      total > recipients + left
        ? await sum(selections, async selection => await count({ ...selection, scheduledAfter: now }))
        : 0
    if (scheduled > 0)
      lines.push(
        `${formatCount(scheduled, 'recipient')} held at the sender's wish: "postrider queue retry" with the queue id delivers them before their time.`,
      )
    const busy = total - recipients - left - scheduled
    if (busy > 0) lines.push(`${formatCount(busy, 'recipient')} being delivered just now.`)
    invocation.output.result({ action: verb, recipients, [leaves.state]: left }, lines.join('\n'))
  })
}

async function sum<Item>(items: readonly Item[], count: (item: Item) => Promise<number>): Promise<number> {
  let total = 0
  for (const item of items) total += await count(item)
  return total
}

/** To how many it was done, and how many of them were being delivered. Whatever ends it in the middle says how far it came. */
async function administerPages(
  invocation: Invocation,
  storage: CommandStorage,
  mailData: MailDataStore,
  { operation, done }: AdministrationCommand,
  selections: readonly QueueSelection[],
  total: number,
): Promise<Pick<Administered, 'recipients' | 'underWay'>> {
  let recipients = 0
  let underWay = 0
  let seen = 0
  const progress = invocation.output.progress()
  try {
    await invocation.whileInterruptible(async isInterrupted => {
      for await (const recipientIds of findPages(storage, selections)) {
        const page = await storage.run(operation, {
          recipientIds,
          at: invocation.clock.now(),
          evenScheduled: selections.every(({ queueId }) => queueId !== undefined),
        })
        recipients += page.recipients
        underWay += page.underWay
        seen += recipientIds.length
        await mailData.discard(page.orphanedFiles)
        progress.update(`Recipients: ${seen} of ${Math.max(seen, total)}`)
        if (isInterrupted() && seen < total) throw new Fault('CLI_INTERRUPTED', 'Interrupted.')
      }
    })
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause
    const far = `${formatCount(recipients, 'recipient')} ${done}, ${seen} of ${Math.max(seen, total)} looked at. Repeat the command for the rest.`
    throw new Fault(cause.code, `${cause.message}\n${far}`, { cause })
  } finally {
    progress.end()
  }
  return { recipients, underWay }
}

async function* findPages(
  storage: CommandStorage,
  selections: readonly QueueSelection[],
): AsyncIterable<readonly number[]> {
  for (const selection of selections) {
    for (let afterId: number | undefined = 0; afterId !== undefined; ) {
      const page: number[] = await storage.run(findRecipients, {
        selection,
        afterId,
        limit: recipientsPerPage,
      })
      if (page.length > 0) yield page
      afterId = page.length < recipientsPerPage ? undefined : page.at(-1)
    }
  }
}

function notQueued(queueId: QueueId): UsageFault {
  const id = formatQueueId(queueId)
  return new UsageFault(
    'CLI_NOT_QUEUED',
    `${id} is not in the queue. "postrider trace ${id}" says what became of it.`,
  )
}

async function list(invocation: Invocation, options: ListOptions): Promise<void> {
  // One more than is shown says whether there are more.
  const { found, damaged } = await findMessages(invocation, options, options.limit + 1)
  const messages = found.slice(0, options.limit)
  if (invocation.output.json) {
    invocation.output.result(messages.map(messageJson), '')
    return
  }
  const now = invocation.clock.now()
  const rows = messages.flatMap(({ message, recipients }) =>
    recipients.map((recipient): QueueRow => ({ message, recipient })),
  )
  invocation.output.rows(
    rows,
    [
      { title: 'QUEUE ID', cell: ({ message }) => formatQueueId(message.id) },
      { title: 'AGE', align: 'right', cell: ({ message }) => formatDuration(now - message.acceptedAt) },
      { title: 'SIZE', align: 'right', cell: ({ message }) => formatSize(message.size) },
      { title: 'FROM', cell: ({ message }) => senderText(message) },
      { title: 'TO', cell: ({ recipient }) => formatAddressForPeople(recipient.forwardPath) },
      { title: 'STATE', cell: ({ message, recipient }) => stateText(recipient, message, now) },
      { title: 'TRIES', align: 'right', cell: ({ recipient }) => String(recipient.attempts) },
      { title: 'NEXT', cell: ({ recipient }) => nextText(recipient, now) },
      { title: 'LAST REASON', cell: ({ recipient }) => reasonText(recipient) },
    ],
    row => row,
    isNarrowed(listed(options)) ? 'Nothing is in the queue that fits.' : 'The queue is empty.',
  )
  if (damaged.length > 0)
    invocation.output.note(
      `${formatCount(damaged.length, 'message')} damaged (${damaged.map(formatQueueId).join(', ')}): "postrider verify" says what is wrong.`,
    )
  if (found.length > messages.length)
    invocation.output.note(`Only the first ${options.limit} messages; --limit shows more.`)
}

async function findMessages(
  invocation: Invocation,
  options: ListOptions,
  limit: number,
): Promise<{ readonly found: readonly ShownMessage[]; readonly damaged: readonly QueueId[] }> {
  const selection = listed(options)
  const progress = invocation.output.progress()
  try {
    return await invocation.withStorage(async (storage, settings) => {
      const found: ShownMessage[] = []
      const damaged: QueueId[] = []
      for (let afterId: QueueId | undefined = 0; afterId !== undefined; ) {
        const wanted = Math.min(messagesPerPage, limit - found.length)
        const page: QueueListing = await storage.run(listQueue, { selection, afterId, limit: wanted })
        found.push(...page.messages)
        damaged.push(...page.damaged)
        progress.update(`Messages: ${found.length}`)
        afterId = found.length === limit ? undefined : page.lastId
      }
      return { found: await releaseAbandoned(settings, found, invocation.clock.now()), damaged }
    })
  } finally {
    progress.end()
  }
}

async function show(invocation: Invocation, queueId: QueueId): Promise<void> {
  const [shown] = await invocation.withStorage(async (storage, settings) => {
    const stored = await storage.run(showQueuedMessage, { queueId })
    return await releaseAbandoned(settings, stored ? [stored] : [], invocation.clock.now())
  })
  if (!shown) throw notQueued(queueId)
  const { message, recipients } = shown
  const now = invocation.clock.now()
  const { relayLifetimeHours } = (await invocation.settings()).queue
  const lines = [
    `Queue id:  ${formatQueueId(message.id)}`,
    `From:      ${senderText(message)}`,
    `Size:      ${formatSize(message.size)}`,
    `Accepted:  ${formatTime(message.acceptedAt)} (${formatRelative(message.acceptedAt, now)})`,
    `Until:     ${formatTime(message.expiresAt)}`,
    ...describeWishes(message, now),
    ...recipients.flatMap(recipient => [
      '',
      `To:        ${formatAddressForPeople(recipient.forwardPath)}`,
      `State:     ${stateText(recipient, message, now)}, ${formatCount(recipient.attempts, 'attempt')}`,
      ...(nextText(recipient, now) === ''
        ? []
        : [
            isKeptNow(recipient, now)
              ? `Next try:  when its server fetches it`
              : `Next try:  ${formatTime(recipient.dueAt)} (${nextText(recipient, now)})`,
          ]),
      ...(recipient.isRelayed
        ? [`Until:     ${formatTime(message.acceptedAt + relayLifetimeHours * 3_600_000)}`]
        : []),
      ...(recipient.lastDiagnosis === undefined ? [] : [`Reason:    ${reasonText(recipient)}`]),
    ]),
  ]
  invocation.output.result(messageJson(shown), lines.join('\n'))
}

function senderText({ reversePath }: ShownMessage['message']): string {
  return reversePath === null ? '<>' : formatAddressForPeople(reversePath)
}

/** What the sender has asked for at MAIL (RFC 2852, RFC 4865, RFC 6710). */
function describeWishes({ releaseAt, deliverBy, priority }: ShownMessage['message'], now: number): string[] {
  return [
    ...(releaseAt === undefined
      ? []
      : [`Scheduled: ${formatTime(releaseAt)} (${formatRelative(releaseAt, now)}), at the sender's wish`]),
    ...(deliverBy
      ? [
          `Wanted by: ${formatTime(deliverBy.at)}; ${deliverBy.mode === 'return' ? 'returned when it is late' : 'the sender is told when it is late'}`,
        ]
      : []),
    ...(priority === undefined ? [] : [`Priority:  ${priority}`]),
  ]
}

/** What is due is looked at in a moment, whatever comes of it. */
function isKeptNow({ isKept, dueAt }: ShownRecipient, now: number): boolean {
  return isKept && dueAt > now
}

function stateText(recipient: ShownRecipient, { releaseAt }: ShownMessage['message'], now: number): string {
  if (recipient.underway) return 'being delivered'
  if (recipient.state === 'held') return 'held'
  if (releaseAt !== undefined && releaseAt > now && recipient.dueAt === releaseAt) return 'scheduled'
  if (isKeptNow(recipient, now)) return 'kept'
  return recipient.dueAt <= now ? 'due' : 'waiting'
}

function nextText(recipient: ShownRecipient, now: number): string {
  if (recipient.underway || recipient.state === 'held') return ''
  if (isKeptNow(recipient, now)) return 'when fetched'
  return recipient.dueAt <= now ? 'now' : formatRelative(recipient.dueAt, now)
}

function reasonText({ lastDiagnosis }: ShownRecipient): string {
  return formatDomainsForPeople(lastDiagnosis ?? '')
}

function isoOrNull(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString()
}

function messageJson({ message, recipients }: ShownMessage): unknown {
  return {
    queueId: formatQueueId(message.id),
    reversePath: formatReversePath(message.reversePath),
    size: message.size,
    acceptedAt: new Date(message.acceptedAt).toISOString(),
    expiresAt: new Date(message.expiresAt).toISOString(),
    isReport: message.isReport,
    priority: message.priority ?? 0,
    releaseAt: isoOrNull(message.releaseAt),
    deliverBy: message.deliverBy
      ? { at: new Date(message.deliverBy.at).toISOString(), mode: message.deliverBy.mode }
      : null,
    recipients: recipients.map(recipient => ({
      forwardPath: formatAddress(recipient.forwardPath),
      state: recipient.underway ? 'underway' : recipient.state,
      kept: recipient.isKept,
      attempts: recipient.attempts,
      dueAt: new Date(recipient.dueAt).toISOString(),
      lastReason: recipient.lastDiagnosis ?? null,
    })),
  }
}
