// Mail for domains that this server relays: how long it may wait, and what is said of it while it is not fetched.
import type { QueueSettings } from '../config/settings.ts'
import type { ClaimedWork } from '../queue/records.ts'
import type { Kept } from './outcome.ts'

const hourMs = 3_600_000

/** With the lifetime of such mail: its server may be away for longer than others are waited for. */
export function withRelayLifetime(work: ClaimedWork, { relayLifetimeHours }: QueueSettings): ClaimedWork {
  const { message } = work
  const expiresAt = Math.max(message.expiresAt, message.acceptedAt + relayLifetimeHours * hourMs)
  return { ...work, message: { ...message, expiresAt } }
}

export function keptFor(domain: string): Kept {
  return {
    kind: 'kept',
    diagnosis: {
      stage: 'routing',
      cause: 'not-fetched',
      status: '4.4.1',
      detail: `kept until the server of ${domain} fetches it`,
    },
  }
}
