// A report on its way: as a message of this server, into its own queue.
import type { Address } from '../address/address.ts'
import { type OwnMessage, storeOwnMessage } from '../queue/own-message.ts'
import { formatQueueId, type QueueId } from '../queue/queue-id.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import { dayMs } from './day.ts'
import type { ReportedDay, ReportedDaysOperations } from './reported-days.ts'

export interface ReportQueueOptions {
  readonly storage: Storage
  readonly mailData: MailDataStore
  readonly nextQueueId: () => QueueId
  /** The queue is on hold: reports wait like any message. */
  readonly held: boolean
  readonly queueReport: ReportedDaysOperations['queueReport']
}

export interface OutgoingReport extends Pick<OwnMessage, 'tls' | 'isTlsReport' | 'isDmarcReport'> {
  readonly reported: ReportedDay
  readonly to: readonly Address[]
  readonly compose: (queueId: string) => Uint8Array
}

export async function queueDailyReport(
  { storage, mailData, nextQueueId, held, queueReport }: ReportQueueOptions,
  { reported, to, compose, ...fields }: OutgoingReport,
): Promise<void> {
  const id = nextQueueId()
  const own = await storeOwnMessage(mailData, compose(formatQueueId(id)), {
    ...fields,
    id,
    body: '7BIT',
    smtpUtf8: false,
    language: 'en',
    to,
    at: reported.at,
    // After a day it is of no use (RFC 8460 §5.5).
    lifetimeMs: dayMs,
    held,
  })
  try {
    const queued = await storage.run(queueReport, { reported, message: own.message })
    if (queued !== 'queued') await own.abort()
  } catch (cause) {
    await own.abort()
    throw cause
  }
}
