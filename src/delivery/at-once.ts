// Delivery at once, for LMTP (RFC 2033): when the message has come whole it is filed into mailboxes of ours in the transaction that
// takes it, so that the reply to each recipient is its fate. It is in no queue meanwhile. A recipient whose mail goes on from here
// (an alias that leads to another server) is put into the queue, in the same transaction.
import { formatAddress } from '../address/format-address.ts'
import type { QueueSettings } from '../config/settings.ts'
import { fileAtOnce } from '../queue/file-at-once.ts'
import type { NewMessage, NewRecipient } from '../queue/new-message.ts'
import { formatQueueId, type QueueId } from '../queue/queue-id.ts'
import type { ClaimedWork, QueuedMessage, QueuedRecipient } from '../queue/records.ts'
import type { SettlementReport } from '../queue/settle.ts'
import type { Router } from '../routing/route.ts'
import type { Log } from '../runtime/log.ts'
import type { MailDataStore, StoredMailData } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import { expandRecipient } from './expand-recipient.ts'
import type { NoteReport } from './incoming-reports.ts'
import { fileInMailbox } from './local-delivery.ts'
import type { RoomRules } from './mailbox-room.ts'
import type { Diagnosis } from './outcome.ts'
import { type Attempted, planSettlement, type ReportableOutcome } from './plan-settlement.ts'
import { createReportComposer } from './reports.ts'
import { createRetrySchedule } from './retry-schedule.ts'
import { filesOf } from './settler.ts'

/** Of one recipient of those with which the message came. */
export type Fate =
  | { readonly kind: 'delivered' }
  /** It goes on from here, by the queue. */
  | { readonly kind: 'queued' }
  | { readonly kind: 'failed'; readonly diagnosis: Diagnosis }

export type AtOnce =
  /** By address. `isKept`: the message is ours, for some of them at least. */
  | { readonly kind: 'decided'; readonly fates: ReadonlyMap<string, Fate>; readonly isKept: boolean }
  /** Nothing was written: the queue id is taken, or an account has gone, or become full, in this moment. */
  | { readonly kind: 'outdated' }

export type DeliverAtOnce = (message: NewMessage) => Promise<AtOnce>

export interface AtOnceParts {
  readonly storage: Storage
  readonly mailData: MailDataStore
  readonly log: Log
  readonly hostname: string
  readonly queue: QueueSettings
  readonly router: Router
  readonly room: RoomRules
  readonly noteReport: NoteReport
  readonly nextQueueId: () => QueueId
}

/** Groups with more mailboxes than that are expanded by the queue: a session should not wait for so long. */
const maxFilings = 100
const hourMs = 3_600_000

export function createDeliveryAtOnce(parts: AtOnceParts): DeliverAtOnce {
  const { storage, mailData, queue } = parts
  const schedule = createRetrySchedule(queue)
  return async incoming => {
    const { message } = incoming
    const work: ClaimedWork = { message, mailDataId: message.id, recipients: [] }
    const each = await Promise.all(
      incoming.recipients.map(async recipient => ({
        recipient,
        way: await findWay(parts, work, queuedRecipient(message, recipient)),
      })),
    )
    const queued = each.filter(({ way }) => way.kind === 'elsewhere').map(({ recipient }) => recipient)
    const fates = new Map(
      each.map(({ recipient, way }) => [formatAddress(recipient.forwardPath), fateOf(way)] as const),
    )
    const ended = each.flatMap(({ way }) => (way.kind === 'mailboxes' ? way.ended : []))
    if (ended.length + queued.length === 0) return { kind: 'decided', fates, isKept: false }
    const plans = ended.map(one => planSettlement(one, message.acceptedAt, schedule, 0))
    const told = plans.flatMap(({ report }) => report ?? [])
    const reports = told.length > 0 ? await composeReports(parts, incoming, told) : []
    const written = await storage.run(fileAtOnce, {
      message: { ...incoming, recipients: queued },
      settlements: plans.map(({ settlement }) => settlement),
      reports,
    })
    if (written === 'outdated') {
      await discardFiles(mailData, reports)
      return { kind: 'outdated' }
    }
    await noteReport(parts, message, ended)
    return { kind: 'decided', fates, isKept: true }
  }
}

type Way =
  /** All of it ends in mailboxes of ours, by these steps. */
  | { readonly kind: 'mailboxes'; readonly ended: readonly Attempted[] }
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'nowhere'; readonly diagnosis: Diagnosis }

type WayParts = Pick<AtOnceParts, 'router' | 'room'>

const elsewhere: Way = { kind: 'elsewhere' }

/** Rejects with a StorageFault when the directory cannot be read. */
async function findWay(parts: WayParts, work: ClaimedWork, recipient: QueuedRecipient): Promise<Way> {
  // The delivery thread reads what others report, at the delivery.
  if (work.message.isTlsReport || work.message.isDmarcReport) return elsewhere
  const route = await parts.router.route(recipient)
  switch (route.kind) {
    case 'mailbox': {
      // Its script runs where nobody waits for it.
      if (route.scriptId !== undefined) return elsewhere
      const ended = await fileInMailbox(parts.room, work, { recipient, route })
      return ended.outcome.kind === 'deferred' || ended.outcome.kind === 'failed'
        ? { kind: 'nowhere', diagnosis: ended.outcome.diagnosis }
        : { kind: 'mailboxes', ended: [ended] }
    }
    case 'expansion':
      return await followExpansion(parts, work, expandRecipient(work, recipient, route.targets))
    case 'remote':
    case 'kept':
      return elsewhere
    case 'unroutable':
      // Of a circle, and of what is wrong behind an alias, the queue tells the sender more than a reply can.
      return route.diagnosis.cause === 'loop' ? elsewhere : { kind: 'nowhere', diagnosis: route.diagnosis }
    default:
      return route satisfies never
  }
}

async function followExpansion(parts: WayParts, work: ClaimedWork, expanded: Attempted): Promise<Way> {
  const ended = [expanded]
  for (const target of expanded.into ?? []) {
    const way = await findWay(parts, work, queuedRecipient(work.message, target))
    if (way.kind !== 'mailboxes' || ended.length + way.ended.length > maxFilings) return elsewhere
    ended.push(...way.ended)
  }
  return { kind: 'mailboxes', ended }
}

function fateOf(way: Way): Fate {
  switch (way.kind) {
    case 'mailboxes':
      return { kind: 'delivered' }
    case 'elsewhere':
      return { kind: 'queued' }
    case 'nowhere':
      return { kind: 'failed', diagnosis: way.diagnosis }
    default:
      return way satisfies never
  }
}

/** As the queue would have it, in which it never stands. */
function queuedRecipient({ id, acceptedAt }: QueuedMessage, recipient: NewRecipient): QueuedRecipient {
  return { ...recipient, id: 0, messageId: id, state: 'ready', attempts: 0, dueAt: acceptedAt }
}

/** Of successes, for those who want to hear of them. */
async function composeReports(
  { mailData, queue, ...parts }: AtOnceParts,
  { message, mailData: stored }: NewMessage,
  told: readonly ReportableOutcome[],
): Promise<readonly SettlementReport[]> {
  const compose = createReportComposer({
    ...parts,
    mailData: beforeItIsKept(mailData, stored),
    lifetimeMs: queue.lifetimeHours * hourMs,
    held: false,
  })
  return await compose(told, message.acceptedAt)
}

/** No row names it yet. */
function beforeItIsKept(mailData: MailDataStore, stored: StoredMailData): MailDataStore {
  return {
    create: () => mailData.create(),
    read: (_id, from) => mailData.readStored(stored, from),
    readSmall: () => Promise.resolve(new Map()),
    assertThere: () => Promise.resolve(),
    readStored: (other, from) => mailData.readStored(other, from),
    discard: names => mailData.discard(names),
  }
}

/** Never rejects: the message is where it belongs, whatever becomes of what it tells. */
async function noteReport(
  { log, ...parts }: AtOnceParts,
  message: QueuedMessage,
  ended: readonly Attempted[],
): Promise<void> {
  try {
    const filed = ended.filter(({ filing }) => filing).map(({ recipient }) => recipient)
    if (filed.length > 0) await parts.noteReport(message, message.id, filed)
  } catch (cause) {
    log.warn('a report of another server was delivered, and could not be noted', {
      queueId: formatQueueId(message.id),
      reason: String(cause),
    })
  }
}

/** Never rejects. */
async function discardFiles(mailData: MailDataStore, reports: readonly SettlementReport[]): Promise<void> {
  const names = filesOf(reports)
  // What is left over the sweep takes.
  if (names.length > 0) await mailData.discard(names).catch(() => undefined)
}
