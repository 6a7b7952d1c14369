// Files a message into a mailbox, inside somebody's transaction.

import type { Tx } from '../storage/operation.ts'
import { StorageFault } from '../storage/storage-fault.ts'
import { writeStates } from './blocks.ts'
import { findMailboxNamed, findMailboxOfUse, makeMailbox } from './mailbox-names.ts'
import {
  advanceMailbox,
  countMessages,
  keywordsForRows,
  type Mailbox,
  type SpecialUse,
} from './mailbox-row.ts'
import { stateOf } from './message-state.ts'
import { wantWords } from './message-words.ts'
import { wantStructure } from './structures.ts'

export interface Filing {
  readonly accountId: number
  /** 'INBOX'; made, when there is none of this name. */
  readonly mailbox: string
  /** Into the account's mailbox of this use, whatever its name; into `mailbox` when there is none. */
  readonly specialUse?: SpecialUse | undefined
  /** Header lines that this delivery puts before the mail data: Return-Path, Delivered-To. */
  readonly traceFields: string
  readonly queueId: number
  /** The queue id, unless it says otherwise. */
  readonly mailDataId?: number | undefined
  readonly receivedAt: number
  readonly flags?: number | undefined
  readonly keywords?: readonly string[] | undefined
}

/** Where a message goes, and what is written above it. */
export type FilingPlace = Pick<Filing, 'accountId' | 'mailbox' | 'specialUse' | 'traceFields'>

/** Whoever calls has locked the account. */
export async function fileMessage(tx: Tx, filing: Filing): Promise<void> {
  const mailbox = await findOrMake(tx, filing)
  await insertMessages(tx, mailbox, filing.receivedAt, [filing])
}

/** A message that comes into a mailbox, from wherever. */
export type Arrival = Pick<
  Filing,
  'traceFields' | 'queueId' | 'mailDataId' | 'receivedAt' | 'flags' | 'keywords'
>

/** The UID of the first; those of the others follow it. Keywords beyond what a mailbox can have are left out. */
export async function insertMessages(
  tx: Tx,
  mailbox: Mailbox,
  savedAt: number,
  arrivals: readonly Arrival[],
): Promise<{ readonly firstUid: number; readonly modSeq: number }> {
  const all = arrivals.flatMap(({ keywords = [] }) => keywords)
  const textOf = await keywordsForRows(tx, mailbox, all)
  const messages: (Omit<Arrival, 'keywords'> & {
    mailDataId: number
    size: number
    flags: number
    keywords: string
  })[] = []
  const rows = await tx.forAll(arrivals, ({ queueId, mailDataId = queueId }) =>
    tx.get<{ size: number }>('SELECT size FROM mail_data WHERE id = ?', mailDataId),
  )
  for (const [at, arrival] of arrivals.entries()) {
    const { keywords = [], flags = 0, queueId, mailDataId = queueId } = arrival
    const row = rows[at]
    if (!row) throw new StorageFault('STORAGE_DAMAGED', `There is no mail data ${mailDataId}.`)
    messages.push({
      ...arrival,
      mailDataId,
      flags,
      keywords: textOf(keywords),
      size: row.size + Buffer.byteLength(arrival.traceFields),
    })
  }
  await tx.forAll(messages, async ({ mailDataId }) => {
    await wantStructure(tx, mailDataId)
    await wantWords(tx, mailDataId, mailbox.accountId)
  })
  const advanced = await advanceMailbox(tx, mailbox.id, countMessages(messages), messages.length)
  const { firstUid, modSeq } = advanced
  await tx.forAll([...messages.entries()], ([at, message]) =>
    tx.run(
      `INSERT INTO mailbox_message
         (mailbox_id, uid, mail_data_id, queue_id, trace_fields, received_at, saved_at, size, flags, keywords, mod_seq,
          filed_mod_seq)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      mailbox.id,
      firstUid + at,
      message.mailDataId,
      message.queueId,
      message.traceFields,
      message.receivedAt,
      savedAt,
      message.size,
      message.flags,
      message.keywords,
      modSeq,
      modSeq,
    ),
  )
  await writeStates(
    tx,
    mailbox.id,
    messages.map((message, at) => [firstUid + at, stateOf(message)]),
  )
  return advanced
}

async function findOrMake(
  tx: Tx,
  { accountId, mailbox: name, specialUse, receivedAt }: Filing,
): Promise<Mailbox> {
  const found =
    (specialUse && (await findMailboxOfUse(tx, accountId, specialUse))) ??
    (await findMailboxNamed(tx, accountId, name))
  return found ?? (await makeMailbox(tx, { accountId, name, specialUse, now: receivedAt }))
}
