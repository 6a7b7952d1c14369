// Takes work that was under way when a delivery thread died (docs/adr/0005): the more deaths, the fewer messages together,
// so that the one that kills is soon alone.
import { defineWrite, type Tx } from '../storage/operation.ts'
import { type Claim, lease } from './claim-due-work.ts'
import type { QueueId } from './queue-id.ts'
import type { ClaimedWork } from './records.ts'
import { type RecipientRow, recipientColumns } from './rows.ts'

/**
 * Messages that are tried together after one death, two, and more. A thread holds ten thousand recipients at most; so
 * four deaths find the one among them, well below the number at which the server gives up (src/main/threads.ts).
 */
const together = [1000, 30, 1] as const

/** What is due has changed while it was waited for, or cannot be found by its message: the next wake-up looks again. */
const maxLooks = 3

/**
 * Fills up what is under way. Those with the fewest deaths come first: most of the mail is among them. Others wait until
 * these have ended, so that a death is about no more than these.
 */
export const claimSuspects = defineWrite(
  'queue.claim-suspects',
  async (tx, claim: Omit<Claim, 'maxRecipients'>): Promise<ClaimedWork[]> => {
    // Of several servers one at a time: else each would fill the same room.
    await tx.lockAll('suspects')
    for (let looks = 0; looks < maxLooks; looks++) {
      const rows = await findNext(tx, claim.now)
      if (!rows) return []
      if (rows.length === 0) continue
      looks = 0
      const works = await lease(tx, rows, claim)
      await acquitDamaged(tx, rows, works)
      if (works.length > 0) return works
    }
    return []
  },
  { waitsForOthers: true },
)

/**
 * undefined: nothing is due, or there is no room. None: what was due has changed meanwhile. A write that the dead one left
 * behind may still have them locked: passed over, they would wait until somebody happens to look again.
 */
async function findNext(tx: Tx, now: number): Promise<RecipientRow[] | undefined> {
  // "<> 'held'", not "= 'ready'": else SQLite takes the index over the whole queue.
  const due = await tx.all<{ deaths: number; message_id: QueueId }>(
    `SELECT DISTINCT deaths, message_id FROM queue_recipient WHERE deaths > 0 AND state <> 'held' AND due_at <= ?
      ORDER BY deaths, message_id LIMIT ?`,
    now,
    together[0],
  )
  const fewest = due[0]?.deaths
  if (fewest === undefined) return undefined
  const room = await roomFor(tx, fewest, now)
  if (room === 0) return undefined
  const rows: RecipientRow[] = []
  for (const { message_id } of due.filter(({ deaths }) => deaths === fewest).slice(0, room)) {
    rows.push(
      ...(await tx.all<RecipientRow>(
        `SELECT ${recipientColumns} FROM queue_recipient
          WHERE message_id = ? AND deaths = ? AND state <> 'held' AND due_at <= ? ORDER BY id ${tx.forUpdate}`,
        message_id,
        fewest,
        now,
      )),
    )
  }
  return rows
}

async function roomFor(tx: Tx, deaths: number, now: number): Promise<number> {
  const underWay = await tx.all<{ deaths: number; messages: number }>(
    `SELECT deaths, count(DISTINCT message_id) AS messages FROM queue_recipient
      WHERE deaths > 0 AND lease_owner IS NOT NULL AND due_at > ? GROUP BY deaths`,
    now,
  )
  if (underWay.some(group => group.deaths !== deaths)) return 0
  const most = together[Math.min(deaths, together.length) - 1] ?? 1
  return Math.max(0, most - (underWay[0]?.messages ?? 0))
}

/** Every claim passes over what cannot be read: it kills nobody. */
async function acquitDamaged(
  tx: Tx,
  rows: readonly RecipientRow[],
  works: readonly ClaimedWork[],
): Promise<void> {
  const intact = new Set(works.flatMap(({ recipients }) => recipients.map(({ id }) => id)))
  for (const { id } of rows)
    if (!intact.has(id)) await tx.run('UPDATE queue_recipient SET deaths = 0 WHERE id = ?', id)
}
