// The queue of domains that are relayed: their servers ask for it (ETRN), or fetch it (ATRN, TURN).
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'
import type { PeerFacts, TrailEvent } from '../trail/events.ts'
import { marksOf } from '../trail/keys.ts'
import { lease } from './claim-due-work.ts'
import type { ClaimedWork } from './records.ts'
import { type RecipientRow, recipientColumns } from './rows.ts'

/** Begins the name of an owner of leases that is no delivery thread: a connection on which mail is fetched. */
export const fetchOwnerPrefix = 'fetch:'

export const isNoFetchOwner = `lease_owner NOT LIKE '${fetchOwnerPrefix}%'`

/**
 * Mail that waits, and is neither on hold nor under way. Suspects of a death (docs/adr/0005) too: delivery threads only look
 * where this mail goes, and would never acquit one.
 */
const isWaiting = "state = 'ready' AND (lease_owner IS NULL OR due_at <= ?)"

export interface RelayQueueClaim {
  readonly domain: string
  /** Recipients that were tried on this connection, in vain. */
  readonly except: readonly number[]
  readonly now: number
  readonly leaseUntil: number
  readonly owner: string
  readonly maxRecipients: number
}

/**
 * Whenever it is due: its server is here. What was tried least often comes first, so that a message which makes that server
 * break off does not keep the others from it for ever.
 */
export const claimRelayQueue = defineWrite(
  'queue.claim-relay-queue',
  async (tx, claim: RelayQueueClaim): Promise<readonly ClaimedWork[]> => {
    const { domain, except, now, maxRecipients } = claim
    const others = except.length === 0 ? '' : `AND id NOT IN (${except.map(() => '?').join(', ')})`
    const rows = await tx.all<RecipientRow>(
      `SELECT ${recipientColumns} FROM queue_recipient WHERE relay_domain = ? AND ${isWaiting} ${others}
        ORDER BY attempts, id LIMIT ? ${tx.skipLocked}`,
      domain,
      now,
      ...except,
      maxRecipients,
    )
    return await lease(tx, rows, claim)
  },
)

/** A domain with the account whose server may have its mail. */
export interface OwnedDomain {
  readonly name: string
  readonly anyoneStarts: boolean
  readonly ownerId: number | undefined
  /** Until when its mail is attempted although it is kept, ms since 1970. */
  readonly startsUntil: number
}

interface OwnedRow {
  readonly name: string
  readonly anyone_starts: number
  readonly owner_id: number | null
  readonly starts_until: number
}

/** Those of a name, those of an account, or a name with its subdomains. */
export type DomainQuestion =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'with-subdomains'; readonly name: string }
  | { readonly kind: 'account'; readonly accountId: number }

export const findOwnedDomains = defineRead(
  'queue.find-owned-domains',
  async (tx, question: DomainQuestion): Promise<readonly OwnedDomain[]> => {
    const rows = await selectOwned(tx, question)
    return rows.map(({ name, anyone_starts, owner_id, starts_until }) => ({
      name,
      anyoneStarts: anyone_starts === 1,
      ownerId: owner_id ?? undefined,
      startsUntil: starts_until,
    }))
  },
)

async function selectOwned(tx: Tx, question: DomainQuestion): Promise<readonly OwnedRow[]> {
  const select = 'SELECT name, anyone_starts, owner_id, starts_until FROM relay_domain'
  switch (question.kind) {
    case 'name':
      return await tx.all<OwnedRow>(`${select} WHERE name = ?`, question.name)
    case 'with-subdomains': {
      const suffix = `.${question.name}`
      const rows = await tx.all<OwnedRow>(`${select} ORDER BY name`)
      return rows.filter(({ name }) => name === question.name || name.endsWith(suffix))
    }
    case 'account':
      return await tx.all<OwnedRow>(`${select} WHERE owner_id = ? ORDER BY name`, question.accountId)
    default:
      return question satisfies never
  }
}

/** More messages than this are not counted: whoever asks wants to know whether it is worth while. */
export const mostCounted = 10_000

export const countRelayQueue = defineRead(
  'queue.count-relay-queue',
  async (
    tx,
    { domains, now }: { readonly domains: readonly string[]; readonly now: number },
  ): Promise<number> => await count(tx, domains, now),
)

async function count(tx: Tx, domains: readonly string[], now: number): Promise<number> {
  if (domains.length === 0) return 0
  const row = await tx.get<{ count: number }>(
    `SELECT count(*) AS count FROM (SELECT DISTINCT message_id FROM queue_recipient
      WHERE relay_domain IN (${domains.map(() => '?').join(', ')}) AND ${isWaiting} LIMIT ?) AS waiting`,
    ...domains,
    now,
    mostCounted,
  )
  return row?.count ?? 0
}

export interface QueueStart {
  readonly domains: readonly string[]
  /** Who wants it, for the trail of each message. */
  readonly asked: PeerFacts
  readonly now: number
  /** So long mail is attempted that else waits to be fetched, new mail too. */
  readonly startsUntil: number
  /** Not again when it was started so short a time ago that it still goes on for longer than until then. */
  readonly unlessUntil?: number | undefined
}

export interface StartedQueue {
  /** Domains whose mail is attempted now. None: all were started a moment ago. */
  readonly domains: readonly string[]
  readonly messages: number
}

const isPutOff = "relay_domain = ? AND due_at > ? AND state = 'ready' AND lease_owner IS NULL"

/** Their mail is due now (RFC 1985 §5). */
export const startRelayQueue = defineWrite(
  'queue.start-relay-queue',
  async (tx, { domains, asked, now, startsUntil, unlessUntil }: QueueStart): Promise<StartedQueue> => {
    const started: string[] = []
    for (const name of domains) {
      const { changes } = await tx.run(
        'UPDATE relay_domain SET starts_until = ? WHERE name = ? AND starts_until <= ?',
        startsUntil,
        name,
        unlessUntil ?? Number.MAX_SAFE_INTEGER,
      )
      if (changes === 1) started.push(name)
    }
    const messages = await count(tx, started, now)
    for (const name of started) {
      await noteAskedFor(tx, name, asked, now)
      await tx.run(`UPDATE queue_recipient SET due_at = ?, asked_for = 1 WHERE ${isPutOff}`, now, name, now)
    }
    return { domains: started, messages }
  },
  { wakes: 'queue' },
)

/** Of each message whose attempt it brings forward; in one statement, since a queue may be long. */
async function noteAskedFor(tx: Tx, domain: string, asked: PeerFacts, now: number): Promise<void> {
  const event: TrailEvent = { kind: 'asked-for', verb: 'ETRN', domain, ...asked }
  await tx.run(
    `INSERT INTO trail_event (queue_id, at, event, keys)
      SELECT message_id, CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS TEXT)
        FROM queue_recipient WHERE ${isPutOff} GROUP BY message_id`,
    now,
    JSON.stringify(event),
    marksOf(event),
    domain,
    now,
  )
}
