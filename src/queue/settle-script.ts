// What the script of an account wants done with a message, all of it in the transaction in which the recipient leaves the queue: a
// crash leaves either everything, or nothing, and then the script runs again.
import { isRemembered, type Memory, type MemoryKey, messageKey, remember } from '../filtering/memory.ts'
import { type Filing, type FilingPlace, fileMessage } from '../mailbox/file-message.ts'
import { holdsMessage } from '../mailbox/holds-message.ts'
import { takeOutOfJunk } from '../mailbox/take-out-of-junk.ts'
import type { StoredMailData } from '../storage/mail-data.ts'
import { hasMailData, insertMailData, mailDataFile } from '../storage/mail-data-rows.ts'
import type { Tx } from '../storage/operation.ts'
import { appendEvent } from '../trail/append-event.ts'
import type { TrailEvent } from '../trail/events.ts'
import { insertMessage } from './insert-message.ts'
import type { NewMessage, NewRecipient } from './new-message.ts'
import type { QueueId } from './queue-id.ts'
import type { RoomTaken } from './settle.ts'

/** Mail data of its own, under a queue id. */
export interface OwnMailData {
  readonly id: QueueId
  readonly mailData: StoredMailData
}

/** A message of this server to the owner of the script. */
export interface OwnerNotice extends OwnMailData {
  readonly traceFields: string
  /** Of its trail. */
  readonly events: readonly TrailEvent[]
}

export interface ScriptResult {
  readonly kind: 'script'
  readonly accountId: number
  /** Where the message would be without a script. */
  readonly implicit: FilingPlace
  /** Somebody has said that it is wanted: what the account has of it in Junk moves. */
  readonly isWanted?: boolean | undefined
  readonly filings: readonly (FilingPlace & Pick<Filing, 'flags' | 'keywords' | 'mailDataId'>)[]
  /** What `filings` take; undefined: they are filed whether or not there is room. */
  readonly room?: RoomTaken | undefined
  /** Of `filings` with fields that the script has changed. */
  readonly edited: readonly OwnMailData[]
  /** To whom the message goes on as it is. */
  readonly into: readonly NewRecipient[]
  /** What goes out because of it. */
  readonly mails: readonly NewMessage[]
  readonly notice?: OwnerNotice | undefined
  readonly remember: readonly Memory[]
  /** What the script has found nothing of. */
  readonly absent: readonly MemoryKey[]
}

/** By another address of the account. */
export async function hasDecided(
  tx: Tx,
  { accountId }: Pick<ScriptResult, 'accountId'>,
  messageId: QueueId,
  at: number,
): Promise<boolean> {
  return (
    (await isRemembered(tx, accountId, messageKey(messageId), at)) ||
    (await holdsMessage(tx, accountId, messageId))
  )
}

/** Another message was faster, and the script would decide otherwise now; or a queue id is taken (by another node). */
export async function isOvertaken(tx: Tx, result: ScriptResult, at: number): Promise<boolean> {
  for (const key of result.absent) if (await isRemembered(tx, result.accountId, key, at)) return true
  for (const { id } of ownMailData(result)) if (await hasMailData(tx, id)) return true
  return false
}

/** Files that no row names, when nothing of it was done. */
export async function filesOfUnusedScript(tx: Tx, result: ScriptResult): Promise<string[]> {
  const names: string[] = []
  for (const { id, mailData } of ownMailData(result)) {
    const { location } = mailData
    // A settling that is repeated, because nobody knows what became of it, may have been done the first time.
    if (location.kind === 'file' && (await mailDataFile(tx, id)) !== location.name) names.push(location.name)
  }
  return names
}

function ownMailData({ edited, mails, notice }: ScriptResult): readonly OwnMailData[] {
  return [
    ...edited,
    ...mails.map(({ message, mailData }) => ({ id: message.id, mailData })),
    ...(notice ? [notice] : []),
  ]
}

/** Whoever calls has locked the account, and found that the script has not decided yet. */
export async function doAsScriptSays(
  tx: Tx,
  at: number,
  messageId: QueueId,
  result: ScriptResult,
): Promise<void> {
  const { accountId, filings, edited, mails, notice } = result
  for (const { id, mailData } of edited) await insertMailData(tx, id, mailData)
  for (const filing of filings)
    await fileMessage(tx, { ...filing, accountId, queueId: messageId, receivedAt: at })
  for (const mail of mails) await insertMessage(tx, mail)
  if (notice) {
    const { id, mailData, traceFields, events } = notice
    await insertMailData(tx, id, mailData)
    await fileMessage(tx, { accountId, mailbox: 'INBOX', traceFields, queueId: id, receivedAt: at })
    await tx.forAll(events, event => appendEvent(tx, at, id, event))
  }
  for (const one of result.remember) await remember(tx, accountId, one)
}

/** What became of a message that was wanted in the meantime, and on which the script had decided before. */
export async function moveOutOfJunk(
  tx: Tx,
  at: number,
  messageId: QueueId,
  { accountId, implicit, isWanted }: ScriptResult,
): Promise<boolean> {
  if (!isWanted) return false
  return await takeOutOfJunk(tx, { ...implicit, accountId, queueId: messageId, receivedAt: at })
}

/** As `appendEvent` gets them, when the script had decided before. */
export function asDecidedBefore(events: readonly TrailEvent[], isMoved: boolean): TrailEvent[] {
  return events.map(event => {
    if (event.kind !== 'attempted') return event
    const { outcome, filter } = event
    return {
      ...event,
      outcome:
        outcome.kind === 'delivered'
          ? { ...outcome, ...(isMoved ? { isMoved: true } : { isCopy: true }) }
          : outcome,
      ...(filter ? { filter: { ...filter, did: [], isAgain: true } } : {}),
    }
  })
}
