// Recipients that wait for something else than their time: until the limit of a destination, or of a sender, leaves room
// for them (docs/adr/0013). They stand in line behind a gate; whoever keeps it takes from it as there is room.
import type { Address } from '../address/address.ts'
import { formatAddress } from '../address/format-address.ts'
import { defineRead, defineWrite, type SqlValue, type Tx } from '../storage/operation.ts'
import { lease } from './claim-due-work.ts'
import type { ClaimedWork, QueuedMessage } from './records.ts'
import { type RecipientRow, recipientColumns } from './rows.ts'
import { ofShards } from './shards.ts'

/** Whose limit: 'destination gmail', 'sender account 5'. */
export type GateKey = string

export interface GatePlace {
  readonly gate: GateKey
  /** Those of one share are taken in their order, and all shares in turns. */
  readonly share: string
}

/** So long nobody who waits at a gate is forgotten, whatever becomes of whoever keeps it. */
export const gateLookMs = 2 * 3_600_000

/** Lower sorts before, and is taken before: 0 … 18, from the highest priority (RFC 6710: 9) to the lowest (-9). */
function rankOf(priority: number): string {
  return String(9 - priority).padStart(2, '0')
}

export function senderOf({
  accountId,
  reversePath,
}: Pick<QueuedMessage, 'accountId' | 'reversePath'>): string {
  if (accountId !== undefined) return `account ${accountId}`
  return reversePath === null ? 'nobody' : `address ${formatAddress(reversePath)}`
}

/** All that it sends. */
export function accountGate(accountId: number): GateKey {
  return senderGate({ accountId, reversePath: null })
}

/** All that is sent from it, by whomever. */
export function addressGate(reversePath: Address): GateKey {
  return senderGate({ reversePath })
}

/**
 * A condition: whoever stands there, or at the same receiver's gate for a pool of source addresses ('… from newsletter'), or at
 * the same pool's for its addresses of one kind ('… by IPv4').
 */
export function standingAt(gate: GateKey): { readonly sql: string; readonly values: readonly SqlValue[] } {
  return {
    sql: '(gate = ? OR gate > ? AND gate < ? OR gate > ? AND gate < ?)',
    values: [gate, `${gate} from `, `${gate} from!`, `${gate} by `, `${gate} by!`],
  }
}

export function senderGate(message: Pick<QueuedMessage, 'accountId' | 'reversePath'>): GateKey {
  return `sender ${senderOf(message)}`
}

export function isSenderGate(gate: GateKey): boolean {
  return gate.startsWith('sender ')
}

/**
 * An expression: why a recipient waits, as a `ReportCause`. Mail that came when its sender had a line already stands in it since
 * then, and was never looked at: what it waits for is known all the same.
 */
export const causeOfWaiting = "COALESCE(last_cause, CASE WHEN gate LIKE 'sender %' THEN 'own-limit' END)"

export function destinationGate(key: string): GateKey {
  return `${destinationPrefix}${key}`
}

/** 'gmail', 'mx1.example.org mx2.example.org'; undefined: it is a sender's. */
export function destinationOfGate(gate: GateKey): string | undefined {
  return gate.startsWith(destinationPrefix) ? gate.slice(destinationPrefix.length) : undefined
}

const destinationPrefix = 'destination '

/** A sender's mail of one priority. */
export function shareOf(message: Pick<QueuedMessage, 'accountId' | 'reversePath' | 'priority'>): string {
  return `${rankOf(message.priority ?? 0)} ${senderOf(message)}`
}

export interface GateTaking {
  readonly gate: GateKey
  readonly now: number
  readonly leaseUntil: number
  readonly owner: string
  readonly maxRecipients: number
  /** The share that was served last; others come first. */
  readonly afterShare?: string | undefined
  /** Those that are the owner's; undefined: all. */
  readonly shards?: readonly number[] | undefined
}

export interface TakenFromGate {
  readonly work: readonly ClaimedWork[]
  readonly recipients: number
  readonly lastShare?: string | undefined
}

/** Shares that are looked at in one taking: the rest have their turn in the next. */
const maxShares = 100
const conditions = "state = 'ready' AND deaths = 0 AND lease_owner IS NULL"

/**
 * From each share as many, beginning behind the one that was served last; those of a higher priority first. Fewer than were
 * asked for: no more stood there.
 */
export const takeFromGate = defineWrite(
  'queue.take-from-gate',
  async (tx, taking: GateTaking): Promise<TakenFromGate> => {
    const { maxRecipients, afterShare = '' } = taking
    const shares = await listShares(tx, taking.gate, afterShare)
    const rows: RecipientRow[] = []
    let lastShare: string | undefined
    for (const [index, share] of shares.entries()) {
      const room = maxRecipients - rows.length
      if (room <= 0) break
      const most = Math.ceil(room / Math.min(shares.length - index, room))
      rows.push(...(await findFirst(tx, taking, share, most)))
      lastShare = share
    }
    // The first had to leave room for the others, who did not need all of it.
    if (rows.length < maxRecipients) {
      const taken = new Set(rows.map(({ id }) => id))
      for (const share of shares) {
        const found = await findFirst(tx, taking, share, maxRecipients)
        rows.push(...found.filter(({ id }) => !taken.has(id)).slice(0, maxRecipients - rows.length))
        if (rows.length >= maxRecipients) break
      }
    }
    return { work: await lease(tx, rows, taking), recipients: rows.length, lastShare }
  },
)

async function findFirst(
  tx: Tx,
  { gate, shards }: GateTaking,
  share: string,
  limit: number,
): Promise<RecipientRow[]> {
  const own = ofShards(shards)
  return await tx.all<RecipientRow>(
    `SELECT ${recipientColumns} FROM queue_recipient WHERE gate = ? AND gate_share = ? AND ${conditions} ${own.sql}
      ORDER BY id LIMIT ? ${tx.skipLocked}`,
    gate,
    share,
    ...own.values,
    limit,
  )
}

/**
 * In turn: the higher priorities first; of each those behind the one that was served last, then the others. Each is one look
 * into the index, however many stand there.
 */
async function listShares(tx: Tx, gate: GateKey, afterShare: string): Promise<string[]> {
  const shares: string[] = []
  for (let behind = ''; shares.length < maxShares; ) {
    const first = await nextShare(tx, gate, behind)
    if (first === undefined) break
    const rank = first.slice(0, rankLength)
    const end = `${rank}${afterBlank}`
    const start = afterShare.startsWith(rank) ? afterShare : rank
    await addShares(tx, gate, { behind: start, upTo: end }, shares)
    if (start !== rank) await addShares(tx, gate, { behind: rank, upTo: start }, shares)
    behind = end
  }
  return shares
}

/** '09 account 5' */
const rankLength = 2
/** What follows all shares of a rank: they have a blank there. */
const afterBlank = '!'

/** To `shares`, until there are `maxShares`; the one named in `upTo` too. */
async function addShares(
  tx: Tx,
  gate: GateKey,
  { behind, upTo }: { readonly behind: string; readonly upTo: string },
  shares: string[],
): Promise<void> {
  for (let last = behind; shares.length < maxShares; ) {
    const share = await nextShare(tx, gate, last)
    if (share === undefined || share > upTo) return
    shares.push(share)
    last = share
  }
}

async function nextShare(tx: Tx, gate: GateKey, behind: string): Promise<string | undefined> {
  const row = await tx.get<{ share: string | null }>(
    "SELECT min(gate_share) AS share FROM queue_recipient WHERE gate = ? AND gate_share > ? AND state = 'ready'",
    gate,
    behind,
  )
  return row?.share ?? undefined
}

/** Behind which somebody stands. Each is one look into the index. */
export const listGates = defineRead('queue.list-gates', async (tx): Promise<readonly GateKey[]> => {
  const gates: GateKey[] = []
  for (let last = ''; ; ) {
    const row = await tx.get<{ gate: GateKey | null }>(
      `SELECT min(gate) AS gate FROM queue_recipient ${tx.byIndex('queue_recipient_gate')} WHERE gate > ? AND state = 'ready'`,
      last,
    )
    if (row?.gate === null || row?.gate === undefined) return gates
    last = row.gate
    gates.push(last)
  }
})

/** How many stand there, for whichever pool; at most `limit` are counted. */
export const countAtGate = defineRead(
  'queue.count-at-gate',
  async (tx, { gate, limit }: { readonly gate: GateKey; readonly limit: number }): Promise<number> => {
    const { sql, values } = standingAt(gate)
    const row = await tx.get<{ count: number }>(
      `SELECT count(*) AS count FROM (SELECT 1 AS one FROM queue_recipient WHERE ${sql} AND state = 'ready' LIMIT ?) AS standing`,
      ...values,
      limit,
    )
    return row?.count ?? 0
  },
)
