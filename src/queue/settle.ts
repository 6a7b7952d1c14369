// What an attempt came to, written in one transaction: recipients leave or wait, mail is filed, reports are queued.
import { formatAddress } from '../address/format-address.ts'
import { type FilingPlace, fileMessage } from '../mailbox/file-message.ts'
import { holdsMessage } from '../mailbox/holds-message.ts'
import { type Extent, findQuotaOf, findRoom, noLimit, raiseLevel } from '../mailbox/quota.ts'
import { takeOutOfJunk } from '../mailbox/take-out-of-junk.ts'
import { hasMailData, mailDataFile, removeUnreferencedMailData } from '../storage/mail-data-rows.ts'
import { defineWrite, type Tx } from '../storage/operation.ts'
import { type AddressNews, noteAddressNews } from '../suppression/note-suppression.ts'
import { appendEvent, appendEventOnce } from '../trail/append-event.ts'
import type { TrailEvent } from '../trail/events.ts'
import type { GatePlace } from './gates.ts'
import { insertMessage, insertRecipient, type RecipientPlace } from './insert-message.ts'
import type { NewMessage, NewRecipient } from './new-message.ts'
import { formatQueueId, type QueueId } from './queue-id.ts'
import type { LastReason, RecipientState } from './records.ts'
import { releaseLease } from './release-leases.ts'
import {
  asDecidedBefore,
  doAsScriptSays,
  filesOfUnusedScript,
  hasDecided,
  isOvertaken,
  moveOutOfJunk,
  type ScriptResult,
} from './settle-script.ts'

export interface Settlement {
  readonly messageId: QueueId
  readonly recipientId: number
  /** Trail events of this attempt, written with it. */
  readonly events: readonly TrailEvent[]
  /** What it says of the address, for the suppression list. */
  readonly about?: AddressNews | undefined
  readonly result: /** Relayed, failed, expired, cancelled: the recipient leaves the queue. */
    | { readonly kind: 'done' }
    /** Filed into a mailbox of ours in the same transaction, unless the account has it; a crash neither loses nor doubles it. */
    | ({
        readonly kind: 'file'
        /** Somebody has said that it is wanted: what the account has of it in Junk moves. */
        readonly isWanted?: boolean | undefined
        /** What it takes, and of what; undefined: it is filed whether or not there is room. */
        readonly room?: RoomTaken | undefined
      } & FilingPlace)
    /** As the script of the account says: once for each account, by whichever of its addresses the message came first. */
    | ScriptResult
    | ({
        readonly kind: 'retry'
        /** False: there was no attempt, so none is counted, and a suspect (docs/adr/0005) is still one. */
        readonly tried: boolean
        readonly dueAt: number
        readonly delayReported: boolean
        /** It may be tried before `dueAt`, when its turn comes there. */
        readonly place?: GatePlace | undefined
      } & LastReason)
    /** No attempt, and nothing to tell: it stands in line at a gate, until `dueAt` at the latest. `reason`: of a closed one. */
    | {
        readonly kind: 'wait'
        readonly dueAt: number
        readonly place: GatePlace
        readonly reason?: LastReason | undefined
      }
    /** Its sender's mail is held: it waits for its release. */
    | { readonly kind: 'hold' }
    /** It is due, in another part of the queue. */
    | { readonly kind: 'move'; readonly shard: number }
    | { readonly kind: 'expand'; readonly into: readonly NewRecipient[] }
}

export interface RoomTaken {
  readonly bytes: number
  /** As the settings say, where nothing else is said of the account. */
  readonly usual: Extent
  /** Of the limits, beyond them. */
  readonly spare: number
}

export interface Settling {
  readonly owner: string
  readonly at: number
  readonly settlements: readonly Settlement[]
  readonly reports: readonly SettlementReport[]
}

/** A DSN about some of the settlements: queued with them, so that none is lost or doubled. */
export interface SettlementReport {
  readonly message: NewMessage
  readonly recipientIds: readonly number[]
  readonly about: ReportSubject
}

/** What a report tells, for both trails: that of the message it is about, and its own. */
export interface ReportSubject {
  readonly messageId: QueueId
  /** As in RFC 3464 §2.3.3. */
  readonly action: string
  /** Their addresses. */
  readonly recipients: readonly string[]
}

export interface Settled {
  /** Recipients whose lease was no longer the owner's: left alone. */
  readonly lost: number
  /** Mail data files that nothing refers to any longer. */
  readonly orphanedFiles: readonly string[]
}

/** Nothing was written: a report would tell what is not so, or under a queue id that is taken. Compose them again. */
export interface ReportsOutdated {
  /** Recipients of whom nothing can be told: their leases, or the accounts into which they were to be filed, are gone. */
  readonly unsettled: readonly number[]
  /** Mail data files of the reports that nothing refers to. */
  readonly orphanedFiles: readonly string[]
}

export const settle = defineWrite(
  'queue.settle',
  async (tx, { owner, at, settlements, reports }: Settling): Promise<Settled | ReportsOutdated> => {
    await lockMessages(
      tx,
      settlements.flatMap(({ messageId, result }) => (staysInQueue(result) ? [] : [messageId])),
    )
    const homeless = await findHomeless(tx, at, settlements)
    const unsettled = await findUntold(tx, { owner, settlements, reports }, homeless)
    if (unsettled) {
      const files = await tx.forAll(reports, ({ message }) => fileOfUnusedReport(tx, message))
      return { unsettled, orphanedFiles: files.flat() }
    }
    const inOrder = settlements.toSorted((a, b) => a.recipientId - b.recipientId)
    // What becomes of one recipient of a message matters to the next; and so does, to a script, what it has done before.
    const messages = Map.groupBy(inOrder, ({ messageId }) => messageId)
    const settleAll = async (lots: Iterable<readonly Settlement[]>): Promise<readonly Outcome[]> => {
      const outcomes = await tx.forAll(lots, async lot => {
        const each: Outcome[] = []
        for (const settlement of lot) each.push(await settleOne(tx, { owner, at }, homeless, settlement))
        return each
      })
      return outcomes.flat()
    }
    const { sideBySide, after } = orderByAccount([...messages.values()])
    const all = [...(await settleAll(sideBySide)), ...(await settleAll([after]))]
    const settled = new Set(all.flatMap(({ recipientId, kind }) => (kind === 'settled' ? [recipientId] : [])))
    const touched = all.flatMap(({ kind, leaves }) =>
      kind === 'settled' && leaves !== undefined ? [leaves] : [],
    )
    const lost = all.filter(({ kind }) => kind === 'lost').length
    const orphanedFiles: string[] = all.flatMap(({ unusedFiles = [] }) => unusedFiles)
    for (const report of reports) {
      // Nobody is told of what somebody else settled, or an administrator cancelled.
      if (report.recipientIds.some(id => settled.has(id))) await insertReport(tx, at, report)
      else orphanedFiles.push(...(await fileOfUnusedReport(tx, report.message)))
    }
    orphanedFiles.push(...(await removeFinishedMessages(tx, touched)))
    await noteAddressNews(
      tx,
      at,
      settlements.flatMap(({ recipientId, messageId, about }) =>
        about && settled.has(recipientId) ? [{ queueId: messageId, about }] : [],
      ),
    )
    return { lost, orphanedFiles }
  },
  { wakes: 'queue' },
)

/** Lots that may be settled side by side, because no two of them run the script of one account; and what comes after them. */
function orderByAccount(messages: readonly (readonly Settlement[])[]): {
  readonly sideBySide: readonly (readonly Settlement[])[]
  readonly after: readonly Settlement[]
} {
  const plain: (readonly Settlement[])[] = []
  const after: Settlement[] = []
  const byAccount = new Map<number, Settlement[]>()
  for (const message of messages) {
    const [account, ...more] = new Set(
      message.flatMap(({ result }) => (result.kind === 'script' ? [result.accountId] : [])),
    )
    if (account === undefined) plain.push(message)
    else if (more.length > 0) after.push(...message)
    else byAccount.set(account, [...(byAccount.get(account) ?? []), ...message])
  }
  return { sideBySide: [...plain, ...byAccount.values()], after }
}

interface Outcome {
  readonly recipientId: number
  readonly kind: 'settled' | 'lost' | 'routed-again'
  /** The message that it has left. */
  readonly leaves?: QueueId
  readonly unusedFiles?: readonly string[]
}

async function settleOne(
  tx: Tx,
  { owner, at }: Pick<Settling, 'owner' | 'at'>,
  homeless: ReadonlySet<Settlement>,
  settlement: Settlement,
): Promise<Outcome> {
  const { messageId, recipientId, result } = settlement
  const script = result.kind === 'script' ? result : undefined
  const isBefore = script !== undefined && (await hasDecided(tx, script, messageId, at))
  if (homeless.has(settlement) || (script && !isBefore && (await isOvertaken(tx, script, at)))) {
    // Where its mail goes now, the directory says, or how much room there is, or what the script makes of it now.
    const isOurs = await releaseLease(tx, { owner, recipientId, now: at })
    return { recipientId, kind: isOurs ? 'routed-again' : 'lost', ...(await unusedFiles(tx, script)) }
  }
  const events = await settleRecipient(tx, owner, at, settlement, isBefore)
  if (!events) {
    await noteDeparture(tx, at, settlement)
    return { recipientId, kind: 'lost', ...(await unusedFiles(tx, script)) }
  }
  await tx.forAll(events, event => appendEvent(tx, at, messageId, event))
  return {
    recipientId,
    kind: 'settled',
    ...(staysInQueue(result) ? {} : { leaves: messageId }),
    ...(isBefore ? await unusedFiles(tx, script) : {}),
  }
}

async function unusedFiles(tx: Tx, script: ScriptResult | undefined): Promise<Pick<Outcome, 'unusedFiles'>> {
  return script ? { unusedFiles: await filesOfUnusedScript(tx, script) } : {}
}

function staysInQueue({ kind }: Settlement['result']): boolean {
  return kind === 'retry' || kind === 'wait' || kind === 'move' || kind === 'hold'
}

/**
 * What becomes of a recipient depends on the others of its message: is it the last, has its account the message already,
 * is who takes its place in it? In one order, so that two do not wait for each other.
 */
export async function lockMessages(tx: Tx, ids: Iterable<QueueId>): Promise<void> {
  await tx.forAll(ascending(ids), id => tx.lockRow('queue_message', id))
}

/**
 * What cannot be filed: its account has been removed, or others have filled it, since the recipient was routed. The accounts of
 * all others are there, and stay until the end, with the room for it.
 */
export async function findHomeless(
  tx: Tx,
  now: number,
  settlements: readonly Settlement[],
): Promise<ReadonlySet<Settlement>> {
  const filed = settlements.flatMap(settlement => {
    const { result, messageId } = settlement
    return result.kind === 'file' || result.kind === 'script' ? [{ settlement, result, messageId }] : []
  })
  const ofAccounts = Map.groupBy(filed, ({ result }) => result.accountId)
  const found = await tx.forAll(ascending(ofAccounts.keys()), async accountId => {
    await tx.lockRow('account', accountId)
    const ofAccount = ofAccounts.get(accountId) ?? []
    const usual = ofAccount.find(({ result }) => result.room)?.result.room?.usual
    const quota = await findQuotaOf(tx, accountId, usual ?? noLimit)
    if (!quota) return ofAccount.map(({ settlement }) => settlement)
    const full: Settlement[] = []
    let extent = noLimit
    for (const { settlement, result, messageId } of ofAccount) {
      const { bytes = 0, spare = Infinity } = result.room ?? {}
      const messages = result.kind === 'script' ? result.filings.length : 1
      const withIt = { bytes: extent.bytes + bytes, messages: extent.messages + messages }
      if (messages === 0 || findRoom(quota, withIt, { now, spare }) === 'there') extent = withIt
      // It takes none where the account has it already.
      else if (!(await isThere(tx, result, messageId, now))) full.push(settlement)
    }
    await raiseLevel(tx, { accountId, extent, now }, quota)
    return full
  })
  return new Set(found.flat())
}

async function isThere(
  tx: Tx,
  result: Extract<Settlement['result'], { kind: 'file' | 'script' }>,
  messageId: QueueId,
  now: number,
): Promise<boolean> {
  return result.kind === 'script'
    ? await hasDecided(tx, result, messageId, now)
    : await holdsMessage(tx, result.accountId, messageId)
}

function ascending(ids: Iterable<number>): number[] {
  return [...new Set(ids)].sort((a, b) => a - b)
}

/** Recipients of whom a report would tell what is not so. Undefined: all can be queued, or, of each, nothing is left to be told. */
async function findUntold(
  tx: Tx,
  { owner, settlements, reports }: Pick<Settling, 'owner' | 'settlements' | 'reports'>,
  homeless: ReadonlySet<Settlement>,
): Promise<readonly number[] | undefined> {
  if (reports.length === 0) return undefined
  // All of them, and not those of the reports alone: in one order, so that two do not wait for each other.
  const leased = await lockLeases(
    tx,
    owner,
    settlements.map(({ recipientId }) => recipientId),
  )
  const unfiled = new Set([...homeless].map(({ recipientId }) => recipientId))
  const found = await tx.forAll(reports, async ({ message: { message }, recipientIds }) => {
    const gone = recipientIds.filter(id => unfiled.has(id) || !leased.has(id))
    // Such as after a settling whose commit was not answered, and which had queued the report.
    if (gone.length === recipientIds.length) return undefined
    return gone.length > 0 || (await hasMailData(tx, message.id)) ? gone : undefined
  })
  const outdated = found.filter(gone => gone !== undefined)
  return outdated.length > 0 ? outdated.flat() : undefined
}

/** Of the recipients those that are the owner's, and stay so until the end. */
async function lockLeases(
  tx: Tx,
  owner: string,
  recipientIds: readonly number[],
): Promise<ReadonlySet<number>> {
  const leased = `SELECT 1 AS found FROM queue_recipient WHERE id = ? AND lease_owner = ? ${tx.forUpdate}`
  const held = await tx.forAll(ascending(recipientIds), async id =>
    (await tx.get(leased, id, owner)) ? [id] : [],
  )
  return new Set(held.flat())
}

// Either trail leads to the other message.
export async function insertReport(
  tx: Tx,
  at: number,
  { message, about: { messageId, action, recipients } }: SettlementReport,
): Promise<void> {
  await insertMessage(tx, message)
  const { id } = message.message
  await appendEvent(tx, at, messageId, { kind: 'reported', action, recipients, reportId: formatQueueId(id) })
  await appendEvent(tx, at, id, { kind: 'reports', action, recipients, aboutId: formatQueueId(messageId) })
}

// A settling that is repeated, because nobody knows what became of it, may have queued the report the first time.
async function fileOfUnusedReport(
  tx: Tx,
  { message, mailData: { location } }: NewMessage,
): Promise<string[]> {
  if (location.kind !== 'file') return []
  const isQueued = (await mailDataFile(tx, message.id)) === location.name
  return isQueued ? [] : [location.name]
}

/** The events to append; undefined when the lease is lost. */
async function settleRecipient(
  tx: Tx,
  owner: string,
  at: number,
  { messageId, recipientId, events, result }: Settlement,
  isDecidedBefore: boolean,
): Promise<readonly TrailEvent[] | undefined> {
  if (result.kind === 'wait') {
    const { changes } = await tx.run(
      `UPDATE queue_recipient SET due_at = ?, lease_owner = NULL, gate = ?, gate_share = ?,
         last_diagnosis = COALESCE(?, last_diagnosis), last_cause = COALESCE(?, last_cause), last_host = COALESCE(?, last_host)
       WHERE id = ? AND lease_owner = ?`,
      result.dueAt,
      result.place.gate,
      result.place.share,
      result.reason?.diagnosis ?? null,
      result.reason?.cause ?? null,
      result.reason?.host ?? null,
      recipientId,
      owner,
    )
    return changes === 1 ? events : undefined
  }
  if (result.kind === 'hold') {
    const { changes } = await tx.run(
      `UPDATE queue_recipient SET state = 'held', due_at = ?, lease_owner = NULL, gate = NULL, gate_share = NULL
       WHERE id = ? AND lease_owner = ?`,
      at,
      recipientId,
      owner,
    )
    return changes === 1 ? events : undefined
  }
  if (result.kind === 'move') {
    const { changes } = await tx.run(
      'UPDATE queue_recipient SET due_at = ?, lease_owner = NULL, shard = ? WHERE id = ? AND lease_owner = ?',
      at,
      result.shard,
      recipientId,
      owner,
    )
    return changes === 1 ? events : undefined
  }
  if (result.kind === 'retry') {
    const tried = result.tried ? 1 : 0
    const { changes } = await tx.run(
      `UPDATE queue_recipient SET due_at = ?, lease_owner = NULL, deaths = CASE WHEN ? = 1 THEN 0 ELSE deaths END,
         attempts = attempts + ?, last_diagnosis = ?, last_cause = ?, last_host = ?, gate = ?, gate_share = ?,
         delay_reported_at = CASE WHEN ? = 1 THEN ? ELSE delay_reported_at END
       WHERE id = ? AND lease_owner = ?`,
      result.dueAt,
      tried,
      tried,
      result.diagnosis,
      result.cause ?? null,
      result.host ?? null,
      result.place?.gate ?? null,
      result.place?.share ?? null,
      result.delayReported ? 1 : 0,
      at,
      recipientId,
      owner,
    )
    return changes === 1 ? events : undefined
  }
  const gone = await tx.get<{ state: RecipientState; priority: number }>(
    'DELETE FROM queue_recipient WHERE id = ? AND lease_owner = ? RETURNING state, priority',
    recipientId,
    owner,
  )
  if (!gone) return undefined
  // Held while its delivery was under way: then so are those who take its place.
  if (result.kind === 'expand') {
    const place = { state: gone.state, dueAt: at, priority: gone.priority }
    await insertNewcomers(tx, messageId, result.into, place)
  }
  if (result.kind === 'script') {
    if (isDecidedBefore) return asDecidedBefore(events, await moveOutOfJunk(tx, at, messageId, result))
    await doAsScriptSays(tx, at, messageId, result)
    await insertNewcomers(tx, messageId, result.into, {
      state: gone.state,
      dueAt: at,
      priority: gone.priority,
    })
    return events
  }
  return await fileOnce(tx, at, { messageId, events, result })
}

/** One copy for each account, by whichever of its addresses (aliases, subaddresses, catch-all) the message came first. */
export async function fileOnce(
  tx: Tx,
  at: number,
  { messageId, events, result }: Pick<Settlement, 'messageId' | 'events' | 'result'>,
): Promise<readonly TrailEvent[]> {
  if (result.kind !== 'file') return events
  const filing = { ...result, queueId: messageId, receivedAt: at }
  if (result.isWanted && (await takeOutOfJunk(tx, filing))) return withNote(events, { isMoved: true })
  if (await holdsMessage(tx, result.accountId, messageId)) return withNote(events, { isCopy: true })
  await fileMessage(tx, filing)
  return events
}

/**
 * The recipient was cancelled, or taken by another, while the attempt was under way; but what has left has left, and the
 * trail says so. A settling that is repeated may have said it the first time.
 */
async function noteDeparture(tx: Tx, at: number, { messageId, events }: Settlement): Promise<void> {
  for (const event of events) {
    if (event.kind === 'attempted' && (event.outcome.kind === 'relayed' || event.outcome.kind === 'shown'))
      await appendEventOnce(tx, at, messageId, event)
  }
}

/** What the delivery found in the account. */
function withNote(
  events: readonly TrailEvent[],
  note: { readonly isCopy: true } | { readonly isMoved: true },
): TrailEvent[] {
  return events.map(event =>
    event.kind === 'attempted' && event.outcome.kind === 'delivered'
      ? { ...event, outcome: { ...event.outcome, ...note } }
      : event,
  )
}

// Who is in this message already gets it once, however many aliases lead to them.
async function insertNewcomers(
  tx: Tx,
  messageId: QueueId,
  into: readonly NewRecipient[],
  place: RecipientPlace,
): Promise<void> {
  for (const recipient of into) {
    const there = await tx.get(
      'SELECT 1 AS found FROM queue_recipient WHERE message_id = ? AND forward_path = ?',
      messageId,
      formatAddress(recipient.forwardPath),
    )
    if (!there) await insertRecipient(tx, messageId, recipient, place)
  }
}

/** Removes messages without recipients; returns the files that went with them. */
export async function removeFinishedMessages(tx: Tx, ids: Iterable<QueueId>): Promise<string[]> {
  const files = await tx.forAll(ascending(ids), async id => {
    await tx.run(
      'DELETE FROM queue_message WHERE id = ? AND NOT EXISTS (SELECT 1 FROM queue_recipient WHERE message_id = queue_message.id)',
      id,
    )
    return (await removeUnreferencedMailData(tx, id)) ?? []
  })
  return files.flat()
}
