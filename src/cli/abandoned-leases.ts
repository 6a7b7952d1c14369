// Queued messages as they are when no server runs: what was being delivered when it ended is nobody's, and due.
import type { ShownMessage } from '../queue/list-queue.ts'

export function releaseAbandoned(messages: readonly ShownMessage[], now: number): readonly ShownMessage[] {
  return messages.map(message => ({
    ...message,
    recipients: message.recipients.map(recipient =>
      recipient.underway ? { ...recipient, underway: false, dueAt: now } : recipient,
    ),
  }))
}
