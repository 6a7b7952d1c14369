// An alert as mail.
import type { Address } from '../address/address.ts'
import { composeNoticeMail } from '../notice/compose-mail.ts'
import type { Alert } from './alert.ts'
import { alertTexts, composeNotice, type NoticeOptions } from './describe-alert.ts'

export interface AlertMailOptions extends NoticeOptions {
  readonly to: readonly Address[]
  readonly at: number
  /** Of the message. */
  readonly queueId: string
}

export function composeAlertMail(alert: Alert, options: AlertMailOptions): Uint8Array {
  const { senderName } = alertTexts[options.language]
  return composeNoticeMail({ ...options, ...composeNotice(alert, options), senderName })
}
