// What `notify` sends by mail (RFC 5436 §2.7).
import type { Address } from '../../address/address.ts'
import { formatAddress } from '../../address/format-address.ts'
import { encodeWords } from '../../message/encoded-words.ts'
import type { Notification } from '../outcome.ts'
import { composeText } from './compose-reply.ts'
import { type ComposedMail, type ComposeOptions, composeMail } from './composed-mail.ts'

const importances = { 1: 'high', 2: 'normal', 3: 'low' } as const

export interface NotificationOptions extends ComposeOptions {
  /** Whose script it was, for whoever gets too many of them (§2.7.1). */
  readonly owner: Address
}

export function composeNotification(notification: Notification, options: NotificationOptions): ComposedMail {
  const { to, cc, bcc } = notification
  const owner = formatAddress(options.owner).replaceAll(/["\\]/g, String.raw`\$&`)
  const { fields, bytes } = composeText(notification.text)
  return composeMail({
    ...options,
    reversePath: notification.reversePath,
    recipients: [...to, ...cc, ...bcc],
    from: notification.from,
    // RFC 5322 §3.6.3: it may go to hidden recipients alone, and has a To field all the same.
    to: to.length > 0 ? to : cc.length > 0 ? [] : [options.owner],
    cc,
    subject: notification.subject,
    autoSubmitted: `auto-notified; owner-email="${owner}"`,
    references: notification.references,
    fields: [
      `Importance: ${importances[notification.importance]}`,
      ...notification.fields.map(({ name, value }) => `${name}: ${encodeWords(value)}`),
      ...fields,
    ],
    content: bytes,
  })
}
