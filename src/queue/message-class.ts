// What kind of mail a message is, for whoever sends different kinds from different addresses.
import type { QueuedMessage } from './records.ts'

export const messageClasses = ['transactional', 'bulk', 'report'] as const
export type MessageClass = (typeof messageClasses)[number]

/** RFC 5321 §4.5.5: what reports has the null reverse-path. */
export function classOfMessage({
  isBulk,
  isReport,
  reversePath,
}: Pick<QueuedMessage, 'isBulk' | 'isReport' | 'reversePath'>): MessageClass {
  if (isReport || reversePath === null) return 'report'
  return isBulk ? 'bulk' : 'transactional'
}
