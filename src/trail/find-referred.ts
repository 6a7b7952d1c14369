// The messages that a report from elsewhere may speak of, and what is written about them then.
import type { QueueId } from '../queue/queue-id.ts'
import { defineRead, defineWrite } from '../storage/operation.ts'
import { appendEventOnce } from './append-event.ts'
import type { TrailEvent } from './events.ts'
import type { EventRow } from './rows.ts'

export interface ReferenceQuestion {
  readonly queueIds: readonly number[]
  /** As `references.ts` makes them, the surest first. */
  readonly references: readonly string[]
}

export interface ReferredMessage {
  readonly queueId: QueueId
  readonly reversePath: string
  /** Undefined: it was asked for by its queue id. */
  readonly reference?: string | undefined
}

/** As many newest ones of a reference are looked at. */
const maxReferred = 3

/** Messages that the trail knows: those by queue id, then those by reference, in the order of the question. */
export const findReferred = defineRead(
  'trail.find-referred',
  async (tx, { queueIds, references }: ReferenceQuestion): Promise<ReferredMessage[]> => {
    const found: ReferredMessage[] = []
    const look = async (queueId: number, reference?: string): Promise<void> => {
      const row = await tx.get<Pick<EventRow, 'event'>>(
        'SELECT event FROM trail_event WHERE queue_id = ? ORDER BY id LIMIT 1',
        queueId,
      )
      const event = row && (JSON.parse(row.event) as TrailEvent)
      if (event?.kind === 'received')
        found.push({ queueId, reversePath: event.reception.reversePath, reference })
    }
    for (const queueId of queueIds) await look(queueId)
    for (const reference of references) {
      const rows = await tx.all<{ queue_id: number }>(
        'SELECT queue_id FROM trail_reference WHERE value = ? ORDER BY id DESC LIMIT ?',
        reference,
        maxReferred,
      )
      for (const row of rows) await look(row.queue_id, reference)
    }
    return found
  },
)

/** For a writer that may have been here before: each event stands once in the trail of its message. */
export const noteOnce = defineWrite(
  'trail.note-once',
  async (
    tx,
    input: { readonly at: number; readonly queueId: QueueId; readonly events: readonly TrailEvent[] },
  ): Promise<void> => {
    for (const event of input.events) await appendEventOnce(tx, input.at, input.queueId, event)
  },
)
