// A message that the server writes itself, on its way into its own queue.
import type { Address } from '../address/address.ts'
import { identifyMessage } from '../message/identify-message.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { NewMessage } from './new-message.ts'
import type { QueuedMessage } from './records.ts'

export interface OwnMessage
  extends Pick<
    QueuedMessage,
    'id' | 'body' | 'smtpUtf8' | 'language' | 'tls' | 'isTlsReport' | 'isDmarcReport'
  > {
  readonly to: readonly Address[]
  readonly at: number
  readonly lifetimeMs: number
  /** The queue is on hold: it waits like any message. */
  readonly held: boolean
}

export interface StoredOwnMessage {
  readonly message: NewMessage
  /** It is not queued after all. */
  abort(): Promise<void>
}

/** RFC 3834 §3.3, RFC 5321 §4.5.5: from the null reverse-path, and nobody is told what becomes of it. */
export async function storeOwnMessage(
  mailData: MailDataStore,
  bytes: Uint8Array,
  { to, at, lifetimeMs, held, ...fields }: OwnMessage,
): Promise<StoredOwnMessage> {
  const writer = mailData.create()
  try {
    await writer.write(bytes)
    const stored = await writer.finish()
    return {
      message: {
        message: {
          ...fields,
          reversePath: null,
          size: stored.size,
          disposition: 'mail',
          acceptedAt: at,
          expiresAt: at + lifetimeMs,
          isReport: true,
        },
        mailData: stored,
        recipients: to.map(forwardPath => ({ forwardPath })),
        written: identifyMessage(bytes),
        held,
      },
      abort: () => writer.abort(),
    }
  } catch (cause) {
    await writer.abort()
    throw cause
  }
}
