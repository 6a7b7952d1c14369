// How much each account sends, counted in the database: so it holds for all servers that share it. Of each account an hour
// is a row, for 31 days, and each address to which it has written one.
import { raiseAlert } from '../alert/operations.ts'
import { isBulkAccount } from '../delivery/pacing/sender-limits.ts'
import { readAccountHold, writeAccountHold } from '../queue/account-holds.ts'
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'
import { describeSuspicion, judgeSending, type SendingFigures } from './judge-sending.ts'

const hourMs = 3_600_000
const hoursOfDay = 24
const keptHours = 31 * hoursOfDay
/** Written to again, it is noted anew only after this. */
const renewAfterMs = 30 * 24 * hourMs
/** Not written to for so long, it is new again. */
const knownForMs = 730 * 24 * hourMs
/** An administrator who let the mail go has looked at it. */
export const trustedForMs = 24 * hourMs

const hourOf = (at: number): number => Math.floor(at / hourMs)

export interface Correspondence {
  readonly accountId: number
  readonly addressKey: string
  readonly now: number
}

/** 'stale': its note is to be renewed. */
export const knowsCorrespondent = defineRead(
  'sending.knows-correspondent',
  async (tx, { accountId, addressKey, now }: Correspondence): Promise<'known' | 'stale' | 'new'> => {
    const row = await tx.get<{ written_at: number }>(
      'SELECT written_at FROM correspondent WHERE account_id = ? AND address_key = ?',
      accountId,
      addressKey,
    )
    if (!row || now - row.written_at > knownForMs) return 'new'
    return now - row.written_at > renewAfterMs ? 'stale' : 'known'
  },
)

/** Whether one of the accounts has written to one of the addresses. Few of each. */
export const hasWrittenTo = defineRead(
  'sending.has-written-to',
  async (
    tx,
    question: {
      readonly accountIds: readonly number[]
      readonly addressKeys: readonly string[]
      readonly now: number
    },
  ): Promise<boolean> => {
    const { accountIds, addressKeys, now } = question
    for (const accountId of accountIds)
      for (const key of addressKeys)
        if ((await knowsCorrespondent.run(tx, { accountId, addressKey: key, now })) !== 'new') return true
    return false
  },
)

export type NewCorrespondence =
  | { readonly kind: 'noted' }
  /** The limit of the last 24 hours is used up, until then at least. */
  | { readonly kind: 'too-many'; readonly until: number }

/** `most` new ones in 24 hours; 0: any number. */
export const noteCorrespondent = defineWrite(
  'sending.note-correspondent',
  async (
    tx,
    { accountId, addressKey, most, now }: Correspondence & { readonly most: number },
  ): Promise<NewCorrespondence> => {
    const hour = hourOf(now)
    const known = await tx.get<{ written_at: number }>(
      'SELECT written_at FROM correspondent WHERE account_id = ? AND address_key = ?',
      accountId,
      addressKey,
    )
    const isNew = !known || now - known.written_at > knownForMs
    if (isNew && most > 0) {
      const used = await tx.get<{ count: number | null; first: number | null }>(
        `SELECT sum(new_recipients) AS count, min(hour) AS first FROM sending_count
          WHERE account_id = ? AND hour > ? AND new_recipients > 0`,
        accountId,
        hour - hoursOfDay,
      )
      if (used && (used.count ?? 0) >= most)
        return { kind: 'too-many', until: ((used.first ?? hour) + hoursOfDay) * hourMs }
    }
    await tx.run(
      `INSERT INTO correspondent (account_id, address_key, written_at) VALUES (?, ?, ?)
       ON CONFLICT (account_id, address_key) DO UPDATE SET written_at = excluded.written_at`,
      accountId,
      addressKey,
      now,
    )
    if (isNew) await addCounts(tx, { accountId, newRecipients: 1 }, hour)
    return { kind: 'noted' }
  },
)

export interface SendingCounts {
  readonly accountId: number
  readonly recipients?: number | undefined
  readonly newRecipients?: number | undefined
  readonly ended?: number | undefined
  readonly failed?: number | undefined
}

async function addCounts(
  tx: Tx,
  { accountId, recipients = 0, newRecipients = 0, ended = 0, failed = 0 }: SendingCounts,
  hour: number,
): Promise<void> {
  await tx.run(
    `INSERT INTO sending_count (account_id, hour, recipients, new_recipients, ended, failed) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (account_id, hour) DO UPDATE SET
       recipients = sending_count.recipients + excluded.recipients,
       new_recipients = sending_count.new_recipients + excluded.new_recipients,
       ended = sending_count.ended + excluded.ended, failed = sending_count.failed + excluded.failed`,
    accountId,
    hour,
    recipients,
    newRecipients,
    ended,
    failed,
  )
}

export interface Counting {
  readonly counts: readonly SendingCounts[]
  readonly now: number
  /** False: nobody's mail is held because of it. */
  readonly holdsSuspects: boolean
  readonly bulkSenders: readonly string[]
}

export interface HeldSuspect {
  readonly account: string
  readonly reason: string
}

/**
 * Adds what was sent and what came of it; whose figures are far from its own history is on hold from then on, and an
 * alert is raised: in one transaction, so that of several servers one does it, and neither is without the other.
 */
export const countSending = defineWrite(
  'sending.count',
  async (tx, { counts, now, holdsSuspects, bulkSenders }: Counting): Promise<readonly HeldSuspect[]> => {
    const held: HeldSuspect[] = []
    // In one order, so that two do not wait for each other.
    for (const count of counts.toSorted((a, b) => a.accountId - b.accountId)) {
      const { accountId } = count
      await addCounts(tx, count, hourOf(now))
      const suspect = holdsSuspects ? await findSuspect(tx, accountId, now, bulkSenders) : undefined
      if (suspect && (await writeAccountHold(tx, { accountId, since: now, reason: suspect.reason }))) {
        held.push(suspect)
        await raiseAlert.run(tx, {
          kind: 'account-held',
          subject: suspect.account,
          at: now,
          evidence: { detail: suspect.reason, sending: suspect.evidence },
        })
      }
      await forgetOld(tx, accountId, now)
    }
    return held
  },
)

async function findSuspect(
  tx: Tx,
  accountId: number,
  now: number,
  bulkSenders: readonly string[],
): Promise<(HeldSuspect & { readonly evidence: SendingEvidence }) | undefined> {
  const figures = await readFigures(tx, accountId, hourOf(now))
  const account = await tx.get<{ address: string }>('SELECT address FROM account WHERE id = ?', accountId)
  if (!account) return undefined
  const suspicion = judgeSending(figures, isBulkAccount(bulkSenders, account.address))
  if (!suspicion) return undefined
  const last = await readAccountHold(tx, accountId)
  if (last && (last.releasedAt === undefined || now - last.releasedAt < trustedForMs)) return undefined
  return {
    account: account.address,
    reason: describeSuspicion(suspicion, figures),
    evidence: { suspicion, figures },
  }
}

/** One row that is read for each hour of a month: none where it has sent little. */
async function readFigures(tx: Tx, accountId: number, hour: number): Promise<SendingFigures> {
  const row = await tx.get<Readonly<Record<keyof typeof none, number | null>>>(
    `SELECT sum(CASE WHEN hour >= ? THEN recipients ELSE 0 END) AS recipients,
       sum(CASE WHEN hour >= ? THEN new_recipients ELSE 0 END) AS fresh,
       sum(CASE WHEN hour > ? THEN ended ELSE 0 END) AS ended, sum(CASE WHEN hour > ? THEN failed ELSE 0 END) AS failed,
       max(CASE WHEN hour <= ? THEN recipients ELSE 0 END) AS busiest,
       sum(CASE WHEN hour <= ? THEN ended ELSE 0 END) AS ended_before,
       sum(CASE WHEN hour <= ? THEN failed ELSE 0 END) AS failed_before
      FROM sending_count WHERE account_id = ?`,
    hour - 1,
    hour - 1,
    hour - hoursOfDay,
    hour - hoursOfDay,
    hour - hoursOfDay,
    hour - hoursOfDay,
    hour - hoursOfDay,
    accountId,
  )
  const { recipients, fresh, ended, failed, busiest, ended_before, failed_before } = row ?? none
  return {
    recipients: recipients ?? 0,
    newRecipients: fresh ?? 0,
    ended: ended ?? 0,
    failed: failed ?? 0,
    before: { busiestHour: busiest ?? 0, ended: ended_before ?? 0, failed: failed_before ?? 0 },
  }
}

const none = {
  recipients: 0,
  fresh: 0,
  ended: 0,
  failed: 0,
  busiest: 0,
  ended_before: 0,
  failed_before: 0,
}

/** An account that does not send any more keeps a month of rows, until it is removed. */
async function forgetOld(tx: Tx, accountId: number, now: number): Promise<void> {
  await tx.run(
    'DELETE FROM sending_count WHERE account_id = ? AND hour < ?',
    accountId,
    hourOf(now) - keptHours,
  )
}

/** Of an account, or of all: those to whom nothing was written for two years. */
export const forgetCorrespondents = defineWrite(
  'sending.forget-correspondents',
  async (tx, { now }: { readonly now: number }): Promise<number> => {
    const { changes } = await tx.run('DELETE FROM correspondent WHERE written_at < ?', now - knownForMs)
    return changes
  },
)

/** What an alert has to show. */
export interface SendingEvidence {
  readonly suspicion: 'rate' | 'failures'
  readonly figures: SendingFigures
}

export const sendingOperations = [
  knowsCorrespondent,
  hasWrittenTo,
  noteCorrespondent,
  countSending,
  forgetCorrespondents,
] as const
