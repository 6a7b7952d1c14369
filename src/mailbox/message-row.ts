// The row of a message in a mailbox.
import { parseKeywords } from './message-state.ts'

export interface MessageFlags {
  readonly uid: number
  /** Bits as in `flags` (message-state.ts). */
  readonly flags: number
  readonly keywords: readonly string[]
  readonly modSeq: number
}

export interface MailboxMessage extends MessageFlags {
  readonly mailDataId: number
  readonly queueId: number
  /** When it came to this server: INTERNALDATE. */
  readonly receivedAt: number
  /** When it came into this mailbox: SAVEDATE (RFC 8514). */
  readonly savedAt: number
  /** Of the delivered text: trace fields and mail data. */
  readonly size: number
  /** To be put before the mail data. */
  readonly traceFields: string
}

export const flagColumns = 'uid, flags, mailbox_message.keywords, mailbox_message.mod_seq'

export const messageColumns = `${flagColumns}, mailbox_message.mail_data_id, queue_id, received_at, saved_at, mailbox_message.size, trace_fields`

export interface FlagRow {
  readonly uid: number
  readonly flags: number
  readonly keywords: string
  readonly mod_seq: number
}

export interface MessageRow extends FlagRow {
  readonly mail_data_id: number
  readonly queue_id: number
  readonly received_at: number
  readonly saved_at: number
  readonly size: number
  readonly trace_fields: string
}

export function readFlags(row: FlagRow): MessageFlags {
  return {
    uid: row.uid,
    flags: row.flags,
    keywords: parseKeywords(row.keywords),
    modSeq: row.mod_seq,
  }
}

export function readMessage(row: MessageRow): MailboxMessage {
  return {
    ...readFlags(row),
    mailDataId: row.mail_data_id,
    queueId: row.queue_id,
    receivedAt: row.received_at,
    savedAt: row.saved_at,
    size: row.size,
    traceFields: row.trace_fields,
  }
}
