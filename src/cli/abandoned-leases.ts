// Queued messages as they are when no server runs: what was being delivered when it ended is nobody's, and due.
import type { Settings } from '../config/settings.ts'
import { connectControl } from '../main/control-client.ts'
import type { ShownMessage } from '../queue/list-queue.ts'
import { Fault } from '../runtime/fault.ts'

export async function releaseAbandoned(
  settings: Settings,
  messages: readonly ShownMessage[],
  now: number,
): Promise<readonly ShownMessage[]> {
  const isAnyUnderway = messages.some(({ recipients }) => recipients.some(({ underway }) => underway))
  if (!isAnyUnderway || (await isServed(settings))) return messages
  return messages.map(message => ({
    ...message,
    recipients: message.recipients.map(recipient =>
      recipient.underway ? { ...recipient, underway: false, dueAt: now } : recipient,
    ),
  }))
}

async function isServed({ dataFolder }: Settings): Promise<boolean> {
  try {
    const control = await connectControl(dataFolder)
    control?.close()
    return control !== undefined
  } catch (cause) {
    // A server that this user may not ask is one.
    if (cause instanceof Fault && cause.code.startsWith('CONTROL_')) return true
    throw cause
  }
}
