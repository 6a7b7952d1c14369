// Greylisting: who is not known and looks suspicious is asked to come again, which mail servers do and most programs that send
// spam do not. It learns: a sender who has come again is known to that recipient, and an origin from which several have come
// again is known to all.
import { defineWrite, type Tx } from '../storage/operation.ts'
import { numberOf } from './words.ts'

/** Who sends to whom, from where. */
export interface Visit {
  /**
   * What it is the same by when it comes again: the domain that has proved itself (DKIM, SPF), from whichever of its addresses,
   * and the network of the client ('192.0.2.0/24', '2001:db8::/64'), where nothing proves it, or not each time (RFC 6647).
   * The first is what becomes known to all.
   */
  readonly origins: readonly [string, ...string[]]
  /** 'boris@example.net', '' for the null reverse-path. */
  readonly sender: string
  readonly recipient: string
  readonly now: number
}

export interface GreylistRules {
  /** Sooner it is no mail server that comes again. */
  readonly waitMs: number
  /** Who has not come again by then begins anew. */
  readonly windowMs: number
}

/** Sooner than the first no mail server comes again; after the second nobody does. */
export const greylistRules: GreylistRules = { waitMs: 5 * 60_000, windowMs: 2 * 86_400_000 }

/** Of so many senders that have come again the origin is known. */
export const knownAfter = 5

/** Who comes all the time need not be noted each time, but for being remembered. */
const renewAfterMs = 86_400_000

export type Greylisted =
  | { readonly kind: 'known' }
  | { readonly kind: 'come-again'; readonly notBefore: number }

export const visitGreylist = defineWrite(
  'screening.visit-greylist',
  async (
    tx,
    { visit, rules }: { readonly visit: Visit; readonly rules: GreylistRules },
  ): Promise<Greylisted> => {
    const { origins, sender, recipient, now } = visit
    const originKey = numberOf(`origin ${origins[0]}`)
    const known = await read(tx, originKey)
    if (known && known.passes >= knownAfter) {
      if (now - known.lastAt >= renewAfterMs) await note(tx, originKey, { ...known, lastAt: now })
      return { kind: 'known' }
    }
    const keys = origins.map(origin =>
      numberOf(`${origin} ${sender.toLowerCase()} ${recipient.toLowerCase()}`),
    )
    const noteAll = async (entry: Entry): Promise<void> => {
      for (const key of keys) await note(tx, key, entry)
    }
    const entry = firstOf(await tx.forAll(keys, key => read(tx, key)), now - rules.windowMs)
    if (entry && entry.passes > 0) {
      await noteAll({ ...entry, lastAt: now })
      return { kind: 'known' }
    }
    if (!entry) {
      await noteAll({ firstAt: now, lastAt: now, passes: 0 })
      return { kind: 'come-again', notBefore: now + rules.waitMs }
    }
    const notBefore = entry.firstAt + rules.waitMs
    if (now < notBefore) {
      await noteAll(entry)
      return { kind: 'come-again', notBefore }
    }
    await noteAll({ ...entry, lastAt: now, passes: 1 })
    await note(tx, originKey, {
      firstAt: known?.firstAt ?? now,
      lastAt: now,
      passes: (known?.passes ?? 0) + 1,
    })
    return { kind: 'known' }
  },
)

interface Entry {
  readonly firstAt: number
  readonly lastAt: number
  readonly passes: number
}

/** Of those that still count: one that has come again, else the earliest. */
function firstOf(entries: readonly (Entry | undefined)[], since: number): Entry | undefined {
  return entries
    .filter(entry => entry !== undefined)
    .filter(({ firstAt, passes }) => passes > 0 || firstAt >= since)
    .toSorted((a, b) => b.passes - a.passes || a.firstAt - b.firstAt)[0]
}

async function read(tx: Tx, key: number): Promise<Entry | undefined> {
  const row = await tx.get<{ first_at: number; last_at: number; passes: number }>(
    'SELECT first_at, last_at, passes FROM greylist WHERE visit = ?',
    key,
  )
  return row && { firstAt: row.first_at, lastAt: row.last_at, passes: row.passes }
}

async function note(tx: Tx, key: number, { firstAt, lastAt, passes }: Entry): Promise<void> {
  await tx.run(
    `INSERT INTO greylist (visit, first_at, last_at, passes) VALUES (?, ?, ?, ?)
      ON CONFLICT (visit) DO UPDATE SET first_at = excluded.first_at, last_at = excluded.last_at, passes = excluded.passes`,
    key,
    firstAt,
    lastAt,
    passes,
  )
}

/** Who has never come again goes after the window; who is known, when nothing has come since `before`. Returns how many went, `limit` at most. */
export const forgetVisits = defineWrite(
  'screening.forget-visits',
  async (
    tx,
    {
      before,
      windowMs,
      now,
      limit,
    }: {
      readonly before: number
      readonly windowMs: number
      readonly now: number
      readonly limit: number
    },
  ): Promise<number> => {
    const { changes } = await tx.run(
      `DELETE FROM greylist WHERE visit IN
        (SELECT visit FROM greylist WHERE last_at < ? OR passes = 0 AND last_at < ? LIMIT ?)`,
      before,
      now - windowMs,
      limit,
    )
    return changes
  },
)

export const greylistOperations = [visitGreylist, forgetVisits]
