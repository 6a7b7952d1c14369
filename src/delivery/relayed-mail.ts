// Mail for domains that this server relays: how long it may wait, and what is said of it while it is not fetched.
import type { QueueSettings } from '../config/settings.ts'
import type { ClaimedWork, QueuedMessage } from '../queue/records.ts'
import type { Kept } from './outcome.ts'
import { endOf } from './transfer/deliver-by.ts'

const hourMs = 3_600_000

/** With the lifetime of such mail: its server may be away for longer than others are waited for. */
export function withRelayLifetime(work: ClaimedWork, queue: LifetimeSettings): ClaimedWork {
  return { ...work, message: relayed(work.message, queue) }
}

export type LifetimeSettings = Pick<QueueSettings, 'relayLifetimeHours'>

function relayed(message: QueuedMessage, { relayLifetimeHours }: LifetimeSettings): QueuedMessage {
  const expiresAt = Math.max(message.expiresAt, message.acceptedAt + relayLifetimeHours * hourMs)
  return { ...message, expiresAt }
}

/** `isRelayed`: its domain is. Whom an administrator sends elsewhere is waited for as anybody is. */
export interface Waiter {
  readonly isRelayed: boolean
  readonly routeTo?: string | undefined
}

/** Until when a message is tried, or kept, for this recipient: ms since 1970. */
export function endFor(
  message: QueuedMessage,
  { isRelayed, routeTo }: Waiter,
  queue: LifetimeSettings,
): number {
  return endOf(isRelayed && routeTo === undefined ? relayed(message, queue) : message)
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
