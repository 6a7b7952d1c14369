// Takes a message and delivers it to mailboxes of ours in one transaction: it never stands in the queue, but for those of its
// recipients whose mail goes on from here.
import { hasMailData } from '../storage/mail-data-rows.ts'
import { defineWrite, type Tx, type Wire } from '../storage/operation.ts'
import { appendEvent } from '../trail/append-event.ts'
import { insertMessage } from './insert-message.ts'
import type { NewMessage } from './new-message.ts'
import { newMessageWire } from './new-message-wire.ts'
import { fileOnce, findHomeless, insertReport, type Settlement, type SettlementReport } from './settle.ts'

export interface FilingAtOnce {
  /** Its recipients are those who go into the queue. */
  readonly message: NewMessage
  /** What has become of the others; of each 'expand' the targets are among them. */
  readonly settlements: readonly Settlement[]
  readonly reports: readonly SettlementReport[]
}

/** 'outdated': a queue id is taken (by another node), or an account has gone, or has become full. Nothing was written. */
export type FiledAtOnce = 'filed' | 'outdated'

const wire: Wire<FilingAtOnce> = {
  pack: ({ message, settlements, reports }) => [
    newMessageWire.pack(message),
    settlements,
    reports.map(({ message: report, ...rest }) => [newMessageWire.pack(report), rest]),
  ],
  unpack(packed) {
    const [message, settlements, reports] = packed as [
      unknown,
      FilingAtOnce['settlements'],
      [unknown, Omit<SettlementReport, 'message'>][],
    ]
    return {
      message: newMessageWire.unpack(message),
      settlements,
      reports: reports.map(([report, rest]) => ({ ...rest, message: newMessageWire.unpack(report) })),
    }
  },
}

export const fileAtOnce = defineWrite('queue.file-at-once', file, { wire })

async function file(tx: Tx, { message, settlements, reports }: FilingAtOnce): Promise<FiledAtOnce> {
  const { id, acceptedAt: at } = message.message
  if ((await findHomeless(tx, at, settlements)).size > 0) return 'outdated'
  for (const { message: own } of [{ message }, ...reports])
    if (await hasMailData(tx, own.message.id)) return 'outdated'
  await insertMessage(tx, message)
  for (const settlement of settlements) {
    const events = await fileOnce(tx, at, settlement)
    await tx.forAll(events, event => appendEvent(tx, at, id, event))
  }
  for (const report of reports) await insertReport(tx, at, report)
  if (message.recipients.length + reports.length > 0) tx.wake('queue', id)
  return 'filed'
}
