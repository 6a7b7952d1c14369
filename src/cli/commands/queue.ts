// postrider queue: what waits for delivery, and what an administrator does about it.
import { Argument, type Command, Option } from 'commander'
import type { Address } from '../../address/address.ts'
import { formatAddress, formatAddressForPeople, formatReversePath } from '../../address/format-address.ts'
import {
  type Administered,
  type Administration,
  cancelRecipients,
  holdRecipients,
  releaseRecipients,
  retryRecipients,
} from '../../queue/administer.ts'
import {
  listQueue,
  type ShownMessage,
  type ShownRecipient,
  showQueuedMessage,
} from '../../queue/list-queue.ts'
import { formatQueueId, type QueueId } from '../../queue/queue-id.ts'
import type { QueueSelection } from '../../queue/select-recipients.ts'
import { UsageFault, WrongUsage } from '../../runtime/fault.ts'
import type { Operation } from '../../storage/operation.ts'
import {
  addressArgument,
  domainArgument,
  numberArgument,
  queueIdArgument,
  queueIdsArgument,
} from '../arguments.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import type { Invocation } from '../invocation.ts'
import { formatCount, formatDuration, formatRelative, formatSize, formatTime } from '../quantities.ts'

interface FilterOptions {
  readonly domain?: string
  readonly to?: Address
  readonly from?: Address
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

const pageSize = 500

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
      new Option('--limit <messages>', 'at most so many messages').argParser(numberArgument).default(1000),
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

  for (const { verb, done, summary, operation } of administrations) {
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
          const selections = selectionsOf(options, queueIds ?? [])
          const recipients = await administer(invocation, operation, selections)
          const counted = formatCount(recipients, 'recipient')
          invocation.output.result({ action: verb, recipients }, `${counted} ${done}.`)
        }),
      )
  }
}

interface AdministrationCommand {
  readonly verb: string
  readonly done: string
  readonly summary: string
  readonly operation: Operation<Administration, Administered>
}

const administrations: readonly AdministrationCommand[] = [
  { verb: 'retry', done: 'due now', summary: 'Try waiting mail again now', operation: retryRecipients },
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
  },
]

function addFilterOptions(command: Command): Command {
  return command
    .addOption(new Option('--domain <domain>', 'recipients in this domain').argParser(domainArgument))
    .addOption(new Option('--to <address>', 'this recipient').argParser(addressArgument))
    .addOption(new Option('--from <address>', 'mail of this sender').argParser(addressArgument))
}

function selectionOf({ domain, to, from }: FilterOptions): QueueSelection {
  return {
    domain,
    forwardPath: to && formatAddress(to),
    reversePath: from && formatAddress(from),
  }
}

// Nothing named must not mean everything.
function selectionsOf(options: AdministerOptions, queueIds: readonly QueueId[]): QueueSelection[] {
  const selection = selectionOf(options)
  if (queueIds.length > 0) return queueIds.map(queueId => ({ ...selection, queueId }))
  const filtered = Object.values(selection).some(value => value !== undefined)
  if (filtered || options.all) return [selection]
  throw new WrongUsage('Say which: queue ids, --domain, --to, --from, or --all.')
}

async function administer(
  invocation: Invocation,
  operation: Operation<Administration, Administered>,
  selections: readonly QueueSelection[],
): Promise<number> {
  return await invocation.withStorage(async (storage, settings) => {
    let recipients = 0
    for (const selection of selections) {
      const { queueId } = selection
      if (queueId !== undefined && !(await storage.run(showQueuedMessage, { queueId })))
        throw notQueued(queueId)
      const done = await storage.run(operation, { selection, at: invocation.clock.now() })
      recipients += done.recipients
      await invocation.mailData(storage, settings).discard(done.orphanedFiles)
    }
    return recipients
  })
}

function notQueued(queueId: QueueId): UsageFault {
  const id = formatQueueId(queueId)
  return new UsageFault(
    'CLI_NOT_QUEUED',
    `${id} is not in the queue. "postrider trace ${id}" says what became of it.`,
  )
}

async function list(invocation: Invocation, options: ListOptions): Promise<void> {
  const messages = await invocation.withStorage(async storage => {
    const selection = { ...selectionOf(options), state: options.state }
    const found: ShownMessage[] = []
    for (let afterId = 0; found.length < options.limit; ) {
      const limit = Math.min(pageSize, options.limit - found.length)
      const page = await storage.run(listQueue, { selection, afterId, limit })
      found.push(...page)
      const last = page.at(-1)
      if (!last || page.length < limit) break
      afterId = last.message.id
    }
    return found
  })
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
      { title: 'STATE', cell: ({ recipient }) => stateText(recipient, now) },
      { title: 'TRIES', align: 'right', cell: ({ recipient }) => String(recipient.attempts) },
      { title: 'NEXT', cell: ({ recipient }) => nextText(recipient, now) },
      { title: 'LAST REASON', cell: ({ recipient }) => reasonText(recipient) },
    ],
    row => row,
    'Nothing is in the queue that fits.',
  )
  if (messages.length === options.limit)
    invocation.output.note(`Only the first ${options.limit} messages; --limit shows more.`)
}

async function show(invocation: Invocation, queueId: QueueId): Promise<void> {
  const shown = await invocation.withStorage(storage => storage.run(showQueuedMessage, { queueId }))
  if (!shown) throw notQueued(queueId)
  const { message, recipients } = shown
  const now = invocation.clock.now()
  const lines = [
    `Queue id:  ${formatQueueId(message.id)}`,
    `From:      ${senderText(message)}`,
    `Size:      ${formatSize(message.size)}`,
    `Accepted:  ${formatTime(message.acceptedAt)} (${formatRelative(message.acceptedAt, now)})`,
    `Until:     ${formatTime(message.expiresAt)}`,
    ...recipients.flatMap(recipient => [
      '',
      `To:        ${formatAddressForPeople(recipient.forwardPath)}`,
      `State:     ${stateText(recipient, now)}, ${formatCount(recipient.attempts, 'attempt')}`,
      ...(nextText(recipient, now) === ''
        ? []
        : [`Next try:  ${formatTime(recipient.dueAt)} (${nextText(recipient, now)})`]),
      ...(recipient.lastDiagnosis === undefined ? [] : [`Reason:    ${reasonText(recipient)}`]),
    ]),
  ]
  invocation.output.result(messageJson(shown), lines.join('\n'))
}

function senderText({ reversePath }: ShownMessage['message']): string {
  return reversePath === null ? '<>' : formatAddressForPeople(reversePath)
}

function stateText(recipient: ShownRecipient, now: number): string {
  if (recipient.underway) return 'being delivered'
  if (recipient.state === 'held') return 'held'
  return recipient.dueAt <= now ? 'due' : 'waiting'
}

function nextText(recipient: ShownRecipient, now: number): string {
  if (recipient.underway || recipient.state === 'held') return ''
  return recipient.dueAt <= now ? 'now' : formatRelative(recipient.dueAt, now)
}

function reasonText({ lastDiagnosis }: ShownRecipient): string {
  return lastDiagnosis ?? ''
}

function messageJson({ message, recipients }: ShownMessage): unknown {
  return {
    queueId: formatQueueId(message.id),
    reversePath: formatReversePath(message.reversePath),
    size: message.size,
    acceptedAt: new Date(message.acceptedAt).toISOString(),
    expiresAt: new Date(message.expiresAt).toISOString(),
    isReport: message.isReport,
    recipients: recipients.map(recipient => ({
      forwardPath: formatAddress(recipient.forwardPath),
      state: recipient.underway ? 'underway' : recipient.state,
      attempts: recipient.attempts,
      dueAt: new Date(recipient.dueAt).toISOString(),
      lastReason: recipient.lastDiagnosis ?? null,
    })),
  }
}
