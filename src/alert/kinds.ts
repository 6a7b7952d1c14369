// What each kind of alert can be asked. How it is told stands with the texts.
import { parseAddress } from '../address/parse-address.ts'
import type { HealthRecord } from '../delivery/pacing/destination-health.ts'
import { poolKey, siteOfLane } from '../delivery/pacing/lane-key.ts'
import { findHeldAccount } from '../queue/account-holds.ts'
import { countSetAside } from '../queue/blame-for-death.ts'
import { findDestinationHealth } from '../queue/destination-health.ts'
import { countAtGate, destinationGate } from '../queue/gates.ts'
import { parseQueueId, type QueueId } from '../queue/queue-id.ts'
import type { DkimKey } from '../signing/dkim-key.ts'
import { listDkimKeys } from '../signing/operations.ts'
import type { Storage } from '../storage/operation.ts'
import type { Alert, AlertKind } from './alert.ts'

export interface AlertKindEntry {
  /** It is still so, as far as anybody knows. */
  lasts(storage: Pick<Storage, 'run'>, alert: Alert, now: number): Promise<boolean>
  /** Recipients that wait because of it; counted up to `maxCounted`. */
  countWaiting(storage: Pick<Storage, 'run'>, alert: Alert): Promise<number>
}

export const maxCounted = 10_000
/** When nobody has tried for so long, nobody knows. */
const untriedMs = 7 * 24 * 3_600_000
/** What only a machine knows, it raises again each hour for as long as it lasts. */
export const raisedAgainMs = 3_600_000
const aDayMs = 24 * 3_600_000
const unseenMs = 2 * raisedAgainMs
/** Reports come once a day, and some late. */
const unreportedMs = 3 * 24 * 3_600_000

const seenLately: AlertKindEntry = {
  lasts: async (_storage, { seenAt }, now) => now - seenAt < unseenMs,
  countWaiting: async () => 0,
}

export const alertKinds: Readonly<Record<AlertKind, AlertKindEntry>> = {
  'reputation-block': {
    async lasts(storage, { subject, seenAt }, now) {
      if (now - seenAt > untriedMs) return false
      const health = await storage.run(findDestinationHealth, { destination: subject })
      return health !== undefined && (JSON.parse(health) as HealthRecord).refusal !== undefined
    },
    countWaiting: (storage, alert) =>
      storage.run(countAtGate, { gate: destinationGate(destinationOf(alert)), limit: maxCounted }),
  },
  'message-set-aside': {
    lasts: async (storage, alert) => (await storage.run(countSetAside, messageOf(alert))) > 0,
    countWaiting: (storage, alert) => storage.run(countSetAside, messageOf(alert)),
  },
  'certificate-file': seenLately,
  'certificate-renewal': seenLately,
  'dkim-record': {
    lasts: (storage, { subject }) =>
      hasKey(storage, subject, ({ state, finding }) => state === 'active' && finding !== 'right'),
    countWaiting: () => Promise.resolve(0),
  },
  'dkim-key-to-publish': {
    lasts: (storage, { subject }) =>
      hasKey(storage, subject, ({ state, finding }) => state === 'next' && finding !== 'right'),
    countWaiting: () => Promise.resolve(0),
  },
  'dmarc-alignment': {
    lasts: async (_storage, { seenAt }, now) => now - seenAt < unreportedMs,
    countWaiting: async () => 0,
  },
  'hook-file': seenLately,
  // Whoever has asked it and got an answer says so by himself.
  'scanner-away': {
    ...seenLately,
    lasts: async (_storage, { seenAt, mendedAt }, now) => mendedAt === undefined && now - seenAt < unseenMs,
  },
  // Whoever sends no more of it has mended it.
  'account-sends-virus': { ...seenLately, lasts: async (_storage, { seenAt }, now) => now - seenAt < aDayMs },
  'account-held': {
    lasts: async (storage, alert) => (await findHeld(storage, alert)) !== undefined,
    countWaiting: async (storage, alert) => (await findHeld(storage, alert))?.waiting ?? 0,
  },
}

/** What waits because of it, as `postrider queue summary --destination` takes it: 'gmail', 'gmail from newsletter'. */
export function destinationOf({ subject, evidence }: Pick<Alert, 'subject' | 'evidence'>): string {
  return poolKey(siteOfLane(subject), evidence.source?.pool)
}

/** Nobody has tried since it was seen, until nobody knew any more. */
export function isUntried({ seenAt, mendedAt }: Pick<Alert, 'seenAt' | 'mendedAt'>): boolean {
  return mendedAt !== undefined && mendedAt - seenAt > untriedMs
}

async function hasKey(
  storage: Pick<Storage, 'run'>,
  domain: string,
  is: (key: DkimKey) => boolean,
): Promise<boolean> {
  return (await storage.run(listDkimKeys, { domain })).some(is)
}

async function findHeld(
  storage: Pick<Storage, 'run'>,
  { subject }: Alert,
): Promise<{ readonly waiting: number } | undefined> {
  const address = parseAddress(subject)
  return address && (await storage.run(findHeldAccount, { address, limit: maxCounted }))
}

function messageOf({ subject }: Alert): { readonly messageId: QueueId } {
  const messageId = parseQueueId(subject)
  if (messageId === undefined) throw new RangeError(`${subject} is no queue id`)
  return { messageId }
}
