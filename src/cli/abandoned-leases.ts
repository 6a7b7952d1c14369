// Queued messages as they are when no server runs: what was being delivered when it ended is nobody's, and due.
import type { Settings } from '../config/settings.ts'
import type { ShownMessage } from '../queue/list-queue.ts'
import { askRunningServer } from './running-server.ts'

export async function releaseAbandoned(
  settings: Settings,
  messages: readonly ShownMessage[],
  now: number,
): Promise<readonly ShownMessage[]> {
  const isAnyUnderway = messages.some(({ recipients }) => recipients.some(({ underway }) => underway))
  // In a shared queue another server may be at it.
  if (settings.database || !isAnyUnderway || (await askRunningServer(settings, nothing)) !== 'none')
    return messages
  return messages.map(message => ({
    ...message,
    recipients: message.recipients.map(recipient =>
      recipient.underway ? { ...recipient, underway: false, dueAt: now } : recipient,
    ),
  }))
}

const nothing = (): Promise<object> => Promise.resolve({})
