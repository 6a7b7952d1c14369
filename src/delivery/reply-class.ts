// What a refusal means for the recipient, and for all that goes to the same servers.
import type { Diagnosis } from './outcome.ts'

export type DeliveryClass = 'rate-limited' | 'greylisted' | 'reputation-block' | 'mailbox-full' | 'unknown'

export function classOf({ cause, reply }: Diagnosis): DeliveryClass {
  if (!reply) return 'unknown'
  if (cause === 'rate') return /gr[ae]y/i.test(reply.lines.join(' ')) ? 'greylisted' : 'rate-limited'
  if (cause === 'blocklist') return 'reputation-block'
  return cause === 'mailbox-full' ? 'mailbox-full' : 'unknown'
}
