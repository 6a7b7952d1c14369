// postrider trace: what happened to a message, step by step, in plain words.
import { Argument, type Command, Option } from 'commander'
import { formatAddress, formatAddressForPeople } from '../../address/format-address.ts'
import { parseAddress } from '../../address/parse-address.ts'
import { formatDomainsForPeople, parseDomain } from '../../address/parse-domain.ts'
import { type ShownMessage, showQueuedMessage } from '../../queue/list-queue.ts'
import { formatQueueId, type QueueId } from '../../queue/queue-id.ts'
import { UsageFault, WrongUsage } from '../../runtime/fault.ts'
import { isAscii } from '../../runtime/text.ts'
import type { TrailRecord } from '../../trail/events.ts'
import { searchTrail, trailOfMessage } from '../../trail/operations.ts'
import { releaseAbandoned } from '../abandoned-leases.ts'
import { countArgument, queueIdArgument } from '../arguments.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { describeEvent } from '../format-trail.ts'
import type { Invocation } from '../invocation.ts'
import { formatRelative, formatTime } from '../quantities.ts'

interface TraceOptions {
  readonly search?: string
  readonly days: number
  readonly dialogue?: true
}

const dayMs = 24 * 60 * 60 * 1000
const maxFound = 200

export function addTraceCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'trace',
    summary: 'Say what happened to a message, step by step',
    description:
      'Say what happened to a message, step by step: who brought it, each attempt to deliver it, and what became of it. ' +
      'With --search: find messages, and refused ones too, by an address, a host or an IP address.',
    examples: ['trace 1CCD5D74AAE', 'trace 1CCD5D74AAE --dialogue', 'trace --search boris@example.org'],
  })
    .addArgument(new Argument('[queue-id]', 'as in "queued as …"').argParser(queueIdArgument))
    .option('--dialogue', 'with what the servers said to each other')
    .option('--search <text>', 'find the steps that have this text')
    .addOption(new Option('--days <days>', 'how far --search looks back').argParser(countArgument).default(7))
    .action(
      perform(run, async (invocation, options: TraceOptions, queueId?: QueueId) => {
        if (queueId !== undefined) await trace(invocation, queueId, options.dialogue === true)
        else if (options.search !== undefined) await search(invocation, options.search, options.days)
        else throw new WrongUsage('Say which message: its queue id, or --search <text>.')
      }),
    )
}

async function trace(invocation: Invocation, queueId: QueueId, withDialogue: boolean): Promise<void> {
  const { records, queued, retentionDays } = await invocation.withStorage(async (storage, settings) => {
    const records = await storage.run(trailOfMessage, { queueId })
    const stored = await storage.run(showQueuedMessage, { queueId })
    const [queued] = await releaseAbandoned(settings, stored ? [stored] : [], invocation.clock.now())
    return { records, queued, retentionDays: settings.trail.retentionDays }
  })
  if (records.length === 0 && !queued) {
    throw new UsageFault(
      'CLI_NO_TRAIL',
      `Nothing is known of ${formatQueueId(queueId)}: it was never here, or was forgotten after ${retentionDays} days.`,
    )
  }
  const lines = records.flatMap(record => {
    const { text, dialogue } = describeEvent(record.event)
    const step = `${formatTime(record.at)}  ${formatDomainsForPeople(text)}`
    return withDialogue ? [step, ...dialogue.map(line => `                       ${line}`)] : [step]
  })
  const now = invocation.clock.now()
  invocation.output.result(
    { queueId: formatQueueId(queueId), events: records.map(recordJson), waiting: waitingJson(queued) },
    [...lines, '', ...describeNow(queued, now)].join('\n'),
  )
}

function describeNow(queued: ShownMessage | undefined, now: number): string[] {
  if (!queued || queued.recipients.length === 0)
    return ['Now: nothing is left to do; it is no longer in the queue.']
  return queued.recipients.map(recipient => {
    const address = formatAddressForPeople(recipient.forwardPath)
    if (recipient.underway) return `Now: ${address} is being delivered.`
    if (recipient.state === 'held')
      return `Now: ${address} is held. "postrider queue release ${formatQueueId(queued.message.id)}" delivers it.`
    if (recipient.dueAt <= now) return `Now: ${address} is due, and waits for its turn.`
    return `Now: ${address} is tried again ${formatRelative(recipient.dueAt, now)}, until ${formatTime(queued.message.expiresAt)}.`
  })
}

function waitingJson(queued: ShownMessage | undefined): unknown {
  return (queued?.recipients ?? []).map(recipient => ({
    forwardPath: formatAddress(recipient.forwardPath),
    state: recipient.underway ? 'underway' : recipient.state,
    dueAt: new Date(recipient.dueAt).toISOString(),
  }))
}

async function search(invocation: Invocation, text: string, days: number): Promise<void> {
  const since = invocation.clock.now() - days * dayMs
  const records = await invocation.withStorage(storage =>
    storage.run(searchTrail, { text: asRecorded(text), since, limit: maxFound }),
  )
  invocation.output.rows(
    records,
    [
      { title: 'TIME', cell: record => formatTime(record.at) },
      {
        title: 'QUEUE ID',
        cell: record => (record.queueId === undefined ? '(refused)' : formatQueueId(record.queueId)),
      },
      { title: 'WHAT', cell: record => formatDomainsForPeople(describeEvent(record.event).text) },
    ],
    recordJson,
    `Nothing in the last ${days} days has "${text}". --days looks further back.`,
  )
  if (records.length === maxFound)
    invocation.output.note(`Only the newest ${maxFound} steps; search for something narrower.`)
}

// The trail has A-labels, and shows U-labels.
function asRecorded(text: string): string {
  if (isAscii(text)) return text
  const address = parseAddress(text)
  if (address) return formatAddress(address)
  return (text.includes('.') ? parseDomain(text) : undefined) ?? text
}

function recordJson({ at, queueId, event }: TrailRecord): unknown {
  return {
    at: new Date(at).toISOString(),
    ...(queueId === undefined ? {} : { queueId: formatQueueId(queueId) }),
    ...event,
  }
}
