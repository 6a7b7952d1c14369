// postrider trace: what happened to a message, step by step, in plain words.
import { Argument, type Command, InvalidArgumentError, Option } from 'commander'
import type { Address } from '../../address/address.ts'
import { formatAddress, formatReversePath } from '../../address/format-address.ts'
import { parseAddress } from '../../address/parse-address.ts'
import { formatDomainForPeople, formatDomainsForPeople, parseDomain } from '../../address/parse-domain.ts'
import { decodeEncodedWords } from '../../message/encoded-words.ts'
import { type ShownMessage, showQueuedMessage } from '../../queue/list-queue.ts'
import { formatQueueId, parseQueueId, type QueueId, timeOfQueueId } from '../../queue/queue-id.ts'
import { UsageFault, WrongUsage } from '../../runtime/fault.ts'
import { isAscii } from '../../runtime/text.ts'
import type { TrailRecord } from '../../trail/events.ts'
import { type FoundMessage, findMessages } from '../../trail/find-messages.ts'
import { type TrailKey, trailKeys, wordsOf } from '../../trail/keys.ts'
import { oldestEventAt, searchTrail, trailOfMessage } from '../../trail/operations.ts'
import { addressArgument, countArgument, type GivenReversePath, reversePathArgument } from '../arguments.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { describeForgotten, describeRecord, describeTrace, type TracedMessage } from '../describe-trace.ts'
import { describeUnknown } from '../describe-why.ts'
import { followTrail, whatFollows } from '../follow-trail.ts'
import { describeDiagnosis, describeEvent } from '../format-trail.ts'
import type { Invocation } from '../invocation.ts'
import { checkServer, noServerText } from '../missing-server.ts'
import type { CommandStorage } from '../open-storage.ts'
import { parseTime, timeForms } from '../parse-time.ts'
import { readProspects } from '../prospects.ts'
import { formatTime } from '../quantities.ts'
import { standingOf } from '../standing.ts'
import {
  hostKey,
  notASubject,
  parseTraceSubject,
  replyKey,
  subjectForms,
  type TraceSubject,
} from '../trace-subject.ts'

interface TraceOptions {
  readonly sender?: GivenReversePath
  readonly recipient?: Address
  readonly subject?: string
  readonly host?: TrailKey
  readonly reply?: TrailKey
  readonly since?: string
  readonly until?: string
  readonly search?: string
  readonly limit: number
  readonly dialogue?: true
  readonly all?: true
  readonly follow?: true
}

/** --search reads every step of that time. */
const searchedDays = 7
const maxSteps = 200
const notSearched = 'not in the mail itself'

/** What has no queue id: it was refused, cut off or turned away, or somebody came for mail. */
function namelessWord(records: readonly TrailRecord[]): string {
  const kind = records[0]?.event.kind
  return kind === 'fetched' || kind === 'queue-started' ? 'asked for mail' : 'not taken'
}

export function addTraceCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'trace',
    summary: 'Say what happened to a message, step by step',
    description:
      'Say what happened to a message, step by step: who brought it, each attempt to deliver it, and what became of it. ' +
      `${subjectForms} When several messages fit, they are listed, newest first, and those that were refused with them; ` +
      'the options narrow that down, and do without the argument.',
    examples: [
      'trace 1CCD5D74AAE',
      'trace 1CCD5D74AAE --dialogue',
      'trace boris@example.org',
      'trace --sender anna@example.test --subject "invoice march" --since yesterday',
      'trace mx.example.org --reply 550',
      'trace boris@example.org --follow',
    ],
  })
    .addArgument(new Argument('[what]', 'whose trail').argParser(subjectArgument))
    .option('--dialogue', 'with what the servers said to each other')
    .option('--all', 'each of many attempts, and of many recipients, that ended alike')
    .option('--follow', 'go on with what happens from now on, until Ctrl-C')
    .addOption(
      new Option('--sender <address>', 'from this address, <> for none').argParser(reversePathArgument),
    )
    .addOption(new Option('--recipient <address>', 'to this address').argParser(addressArgument))
    .option('--subject <words>', 'with these words in its subject, in any order')
    .addOption(new Option('--host <host>', 'a domain, host or IP address on its way').argParser(hostArgument))
    .addOption(new Option('--reply <code>', 'with this reply: 550, 5.1.1').argParser(replyArgument))
    .option('--since <time>', `not before this time. ${timeForms}`)
    .option('--until <time>', 'not after this time')
    .addOption(new Option('--limit <messages>', 'at most so many').argParser(countArgument).default(50))
    .option(
      '--search <text>',
      `find the steps of the last ${searchedDays} days, or since --since, that have this text, anywhere, but ${notSearched}; slower`,
    )
    .action(
      perform(run, async (invocation, options: TraceOptions, subject?: TraceSubject) => {
        if (options.search !== undefined) await search(invocation, options.search, subject, options)
        else if (options.follow) await follow(invocation, subject, options)
        else if (subject?.kind === 'queue-id') await trace(invocation, subject.queueId, options)
        else await find(invocation, subject, options)
      }),
    )
}

function subjectArgument(text: string): TraceSubject {
  const subject = parseTraceSubject(text)
  if (!subject) throw new InvalidArgumentError(notASubject)
  return subject
}

function hostArgument(text: string): TrailKey {
  const key = hostKey(text)
  if (key === undefined)
    throw new InvalidArgumentError('It has to be a domain, a host name or an IP address.')
  return key
}

function replyArgument(text: string): TrailKey {
  const key = replyKey(text)
  if (key === undefined)
    throw new InvalidArgumentError('It has to be a reply code, 550, or an enhanced one, 5.1.1.')
  return key
}

/** The condition that fits the fewest first. */
function groupsOf(
  subject: TraceSubject | undefined,
  options: TraceOptions,
): readonly (readonly TrailKey[])[] {
  const { sender, recipient, host, reply } = options
  const groups: (readonly TrailKey[])[] = []
  if (subject?.kind === 'keys') groups.push(subject.anyOf)
  if (recipient) groups.push([trailKeys.recipient(formatAddress(recipient))])
  if (sender) groups.push([trailKeys.sender(formatReversePath(sender.reversePath))])
  if (options.subject !== undefined) {
    // As it stands in a message, perhaps.
    const words = wordsOf(decodeEncodedWords(options.subject))
    if (words.length === 0) throw new WrongUsage('--subject needs a word of the subject.')
    // A long word is rarer than a short one.
    for (const word of words.toSorted((a, b) => b.length - a.length)) groups.push([trailKeys.word(word)])
  }
  if (host !== undefined) groups.push([host])
  if (reply !== undefined) groups.push([reply])
  return groups
}

function timesOf(
  { since, until }: TraceOptions,
  now: number,
): { readonly since: number; readonly until: number } {
  const read = (option: string, text: string | undefined, edge: 'start' | 'end'): number | undefined => {
    if (text === undefined) return undefined
    const at = parseTime(text, now, edge)
    if (at === undefined) throw new WrongUsage(`"${text}" of --${option} is no time. ${timeForms}`)
    return at
  }
  const times = {
    since: read('since', since, 'start') ?? 0,
    until: read('until', until, 'end') ?? Number.MAX_SAFE_INTEGER,
  }
  if (times.since > times.until) throw new WrongUsage('The time of --until is before that of --since.')
  return times
}

export async function readTrace(
  storage: Pick<CommandStorage, 'run'>,
  queueId: QueueId,
): Promise<StoredTrace> {
  const records = await storage.run(trailOfMessage, { queueId })
  const stored = await storage.run(showQueuedMessage, { queueId })
  if (records.length === 0 && !stored) {
    const refusals = await findRefusals(storage, queueId)
    if (refusals.length > 0)
      return { records: refusals, stored, isBeginningForgotten: false, lostReports: new Map() }
  }
  const oldestAt = await storage.run(oldestEventAt, undefined)
  return {
    records,
    stored,
    isBeginningForgotten: isForgotten(queueId, records, stored, oldestAt),
    lostReports: await findLostReports(storage, records),
  }
}

/** Of so many it is looked what became of them. */
const maxReports = 20

async function findLostReports(
  storage: Pick<CommandStorage, 'run'>,
  records: readonly TrailRecord[],
): Promise<Map<string, string>> {
  const ids = new Set(records.flatMap(({ event }) => (event.kind === 'reported' ? [event.reportId] : [])))
  const lost = new Map<string, string>()
  for (const id of [...ids].slice(0, maxReports)) {
    const queueId = parseQueueId(id)
    if (queueId === undefined) continue
    const last = (await storage.run(trailOfMessage, { queueId })).findLast(
      ({ event }) => event.kind === 'attempted',
    )
    const outcome = last?.event.kind === 'attempted' ? last.event.outcome : undefined
    if (outcome?.kind === 'failed' || outcome?.kind === 'expired')
      lost.set(id, describeDiagnosis(outcome.diagnosis))
  }
  return lost
}

/** What was refused under this id never became a message. */
async function findRefusals(
  storage: Pick<CommandStorage, 'run'>,
  queueId: QueueId,
): Promise<readonly TrailRecord[]> {
  const { found } = await findMessages(storage, {
    groups: [[trailKeys.refusal(formatQueueId(queueId))]],
    since: 0,
    until: Number.MAX_SAFE_INTEGER,
    limit: 10,
  })
  return found.toReversed().flatMap(({ records }) => records)
}

export interface StoredTrace extends Pick<TracedMessage, 'records' | 'isBeginningForgotten' | 'lostReports'> {
  readonly stored: ShownMessage | undefined
}

const beginnings: ReadonlySet<TrailRecord['event']['kind']> = new Set(['received', 'written', 'reports'])

/** `oldestAt`: of the whole trail. */
function isForgotten(
  queueId: QueueId,
  records: readonly TrailRecord[],
  stored: ShownMessage | undefined,
  oldestAt: number | undefined,
): boolean {
  if (records.some(({ event }) => beginnings.has(event.kind))) return false
  // What a server of an older version wrote by itself has no such event, and may be the first that ever happened here.
  if (oldestAt === undefined) return stored?.message.isReport !== true
  return oldestAt > timeOfQueueId(queueId)
}

async function trace(
  invocation: Invocation,
  queueId: QueueId,
  options: Pick<TraceOptions, 'dialogue' | 'all'>,
  recipient?: string,
): Promise<void> {
  const now = invocation.clock.now()
  const { message, noServer, retentionDays, prospects } = await invocation.withStorage(
    async (storage, settings) => {
      const { stored, ...trail } = await readTrace(storage, queueId)
      const times = { clock: invocation.clock, now }
      const { messages, noServer } = await checkServer(storage, settings, stored ? [stored] : [], times)
      const prospects = await readProspects(storage, settings, messages, now)
      const [queued] = messages
      const message: TracedMessage = { queueId, ...trail, queued }
      return { message, noServer, retentionDays: settings.trail.retentionDays, prospects }
    },
  )
  if (message.records.length === 0 && !message.queued)
    throw new UsageFault('CLI_NO_TRAIL', describeUnknown(queueId, { now, retentionDays }))
  const text = describeTrace(message, {
    now,
    retentionDays,
    withDialogue: options.dialogue === true,
    withAll: options.all === true,
    recipient,
    prospects,
  })
  invocation.output.result(traceJson(message, noServer, now), noServer ? `${text}\n${noServerText}` : text)
}

function traceJson(
  { queueId, records, isBeginningForgotten = false, queued }: TracedMessage,
  noServer: boolean,
  now: number,
): unknown {
  return {
    queueId: formatQueueId(queueId),
    beginningForgotten: isBeginningForgotten,
    events: records.map(recordJson),
    waiting: waitingJson(queued, now),
    noServer,
  }
}

function waitingJson(queued: ShownMessage | undefined, now: number): unknown {
  return (queued?.recipients ?? []).map(recipient => ({
    forwardPath: formatAddress(recipient.forwardPath),
    state: standingOf(recipient, now, queued?.message.releaseAt).kind,
    dueAt: new Date(recipient.dueAt).toISOString(),
  }))
}

async function find(
  invocation: Invocation,
  subject: TraceSubject | undefined,
  options: TraceOptions,
): Promise<void> {
  const groups = groupsOf(subject, options)
  if (groups.length === 0 && options.since === undefined && options.until === undefined)
    throw new WrongUsage(`Say which message. ${subjectForms} Or say with options what is known of it.`)
  const times = timesOf(options, invocation.clock.now())
  const { found, hasMore } = await invocation.withStorage(
    async storage => await findMessages(storage, { groups, ...times, limit: options.limit }),
  )
  const [only] = found
  if (found.length === 1 && !hasMore && only?.queueId !== undefined && !invocation.output.json) {
    invocation.output.line(`Message ${formatQueueId(only.queueId)}:`)
    const ofSubject = subject?.kind === 'keys' ? subject.address : undefined
    const asked = options.recipient ? formatAddress(options.recipient) : ofSubject
    await trace(invocation, only.queueId, options, asked)
    return
  }
  if (only && !hasMore && isOneSession(found) && !invocation.output.json) {
    const word = namelessWord(only.records)
    invocation.output.line(`${word.charAt(0).toUpperCase()}${word.slice(1)}:`)
    // The newest of them came first.
    for (const record of found.toReversed().flatMap(({ records }) => records))
      invocation.output.say(describeRecord(record, options.dialogue === true).join('\n'))
    return
  }
  invocation.output.rows(
    found,
    [
      { title: 'TIME', cell: ({ records }) => formatTime(records[0]?.at ?? 0) },
      {
        title: 'QUEUE ID',
        cell: ({ queueId, records }) =>
          queueId === undefined ? `(${namelessWord(records)})` : formatQueueId(queueId),
      },
      { title: 'FROM', cell: ({ records }) => envelopeOf(records).from },
      { title: 'TO', cell: ({ records }) => formatDomainsForPeople(envelopeOf(records).to) },
      { title: 'SUBJECT', cell: ({ records }) => clip(envelopeOf(records).subject, 40) },
      { title: 'LAST', cell: message => clip(formatDomainsForPeople(lastOf(message)), 100) },
    ],
    foundJson,
    describeNothing(subject, options),
  )
  if (found.some(({ queueId }) => queueId === undefined))
    invocation.output.note(
      'What was not taken is told in full, with the reply and what the checks had found, when it alone fits, and by --json.',
    )
  if (hasMore)
    invocation.output.incomplete(
      `Only the newest ${options.limit}; --limit shows more, and --since, --until and the others narrow it down.`,
    )
  if (found.some(({ queueId }) => queueId !== undefined))
    invocation.output.note('"postrider trace <queue id>" shows one of them step by step.')
}

/** People know the address in a From field; the trail has the one of the envelope, and the domain of the other. */
function describeNothing(subject: TraceSubject | undefined, { sender }: TraceOptions): string {
  const address =
    sender?.reversePath ??
    (subject?.kind === 'keys' && subject.address ? parseAddress(subject.address) : undefined)
  const byDomain = address
    ? ` Newsletters and the like have another sender than the address in their From field: "postrider trace ${formatDomainForPeople(address.domain)}" finds what came in the name of that domain.`
    : ''
  return `Nothing that fits is in the trail.${byDomain} "postrider trace --search <text>" looks for text anywhere in it.`
}

/** All of it happened on one connection, and none of it is of a message: one thing, or several recipients who were refused. */
function isOneSession(found: readonly FoundMessage[]): boolean {
  if (found.some(({ queueId }) => queueId !== undefined)) return false
  const sessions = new Set(found.map(({ records }) => sessionOf(records[0]?.event)))
  return sessions.size === 1 && (found.length === 1 || !sessions.has(undefined))
}

function sessionOf(event: TrailRecord['event'] | undefined): string | undefined {
  return event !== undefined && 'sessionId' in event ? event.sessionId : undefined
}

interface Envelope {
  readonly from: string
  readonly to: string
  readonly subject: string
}

function envelopeOf(records: readonly TrailRecord[]): Envelope {
  for (const { event } of records) {
    switch (event.kind) {
      case 'received': {
        const { reversePath, recipients, subject = '' } = event.reception
        return { from: senderText(reversePath), to: listed(recipients), subject }
      }
      case 'refused':
        return {
          from: event.reversePath === undefined ? '' : senderText(event.reversePath),
          to: event.forwardPath ?? listed(event.recipients ?? []),
          subject: '',
        }
      case 'cut-off':
        return { from: senderText(event.reversePath), to: listed(event.recipients), subject: '' }
      case 'queue-started':
      case 'fetched':
        return { from: event.account ?? '', to: listed(event.domains), subject: '' }
      case 'written':
        return {
          from: senderText(event.reversePath ?? ''),
          to: listed(event.recipients),
          subject: event.subject ?? '',
        }
      default:
    }
  }
  // Its beginning is forgotten.
  const tried = records.flatMap(({ event }) => (event.kind === 'attempted' ? [event.recipient] : []))
  const isReport = records.some(({ event }) => event.kind === 'reports')
  return { from: isReport ? '<>' : '', to: listed([...new Set(tried)]), subject: '' }
}

function senderText(reversePath: string): string {
  return reversePath === '' ? '<>' : formatDomainsForPeople(reversePath)
}

function listed(recipients: readonly string[]): string {
  const [first = '', ...others] = recipients
  return others.length === 0 ? first : `${first} and ${others.length} more`
}

function lastOf({ records }: FoundMessage): string {
  const last = records.at(-1)
  return last ? describeEvent(last.event).text : ''
}

function clip(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text
}

function foundJson({ queueId, records }: FoundMessage): unknown {
  return {
    at: new Date(records[0]?.at ?? 0).toISOString(),
    queueId: queueId === undefined ? null : formatQueueId(queueId),
    events: records.map(recordJson),
  }
}

/** What was found so far, then what happens. */
async function follow(
  invocation: Invocation,
  subject: TraceSubject | undefined,
  options: TraceOptions,
): Promise<void> {
  const groups = groupsOf(subject, options)
  const show = (record: TrailRecord, isNew: boolean): void => {
    const { output } = invocation
    if (output.json) output.jsonLine(recordJson(record))
    else {
      const id = record.queueId === undefined ? `(${namelessWord([record])})` : formatQueueId(record.queueId)
      const lines = describeRecord(record, options.dialogue === true)
      const named = subject?.kind === 'queue-id' ? lines : [`${id}  ${lines[0] ?? ''}`, ...lines.slice(1)]
      output.say(named.join('\n'), isNew ? undefined : 'dim')
    }
  }
  await invocation.withStorage(async (storage, settings) => {
    if (subject?.kind === 'queue-id') {
      const { queueId } = subject
      const { records, stored, isBeginningForgotten } = await readTrace(storage, queueId)
      const style = { now: invocation.clock.now(), retentionDays: settings.trail.retentionDays }
      if (records.length === 0 && !stored) invocation.output.note(describeUnknown(queueId, style))
      else if (isBeginningForgotten) invocation.output.note(describeForgotten(queueId, style))
    }
    await followTrail({
      storage,
      clock: invocation.clock,
      onInterrupt: invocation.surroundings.onInterrupt,
      follows: whatFollows(groups, subject?.kind === 'queue-id' ? subject.queueId : undefined),
      show,
    })
  })
}

async function search(
  invocation: Invocation,
  text: string,
  subject: TraceSubject | undefined,
  options: TraceOptions,
): Promise<void> {
  if (text === '') throw new WrongUsage('--search needs a text.')
  // It reads single steps, of which few have all that is known of a message.
  if (subject || options.follow || groupsOf(undefined, options).length > 0)
    throw new WrongUsage('--search goes with --since and --until, and with nothing else.')
  const now = invocation.clock.now()
  const { since, until } = timesOf({ since: `${searchedDays} days`, ...options }, now)
  const records = await invocation.withStorage(storage =>
    storage.run(searchTrail, { text: asRecorded(text), since, until, limit: maxSteps }),
  )
  invocation.output.rows(
    records,
    [
      { title: 'TIME', cell: record => formatTime(record.at) },
      {
        title: 'QUEUE ID',
        cell: record =>
          record.queueId === undefined ? `(${namelessWord([record])})` : formatQueueId(record.queueId),
      },
      { title: 'WHAT', cell: record => formatDomainsForPeople(describeEvent(record.event).text) },
    ],
    recordJson,
    `No step since ${formatTime(since)}${options.until === undefined ? '' : ` until ${formatTime(until)}`} has "${text}". --since looks further back.`,
  )
  invocation.output.note(
    `Searched: what is written of each step (addresses, subjects, replies, dialogues), ${notSearched}: its text, its other header fields and what is in mailboxes are not in the trail.`,
  )
  if (records.length === maxSteps)
    invocation.output.incomplete(`Only the newest ${maxSteps} steps; search for something narrower.`)
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
