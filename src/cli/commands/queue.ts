// postrider queue: what waits for delivery, and what an administrator does about it.
import { isIP } from 'node:net'
import { Argument, type Command, InvalidArgumentError, Option } from 'commander'
import type { Address } from '../../address/address.ts'
import { addressKey } from '../../address/address-key.ts'
import { formatAddress, formatAddressForPeople, formatReversePath } from '../../address/format-address.ts'
import { formatDomainsForPeople, parseDomain } from '../../address/parse-domain.ts'
import { describeOpenAlerts } from '../../alert/describe-alert.ts'
import { countOpenAlerts } from '../../alert/operations.ts'
import type { Settings } from '../../config/settings.ts'
import { requestMs } from '../../delivery/pacing/destination-health.ts'
import {
  type Administered,
  type Administration,
  cancelRecipients,
  holdRecipients,
  releaseRecipients,
  rerouteRecipients,
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
import { countQuarantine } from '../../queue/quarantine.ts'
import { formatQueueId, type QueueId } from '../../queue/queue-id.ts'
import type { RecipientState } from '../../queue/records.ts'
import type { DestinationSelection, QueueSelection } from '../../queue/select-recipients.ts'
import {
  type QueueGroup,
  type SummaryGroup,
  summarizeQueue,
  summaryGroups,
} from '../../queue/summarize-queue.ts'
import { formatRoute } from '../../routing/destination.ts'
import { Fault, UsageFault, WrongUsage } from '../../runtime/fault.ts'
import { formatSize } from '../../runtime/format-size.ts'
import type { MailDataStore } from '../../storage/mail-data.ts'
import type { Operation } from '../../storage/operation.ts'
import {
  addressArgument,
  countArgument,
  domainArgument,
  type GivenReversePath,
  queueIdArgument,
  queueIdsArgument,
  reversePathArgument,
} from '../arguments.ts'
import { causeNames } from '../causes.ts'
import { findRouteProblem } from '../check-route.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { closureInShort, describeOpening, describePlace, opensTooLate } from '../describe-gate.ts'
import { selectDestination } from '../destination-selection.ts'
import { closureJson, gateJson } from '../gate-json.ts'
import type { Invocation } from '../invocation.ts'
import { checkServer, isServerMissing, noServerText } from '../missing-server.ts'
import type { CommandStorage } from '../open-storage.ts'
import { parseAge } from '../parse-time.ts'
import {
  type GateClosure,
  type Prospects,
  readDestinationHosts,
  readGroupProspects,
  readProspects,
} from '../prospects.ts'
import { formatCount, formatDuration, formatRelative, formatTime } from '../quantities.ts'
import { standingOf, standingWords } from '../standing.ts'

interface FilterOptions {
  readonly domain?: string
  readonly to?: Address
  readonly from?: GivenReversePath
  readonly account?: Address
  readonly host?: string
  readonly cause?: string
  readonly rerouted?: string
  readonly destination?: DestinationSelection
  readonly olderThan?: number
  readonly youngerThan?: number
}

interface SummaryOptions extends FilterOptions {
  readonly by: SummaryGroup
  readonly limit: number
}

interface ListOptions extends FilterOptions {
  readonly state?: 'ready' | 'held'
  readonly limit: number
}

interface AdministerOptions extends FilterOptions {
  readonly all?: true
}

interface RerouteOptions extends AdministerOptions {
  readonly via?: string
  readonly back?: true
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
    summary: 'Mail that waits for delivery: how much, list, show, retry, hold, release, reroute, cancel',
    examples: ['queue summary', 'queue list', 'queue retry --domain example.org'],
  })

  addFilterOptions(
    addCommand(queue, {
      usage: 'summary',
      summary: 'Show how much waits, by destination, mail host, cause or sender, and since when',
      examples: ['queue summary', 'queue summary --by cause', 'queue summary --by sender --older-than 4h'],
    }),
  )
    .addOption(
      new Option('--by <what>', 'what the groups are').choices([...summaryGroups]).default('destination'),
    )
    .addOption(new Option('--limit <groups>', 'at most so many groups').argParser(countArgument).default(30))
    .action(
      perform(run, async (invocation, options: SummaryOptions) => {
        await summarize(invocation, options)
      }),
    )

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
          const now = invocation.clock.now()
          await administer(invocation, administration, selectionsOf(options, queueIds ?? [], now))
        }),
      )
  }

  addFilterOptions(
    addCommand(queue, {
      usage: 'reroute',
      summary: 'Send waiting mail to another host than the DNS names, or on its usual way again',
      description:
        'Send waiting mail to another host than the DNS (or the smart host) names, or on its usual way again with --back. ' +
        'It goes there at once, and at each later attempt, without a log-in. Held mail stays held. New mail is not touched.',
      examples: [
        'queue reroute --domain example.org --via mx2.example.org:25',
        'queue reroute --domain example.org --back',
      ],
    }).addArgument(new Argument('[queue-ids...]').argParser(queueIdsArgument)),
  )
    .option('--all', 'everything in the queue')
    .addOption(new Option('--via <host:port>', 'where it goes').argParser(routeArgument))
    .option('--back', 'on the usual way again')
    .action(
      perform(run, async (invocation, options: RerouteOptions, queueIds?: readonly QueueId[]) => {
        if ((options.via === undefined) === (options.back === undefined))
          throw new WrongUsage('Say where it goes: --via <host:port>, or --back for the usual way.')
        await administer(
          invocation,
          options.via === undefined
            ? unrerouted
            : { ...rerouted, done: `sent to ${options.via}`, to: options.via },
          selectionsOf(options, queueIds ?? [], invocation.clock.now()),
        )
      }),
    )
}

/** A name, or the address where mail goes to one. */
function hostArgument(text: string): string {
  return isIP(text) === 0 ? domainArgument(text) : text
}

/** '[2001:db8::1]:25', 'mx2.example.org:25'; without a port: 25. */
function routeArgument(text: string): string {
  const [, bracketed, plain, port = '25'] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::([0-9]{1,5}))?$/.exec(text) ?? []
  const host = bracketed ?? plain
  const number = Number(port)
  const isAddress = host !== undefined && isIP(host) !== 0
  const name = host === undefined || isAddress ? host : parseDomain(host)
  if (name === undefined || number < 1 || number > 65535)
    throw new InvalidArgumentError(
      'It has to be a host with a port: mx2.example.org:25, 192.0.2.1:25, [2001:db8::1]:25',
    )
  return formatRoute(name, number)
}

interface AdministrationCommand {
  readonly verb: string
  readonly done: string
  readonly summary: string
  readonly operation: Operation<Administration, Administered>
  /** Of reroute. */
  readonly to?: string
  /** What it leaves alone, and how the person gets at that. */
  readonly leaves?: { readonly state: RecipientState; readonly remedy: string }
  /** Of what is being delivered at the time. */
  readonly underWay?: string
  /** Of what was in no state for it, when nothing was. */
  readonly passedOver?: string
  /** A server has to be there, or nothing comes of it. */
  readonly needsServer?: true
}

const rerouted: AdministrationCommand = {
  verb: 'reroute',
  done: 'rerouted',
  summary: '',
  operation: rerouteRecipients,
  underWay: 'being delivered at the time: it counts for them from their next attempt on.',
  needsServer: true,
}
const unrerouted: AdministrationCommand = { ...rerouted, done: 'on the usual way again' }

const administrations: readonly AdministrationCommand[] = [
  {
    verb: 'retry',
    done: 'due now',
    summary: 'Try waiting mail again now',
    operation: retryRecipients,
    leaves: { state: 'held', remedy: '"postrider queue release" delivers what is held.' },
    needsServer: true,
  },
  {
    verb: 'hold',
    done: 'held',
    summary: 'Keep mail in the queue without delivering it',
    operation: holdRecipients,
    underWay: 'being delivered at the time: what that does not deliver stays on hold.',
    passedOver: 'on hold already.',
  },
  {
    verb: 'release',
    done: 'released',
    summary: 'Deliver held mail',
    operation: releaseRecipients,
    passedOver: 'not on hold: "postrider queue retry" tries what waits.',
    needsServer: true,
  },
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
    .addOption(
      new Option('--account <address>', 'what this account sent, from whichever address').argParser(
        addressArgument,
      ),
    )
    .addOption(
      new Option('--host <host>', 'what this mail host refused, or did not answer').argParser(hostArgument),
    )
    .addOption(new Option('--cause <cause>', 'what waits for this cause').choices(causeNames))
    .addOption(new Option('--rerouted <host:port>', 'what is sent to this host').argParser(routeArgument))
    .addOption(
      new Option(
        '--destination <name>',
        'what waits for this destination, by its name in "queue summary" or an alert',
      ).argParser(selectDestination),
    )
    .addOption(
      new Option('--older-than <age>', 'what came longer ago: 30min, 4h, "3 days"').argParser(ageArgument),
    )
    .addOption(new Option('--younger-than <age>', 'what came since').argParser(ageArgument))
}

function ageArgument(text: string): number {
  const age = parseAge(text)
  if (age === undefined) throw new InvalidArgumentError('It has to be an age: 30min, 4h, "3 days"')
  return age
}

function selectionOf(
  {
    domain,
    to,
    from,
    account,
    host,
    cause,
    rerouted: routeTo,
    destination,
    olderThan,
    youngerThan,
  }: FilterOptions,
  now: number,
): QueueSelection {
  return {
    domain,
    account: account && addressKey(account),
    host,
    cause,
    routeTo,
    destination,
    acceptedBefore: olderThan === undefined ? undefined : now - olderThan,
    acceptedAfter: youngerThan === undefined ? undefined : now - youngerThan,
    forwardPath: to && formatAddress(to),
    // '' stands for the null reverse-path.
    reversePath: from && (from.reversePath === null ? '' : formatAddress(from.reversePath)),
  }
}

function listed(options: ListOptions, now: number): QueueSelection {
  return { ...selectionOf(options, now), state: options.state }
}

// Nothing named must not mean everything.
function selectionsOf(
  options: AdministerOptions,
  queueIds: readonly QueueId[],
  now: number,
): QueueSelection[] {
  const selection = selectionOf(options, now)
  if (queueIds.length > 0) return queueIds.map(queueId => ({ ...selection, queueId }))
  if (isNarrowed(selection) || options.all) return [selection]
  throw new WrongUsage(
    'Say which: queue ids, --domain, --to, --from, --account, --host, --cause, --rerouted, --destination, --older-than, --younger-than, or --all.',
  )
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
    const before = leaves && (await countLines(count, selections))
    const { recipients, underWay } = await administerPages(
      invocation,
      storage,
      invocation.mailData(storage, settings),
      administration,
      selections,
      total,
    )
    const lines = before
      ? describeRetry(recipients, before)
      : [`${formatCount(recipients, 'recipient')} ${done}.`]
    if (administration.underWay !== undefined && underWay > 0)
      lines.push(`${formatCount(underWay, 'recipient')} of these ${administration.underWay}`)
    if (administration.passedOver !== undefined && recipients === 0 && total > 0)
      lines.push(`${formatCount(total, 'recipient')} ${administration.passedOver}`)
    const isMissed =
      administration.needsServer === true &&
      recipients > 0 &&
      (await isServerMissing(storage, settings, invocation.clock))
    if (isMissed) invocation.output.note(noServerText)
    const noServer = administration.needsServer ? { noServer: isMissed } : {}
    if (leaves === undefined) {
      const problem = await noteRouteProblem(invocation, settings, administration)
      invocation.output.result(
        { action: verb, recipients, underWay, ...noServer, ...problem },
        lines.join('\n'),
      )
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
    const kept =
      total > recipients + left + scheduled
        ? await sum(selections, async selection => await count({ ...selection, isKept: true }))
        : 0
    if (kept > 0)
      lines.push(
        `${formatCount(kept, 'recipient')} kept until their server fetches them, and not tried: it asks for them (ETRN), or fetches them (ATRN; there "postrider fetch").`,
      )
    const busy = total - recipients - left - scheduled - kept
    if (busy > 0) lines.push(`${formatCount(busy, 'recipient')} being delivered just now.`)
    invocation.output.result(
      { action: verb, recipients, [leaves.state]: left, kept, ...noServer },
      lines.join('\n'),
    )
  })
}

/** For programs: `problem`, null where there is none. */
async function noteRouteProblem(
  invocation: Invocation,
  settings: Settings,
  { to }: AdministrationCommand,
): Promise<{ readonly problem?: string | null }> {
  if (to === undefined) return {}
  const problem = await findRouteProblem(invocation, settings, to)
  if (problem !== undefined)
    invocation.output.note(
      `As it looks now it cannot get there: ${problem}. So long it waits. "postrider queue reroute --rerouted ${to} --via <host:port>" sends it elsewhere, with --back in place of --via on its usual way.`,
    )
  return { problem: problem ?? null }
}

/** How many of them stand in which kind of line. */
interface LineCounts {
  readonly destination: number
  readonly sender: number
}

async function countLines(
  count: (selection: QueueSelection) => Promise<number>,
  selections: readonly QueueSelection[],
): Promise<LineCounts> {
  const at = async (inLineFor: 'destination' | 'sender'): Promise<number> =>
    await sum(selections, async selection => await count({ ...selection, inLineFor }))
  return { destination: await at('destination'), sender: await at('sender') }
}

/** Who stands in line is asked for, and not by that alone tried. */
function describeRetry(recipients: number, { destination, sender }: LineCounts): string[] {
  const atOnce = Math.max(0, recipients - destination - sender)
  const lines: string[] = []
  if (atOnce > 0 || recipients === 0) lines.push(`${formatCount(atOnce, 'recipient')} due now.`)
  if (destination > 0)
    lines.push(
      `${formatCount(destination, 'recipient')} in line for a server asked for: they go as there is room; where nothing goes at the moment, at most one attempt in ${formatDuration(requestMs)} finds out for all that wait for the same server.`,
    )
  if (sender > 0)
    lines.push(
      `${formatCount(sender, 'recipient')} in the line of their sender asked for: they wait for its limit all the same.`,
    )
  return lines
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
  { operation, done, to }: AdministrationCommand,
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
          to,
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
  const { found, damaged, noServer, prospects } = await findMessages(invocation, options, options.limit + 1)
  const messages = found.slice(0, options.limit)
  const now = invocation.clock.now()
  if (invocation.output.json)
    invocation.output.result(
      messages.map(message => messageJson(message, prospects, now)),
      '',
    )
  else listRows(invocation, messages, { prospects, now, isNarrowed: isNarrowed(listed(options, now)) })
  if (damaged.length > 0)
    invocation.output.incomplete(
      `${formatCount(damaged.length, 'message')} damaged (${damaged.map(formatQueueId).join(', ')}): "postrider verify" says what is wrong.`,
    )
  if (found.length > messages.length)
    invocation.output.incomplete(`Only the first ${options.limit} messages; --limit shows more.`)
  if (noServer) invocation.output.note(noServerText)
}

function listRows(
  invocation: Invocation,
  messages: readonly ShownMessage[],
  {
    prospects,
    now,
    isNarrowed,
  }: { readonly prospects: Prospects; readonly now: number; readonly isNarrowed: boolean },
): void {
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
      { title: 'NEXT', cell: ({ message, recipient }) => nextText(recipient, message, prospects, now) },
      { title: 'LAST REASON', cell: ({ recipient }) => reasonText(recipient, prospects) },
    ],
    row => row,
    isNarrowed ? 'Nothing is in the queue that fits.' : 'The queue is empty.',
  )
}

async function findMessages(
  invocation: Invocation,
  options: ListOptions,
  limit: number,
): Promise<{
  readonly found: readonly ShownMessage[]
  readonly damaged: readonly QueueId[]
  readonly noServer: boolean
  readonly prospects: Prospects
}> {
  const now = invocation.clock.now()
  const selection = listed(options, now)
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
      const times = { clock: invocation.clock, now }
      const { messages, noServer } = await checkServer(storage, settings, found, times)
      return {
        found: messages,
        damaged,
        noServer,
        prospects: await readProspects(storage, settings, found, now),
      }
    })
  } finally {
    progress.end()
  }
}

async function show(invocation: Invocation, queueId: QueueId): Promise<void> {
  const now = invocation.clock.now()
  const { shown, noServer, prospects } = await invocation.withStorage(async (storage, settings) => {
    const stored = await storage.run(showQueuedMessage, { queueId })
    const times = { clock: invocation.clock, now }
    const { messages, noServer } = await checkServer(storage, settings, stored ? [stored] : [], times)
    return { shown: messages[0], noServer, prospects: await readProspects(storage, settings, messages, now) }
  })
  if (!shown) throw notQueued(queueId)
  const { message, recipients } = shown
  const lines = [
    `Queue id:  ${formatQueueId(message.id)}`,
    `From:      ${senderText(message)}`,
    `Size:      ${formatSize(message.size)}`,
    `Accepted:  ${formatTime(message.acceptedAt)} (${formatRelative(message.acceptedAt, now)})`,
    ...describeWishes(message, now),
    ...recipients.flatMap(recipient => [
      '',
      `To:        ${formatAddressForPeople(recipient.forwardPath)}`,
      `State:     ${stateText(recipient, message, now)}, ${formatCount(recipient.attempts, 'attempt')}`,
      ...describeNextTry(recipient, message, prospects, now),
      ...(recipient.lastDiagnosis === undefined ? [] : [`Reason:    ${reasonText(recipient, prospects)}`]),
      `Until:     ${formatTime(prospects.endFor(message, recipient))}`,
      ...(recipient.routeTo === undefined ? [] : [`Goes to:   ${recipient.routeTo}`]),
    ]),
    ...(noServer ? ['', noServerText] : []),
  ]
  invocation.output.result({ ...messageJson(shown, prospects, now), noServer }, lines.join('\n'))
}

function senderText({ reversePath }: ShownMessage['message']): string {
  return reversePath === null ? '<>' : formatAddressForPeople(reversePath)
}

function describeNextTry(
  recipient: ShownRecipient,
  message: ShownMessage['message'],
  prospects: Prospects,
  now: number,
): string[] {
  const standing = standingOf(recipient, now, message.releaseAt)
  if (standing.kind === 'kept') return ['Next try:  when its server fetches it']
  if (standing.kind === 'in-line') {
    const gate = prospects.gateOf(recipient) ?? { of: 'destination', name: standing.gate }
    const late = opensTooLate(gate, prospects.endFor(message, recipient)) ? ' It is given up before.' : ''
    return [`In line:   ${describePlace(gate, false)}`, `Next try:  ${describeOpening(gate, now)}${late}`]
  }
  const next = nextText(recipient, message, prospects, now)
  return next === '' ? [] : [`Next try:  ${formatTime(recipient.dueAt)} (${next})`]
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

function stateText(recipient: ShownRecipient, message: ShownMessage['message'], now: number): string {
  return standingWords[standingOf(recipient, now, message.releaseAt).kind]
}

function nextText(
  recipient: ShownRecipient,
  message: ShownMessage['message'],
  prospects: Prospects,
  now: number,
): string {
  switch (standingOf(recipient, now, message.releaseAt).kind) {
    case 'underway':
    case 'held':
      return ''
    case 'kept':
      return 'when fetched'
    case 'in-line': {
      const gate = prospects.gateOf(recipient)
      if (!gate?.closure) return 'when there is room'
      return opensTooLate(gate, prospects.endFor(message, recipient))
        ? 'too late'
        : formatRelative(gate.closure.until, now)
    }
    default:
      return recipient.dueAt <= now ? 'now' : formatRelative(recipient.dueAt, now)
  }
}

/** Why it was not delivered; of whom nothing was tried, why nothing goes there. */
function reasonText(recipient: ShownRecipient, prospects: Prospects): string {
  const { lastDiagnosis } = recipient
  const gate = prospects.gateOf(recipient)
  if (lastDiagnosis !== undefined || !gate?.closure) return formatDomainsForPeople(lastDiagnosis ?? '')
  return formatDomainsForPeople(`not tried; ${gate.name}: ${closureInShort(gate.closure)}`)
}

function isoOrNull(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString()
}

function messageJson({ message, recipients }: ShownMessage, prospects: Prospects, now: number): object {
  const ends = recipients.map(recipient => prospects.endFor(message, recipient))
  return {
    queueId: formatQueueId(message.id),
    reversePath: formatReversePath(message.reversePath),
    size: message.size,
    acceptedAt: new Date(message.acceptedAt).toISOString(),
    expiresAt: new Date(ends.length === 0 ? message.expiresAt : Math.max(...ends)).toISOString(),
    isReport: message.isReport,
    priority: message.priority ?? 0,
    releaseAt: isoOrNull(message.releaseAt),
    deliverBy: message.deliverBy
      ? { at: new Date(message.deliverBy.at).toISOString(), mode: message.deliverBy.mode }
      : null,
    recipients: recipients.map((recipient, n) => ({
      forwardPath: formatAddress(recipient.forwardPath),
      state: standingOf(recipient, now, message.releaseAt).kind,
      kept: recipient.isKept,
      attempts: recipient.attempts,
      dueAt: new Date(recipient.dueAt).toISOString(),
      lastReason: recipient.lastDiagnosis ?? null,
      lastCause: recipient.lastCause ?? null,
      lastHost: recipient.lastHost ?? null,
      routeTo: recipient.routeTo ?? null,
      expiresAt: isoOrNull(ends[n]),
      inLine: gateJson(prospects.gateOf(recipient)),
    })),
  }
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const ages = [5 * minuteMs, hourMs, 4 * hourMs, 24 * hourMs, 72 * hourMs]
const ageTitles = ['< 5 MIN', '< 1 H', '< 4 H', '< 1 D', '< 3 D', 'OLDER'] as const
const groupTitles: Readonly<Record<SummaryGroup, string>> = {
  destination: 'DESTINATION',
  host: 'MAIL HOST',
  cause: 'CAUSE',
  sender: 'SENDER',
}

async function summarize(invocation: Invocation, options: SummaryOptions): Promise<void> {
  const { by, limit } = options
  const now = invocation.clock.now()
  const selection = selectionOf(options, now)
  const { summary, closures, openings, openAlerts, quarantined, noServer } = await invocation.withStorage(
    async (storage, settings) => {
      const hosts = by === 'destination' ? await readDestinationHosts(storage, settings) : []
      const summary = await storage.run(summarizeQueue, { by, selection, now, ages, limit, hosts })
      const destinations = by === 'destination' ? summary.groups.filter(({ isDomain }) => !isDomain) : []
      return {
        summary,
        ...(await readGroupProspects(storage, settings, summary.groups, destinations, now)),
        openAlerts: await storage.run(countOpenAlerts, undefined),
        quarantined: await storage.run(countQuarantine, undefined),
        noServer: summary.recipients > 0 && (await isServerMissing(storage, settings, invocation.clock)),
      }
    },
  )
  const closureOf = ({ name, isDomain }: QueueGroup): GateClosure | undefined =>
    isDomain ? undefined : closures.get(name)
  const asJson = (group: QueueGroup): unknown => groupJson(group, closureOf(group), openings.get(group))
  if (invocation.output.json) {
    invocation.output.result(
      {
        by,
        ...summary,
        groups: summary.groups.map(asJson),
        openAlerts,
        quarantined,
        noServer,
      },
      '',
    )
    return
  }
  if (openAlerts > 0) invocation.output.note(`${describeOpenAlerts(openAlerts)}\n`)
  if (quarantined > 0)
    invocation.output.note(
      `${formatCount(quarantined, 'message is', 'messages are')} kept aside: "postrider quarantine list" shows what\n`,
    )
  invocation.output.rows(
    summary.groups,
    [
      { title: groupTitles[by], cell: group => groupName(by, group) },
      { title: 'RECIPIENTS', align: 'right', cell: ({ recipients }) => String(recipients) },
      { title: 'DUE', align: 'right', cell: ({ due }) => countText(due) },
      { title: 'IN LINE', align: 'right', cell: ({ inLine }) => countText(inLine) },
      { title: 'UNDER WAY', align: 'right', cell: ({ underway }) => countText(underway) },
      { title: 'HELD', align: 'right', cell: ({ held }) => countText(held) },
      ...ageTitles.map((title, n) => ({
        title,
        align: 'right' as const,
        cell: ({ ages: counts }: QueueGroup) => countText(counts[n] ?? 0),
      })),
      { title: 'NEXT', cell: group => nextOfGroup(group, openings.get(group), now) },
      ...(closures.size === 0
        ? []
        : [{ title: 'CLOSED', cell: (group: QueueGroup) => closedText(closureOf(group)) }]),
    ],
    asJson,
    isNarrowed(selection) ? 'Nothing is in the queue that fits.' : 'The queue is empty.',
  )
  if (summary.groups.some(({ isDomain }) => isDomain))
    invocation.output.note(
      '@: not tried yet, or its servers were not found. Several of these domains may be one destination.',
    )
  if (summary.groupCount > summary.groups.length) {
    const shown = summary.groups.reduce((sum, { recipients }) => sum + recipients, 0)
    invocation.output.note(
      `${summary.recipients - shown} of ${formatCount(summary.recipients, 'recipient')} are in ${formatCount(summary.groupCount - summary.groups.length, 'smaller group')}; --limit shows more.`,
    )
  }
  if (noServer) invocation.output.note(noServerText)
}

/** '@example.org' is a domain of which the mail hosts are not known. */
function groupName(by: SummaryGroup, { name, isDomain }: QueueGroup): string {
  if (name !== '') return by === 'cause' ? name : `${isDomain ? '@' : ''}${formatDomainsForPeople(name)}`
  if (by === 'sender') return '<>'
  return by === 'cause' ? '(not tried yet)' : '(none yet)'
}

function nextOfGroup(group: QueueGroup, opensAt: number | undefined, now: number): string {
  const at = firstOf(group, opensAt)
  if (at === undefined) {
    if (group.inLine > 0) return 'when there is room'
    return group.kept > 0 ? 'when fetched' : ''
  }
  return at <= now ? 'now' : formatRelative(at, now)
}

/** `opensAt`: for those in line. */
function firstOf({ nextAt }: QueueGroup, opensAt: number | undefined): number | undefined {
  if (nextAt === undefined || opensAt === undefined) return nextAt ?? opensAt
  return Math.min(nextAt, opensAt)
}

function closedText(closure: GateClosure | undefined): string {
  return closure ? `until ${formatTime(closure.until)}: ${closureInShort(closure)}` : ''
}

/** A zero says little, and many of them hide the rest. */
function countText(count: number): string {
  return count === 0 ? '-' : String(count)
}

function groupJson(
  group: QueueGroup,
  closure: GateClosure | undefined,
  opensAt: number | undefined,
): unknown {
  const { ages: counts, domain: _domain, host: _host, lines: _lines, ...facts } = group
  return {
    ...facts,
    closed: closureJson(closure),
    nextAt: isoOrNull(firstOf(group, opensAt)),
    ages: counts.map((count, n) => ({
      youngerThanSeconds: (ages[n] ?? 0) > 0 ? (ages[n] ?? 0) / 1000 : null,
      recipients: count,
    })),
  }
}
