// postrider why: where a message is, why it waits, when it goes, and what would speed it up; in a paragraph.
import { Argument, type Command, InvalidArgumentError } from 'commander'
import type { Address } from '../../address/address.ts'
import { formatAddress, formatAddressForPeople } from '../../address/format-address.ts'
import { parseAddress } from '../../address/parse-address.ts'
import type { Settings } from '../../config/settings.ts'
import { findQueuedMessages } from '../../queue/list-queue.ts'
import { formatQueueId, parseQueueId, type QueueId } from '../../queue/queue-id.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { hasAny } from '../../trail/find-events.ts'
import { type FoundMessage, findMessages } from '../../trail/find-messages.ts'
import { trailKeys } from '../../trail/keys.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import type { TracedMessage } from '../describe-trace.ts'
import { describeWhy, type Hold, standingsOf, type WhyStyle } from '../describe-why.ts'
import { describeEvent } from '../format-trail.ts'
import { gateJson } from '../gate-json.ts'
import type { Invocation } from '../invocation.ts'
import { describeFullness, readFullness } from '../mailbox-fullness.ts'
import { checkServer, noServerText } from '../missing-server.ts'
import type { CommandStorage } from '../open-storage.ts'
import { readProspects } from '../prospects.ts'
import { formatCount, formatTime } from '../quantities.ts'
import { readTrace, type StoredTrace } from './trace.ts'

type WhySubject =
  | { readonly kind: 'queue-id'; readonly queueId: QueueId }
  | { readonly kind: 'address'; readonly address: Address }

/** Of an address: so many messages, those that wait before those that do not. */
const maxMessages = 3
/** So many that wait are counted. */
const maxWaiting = 100
/** So many are counted. */
const maxLogIns = 1000
const dayMs = 86_400_000

export function addWhyCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'why',
    summary: 'Say in a paragraph where a message is, why it waits, when it goes, and what would speed it up',
    description:
      'Say in a paragraph where a message is, why it waits, when it goes, and what would speed it up. ' +
      'With an address: the newest messages to it and from it, those that wait first, how it failed to log in lately, and whether its mailboxes are full.',
    examples: ['why 1CCD5D74AAE', 'why boris@example.org'],
  })
    .addArgument(new Argument('<queue-id or address>', 'as in "queued as …"').argParser(whyArgument))
    .action(
      perform(run, async (invocation, _options: object, subject: WhySubject) => {
        await why(invocation, subject)
      }),
    )
}

function whyArgument(text: string): WhySubject {
  const queueId = parseQueueId(text)
  if (queueId !== undefined) return { kind: 'queue-id', queueId }
  const address = parseAddress(text)
  if (address) return { kind: 'address', address }
  throw new InvalidArgumentError(
    'It has to be a queue id, as 1CCD5D74AAE, or an address, as anna@example.test.',
  )
}

async function why(invocation: Invocation, subject: WhySubject): Promise<void> {
  const now = invocation.clock.now()
  const { messages, others, noServer, retentionDays, prospects, asides } = await invocation.withStorage(
    async (storage, settings) => {
      const { ids, others } =
        subject.kind === 'queue-id'
          ? { ids: [subject.queueId], others: undefined }
          : await messagesOf(storage, formatAddress(subject.address))
      const traces: (StoredTrace & { readonly queueId: QueueId })[] = []
      for (const queueId of ids) traces.push({ queueId, ...(await readTrace(storage, queueId)) })
      const stored = traces.flatMap(trace => trace.stored ?? [])
      const { messages: waiting, noServer } = await checkServer(storage, settings, stored, {
        clock: invocation.clock,
        now,
      })
      return {
        messages: traces.map(
          ({ stored: _stored, ...trace }): TracedMessage => ({
            ...trace,
            queued: waiting.find(({ message }) => message.id === trace.queueId),
          }),
        ),
        others,
        noServer,
        retentionDays: settings.trail.retentionDays,
        asides:
          subject.kind === 'address' ? await describeAccount(storage, settings, subject.address, now) : [],
        prospects: await readProspects(storage, settings, waiting, now),
      }
    },
  )
  if (messages.length === 0 && subject.kind === 'address') {
    const also = asides.map(text => `\n\n${text}`).join('')
    throw new UsageFault(
      'CLI_NO_TRAIL',
      `No message to or from ${formatAddressForPeople(subject.address)} is known: none came in the last ${retentionDays} days. "postrider trace ${formatAddress(subject.address)}" finds those that were refused, too.${also}`,
    )
  }
  const told = messages.map(message => ({
    message,
    style: styleOf(message, subject, { now, retentionDays, prospects }),
  }))
  const paragraphs = told.map(({ message, style }) => describeWhy(message, style))
  if (messages.every(({ records, queued }) => records.length === 0 && !queued))
    throw new UsageFault('CLI_NO_TRAIL', paragraphs.join('\n\n'))
  invocation.output.result(
    told.map(({ message, style }, n) => whyJson(message, style, paragraphs[n] ?? '')),
    [
      ...(noServer ? [noServerText] : []),
      ...paragraphs,
      ...(others === undefined ? [] : [others]),
      ...asides,
    ].join('\n\n'),
  )
}

/** What else may be why the owner of an account of ours misses mail. */
async function describeAccount(
  storage: Pick<CommandStorage, 'run'>,
  settings: Settings,
  address: Address,
  now: number,
): Promise<readonly string[]> {
  const fullness = await readFullness(storage, settings, address, now)
  const sayings = [
    await describeRefusedLogIn(storage, formatAddress(address), now),
    fullness && describeFullness(fullness),
  ]
  return sayings.filter(saying => saying !== undefined)
}

/** Who asks why no mail comes from somebody is told that he does not get in; undefined: nothing of the last day. */
async function describeRefusedLogIn(
  storage: Pick<CommandStorage, 'run'>,
  address: string,
  now: number,
): Promise<string | undefined> {
  const { found, hasMore } = await findMessages(storage, {
    groups: [[trailKeys.login(address)]],
    since: now - dayMs,
    until: Number.MAX_SAFE_INTEGER,
    limit: maxLogIns,
  })
  const [newest] = found[0]?.records ?? []
  if (!newest) return undefined
  const times = hasMore ? `more than ${maxLogIns} times` : formatCount(found.length, 'time')
  const told = `Logging in with this name failed ${times} in the last 24 hours, last at ${formatTime(newest.at)}: ${describeEvent(newest.event).text}`
  const { blockedUntil = 0, blockedBy = 'network' } = 'blockedUntil' in newest.event ? newest.event : {}
  if (blockedBy === 'network' || blockedUntil <= now) return told
  return `${told}\n"postrider account unlock ${address}" lets the owner in before that.`
}

/** Of a message to many who is asked about is told of, and of one from him everybody. */
function styleOf({ records, queued }: TracedMessage, subject: WhySubject, style: WhyStyle): WhyStyle {
  if (subject.kind === 'queue-id') return style
  const recipient = formatAddress(subject.address)
  const isRecipient = standingsOf({ queueId: 0, records, queued }, { ...style, recipient }).length > 0
  return isRecipient ? { ...style, recipient } : style
}

interface MessagesOf {
  readonly ids: readonly QueueId[]
  /** Sentences about those that are not among them; undefined: there are none. */
  readonly others: string | undefined
}

async function messagesOf(storage: Pick<CommandStorage, 'run'>, address: string): Promise<MessagesOf> {
  const ids = new Set<QueueId>()
  for (const selection of [{ forwardPath: address }, { reversePath: address }])
    for (const id of await storage.run(findQueuedMessages, { selection, limit: maxWaiting })) ids.add(id)
  const moreWaiting = ids.size - maxMessages
  const keys = [trailKeys.recipient(address), trailKeys.sender(address)]
  const { found, hasMore } = await findMessages(storage, {
    groups: [keys],
    since: 0,
    until: Number.MAX_SAFE_INTEGER,
    limit: 4 * maxMessages,
  })
  // A report about an address is no mail to it.
  const isOfAddress = ({ records }: FoundMessage): boolean =>
    records.some(({ event }) => event.kind !== 'reports' && hasAny(event, keys))
  for (const message of found)
    if (message.queueId !== undefined && isOfAddress(message)) ids.add(message.queueId)
  return {
    ids: [...ids].slice(0, maxMessages),
    others: describeOthers(address, { moreWaiting, hasMore: hasMore || ids.size > maxMessages }),
  }
}

function describeOthers(
  address: string,
  { moreWaiting, hasMore }: { readonly moreWaiting: number; readonly hasMore: boolean },
): string | undefined {
  if (moreWaiting > 0) {
    const some = moreWaiting + maxMessages >= maxWaiting ? `${maxWaiting - maxMessages} or more` : moreWaiting
    const wait = some === 1 ? 'more message to or from it waits' : 'more messages to or from it wait'
    return `${some} ${wait}: "postrider queue list --to ${address}" and "postrider queue list --from ${address}" have all.`
  }
  return hasMore
    ? `More messages to or from it are known: "postrider trace ${address}" lists them.`
    : undefined
}

function whyJson(message: TracedMessage, style: WhyStyle, text: string): unknown {
  return {
    queueId: formatQueueId(message.queueId),
    text,
    recipients: standingsOf(message, style).map(standing => ({
      recipient: standing.recipient,
      state: standing.kind,
      cause: standing.cause ?? null,
      detail: standing.detail ?? null,
      attempts: standing.attempts ?? null,
      nextAttemptAt: timeJson(standing.nextAttemptAt),
      nextAttemptBecause: standing.nextAttemptBecause ?? null,
      givenUpAt: timeJson(standing.endsAt),
      endedAt: timeJson(standing.endedAt),
      via: standing.via ?? null,
      inLine: gateJson(standing.gate),
      held: standing.hold ? holdJson(standing.hold) : null,
      text: standing.text,
    })),
  }
}

function timeJson(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString()
}

function holdJson(hold: Hold): unknown {
  return 'at' in hold ? { ...hold, at: timeJson(hold.at) } : hold
}
