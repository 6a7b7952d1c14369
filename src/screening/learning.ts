// What the statistical filter has learned from each account, and from all together: operations.
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'
import type { Learned, WordCount } from './estimate.ts'

export type LearnedKind = 'spam' | 'ham'

export interface Lesson {
  readonly accountId: number
  /** The queue id of the message, which is also that of its mail data. */
  readonly messageId: number
  /** undefined: what was learned of it is taken back. */
  readonly kind: LearnedKind | undefined
  readonly words: readonly number[]
  readonly now: number
}

/** For all accounts together. */
export const everybody = 0
/** What an account has learned itself counts so many times as much as what others have. */
const ownWeight = 4
const dayMs = 86_400_000

/** 'known': it was learned as that before. */
export const learnMessage = defineWrite(
  'screening.learn-message',
  async (tx, lesson: Lesson): Promise<'learned' | 'known'> => {
    const before = await readKind(tx, lesson)
    if (before === lesson.kind) return 'known'
    if (before) await takeBack(tx, lesson, before)
    if (lesson.kind) await count(tx, lesson, lesson.kind)
    await noteKind(tx, lesson)
    return 'learned'
  },
)

async function readKind(tx: Tx, { accountId, messageId }: Lesson): Promise<LearnedKind | undefined> {
  const row = await tx.get<{ kind: LearnedKind }>(
    'SELECT kind FROM learned_message WHERE account_id = ? AND message_id = ?',
    accountId,
    messageId,
  )
  return row?.kind
}

async function noteKind(tx: Tx, { accountId, messageId, kind, now }: Lesson): Promise<void> {
  if (kind)
    await tx.run(
      `INSERT INTO learned_message (account_id, message_id, kind, learned_at) VALUES (?, ?, ?, ?)
        ON CONFLICT (account_id, message_id) DO UPDATE SET kind = excluded.kind, learned_at = excluded.learned_at`,
      accountId,
      messageId,
      kind,
      now,
    )
  else
    await tx.run('DELETE FROM learned_message WHERE account_id = ? AND message_id = ?', accountId, messageId)
}

async function count(tx: Tx, lesson: Lesson, kind: LearnedKind): Promise<void> {
  const [spam, ham] = kind === 'spam' ? [1, 0] : [0, 1]
  const day = Math.floor(lesson.now / dayMs)
  for (const accountId of whoLearns(lesson)) {
    await tx.run(
      `INSERT INTO filter_total (account_id, spam, ham) VALUES (?, ?, ?)
        ON CONFLICT (account_id) DO UPDATE SET spam = filter_total.spam + excluded.spam, ham = filter_total.ham + excluded.ham`,
      accountId,
      spam,
      ham,
    )
    await tx.forAll(inOneOrder(lesson), word =>
      tx.run(
        `INSERT INTO filter_word (account_id, word, spam, ham, seen_day) VALUES (?, ?, ?, ?, ?)
          ON CONFLICT (account_id, word) DO UPDATE
          SET spam = filter_word.spam + excluded.spam, ham = filter_word.ham + excluded.ham, seen_day = excluded.seen_day`,
        accountId,
        word,
        spam,
        ham,
        day,
      ),
    )
  }
}

/** A word that was forgotten meanwhile is not owed: counts below nothing would make every estimate with it wrong. */
async function takeBack(tx: Tx, lesson: Lesson, kind: LearnedKind): Promise<void> {
  const oneLess = `${kind} = CASE WHEN ${kind} > 0 THEN ${kind} - 1 ELSE 0 END`
  for (const accountId of whoLearns(lesson)) {
    await tx.run(`UPDATE filter_total SET ${oneLess} WHERE account_id = ?`, accountId)
    await tx.forAll(inOneOrder(lesson), word =>
      tx.run(`UPDATE filter_word SET ${oneLess} WHERE account_id = ? AND word = ?`, accountId, word),
    )
  }
}

function whoLearns({ accountId }: Lesson): Iterable<number> {
  return new Set([accountId, everybody])
}

/** So that two writers cannot wait for each other. */
function inOneOrder({ words }: Lesson): readonly number[] {
  return words.toSorted((a, b) => a - b)
}

/**
 * Whether an account has taught so much of a kind within a day that one more message would be left out: whoever has its password, or puts
 * all that it has into Junk by mistake, does not teach everybody else's filter; and who answers much may still say what is spam. What it
 * has taught before it may always take back.
 */
export const hasTaughtEnough = defineRead(
  'screening.has-taught-enough',
  async (
    tx,
    { accountId, messageId, kind, now }: Pick<Lesson, 'accountId' | 'messageId' | 'kind' | 'now'>,
  ): Promise<boolean> => {
    if (!kind) return false
    const row = await tx.get<{ taught: number; known: number }>(
      `SELECT count(*) AS taught,
         (SELECT count(*) FROM learned_message WHERE account_id = ? AND message_id = ?) AS known
        FROM learned_message WHERE account_id = ? AND kind = ? AND learned_at > ?`,
      accountId,
      messageId,
      accountId,
      kind,
      now - dayMs,
    )
    return row !== undefined && row.known === 0 && row.taught >= mostTaughtADay
  },
)

/** Of either kind. */
export const mostTaughtADay = 50

export interface Knowledge {
  readonly all: Learned
  /** Of the words that were asked for, those that were met. */
  readonly words: readonly WordCount[]
}

/** What an account and all others know of these words, the account's own word counting more. */
export const recallWords = defineRead(
  'screening.recall-words',
  async (
    tx,
    { accountId, words }: { readonly accountId: number; readonly words: readonly number[] },
  ): Promise<Knowledge> => {
    const totals = await tx.all<Learned & { account_id: number }>(
      'SELECT account_id, spam, ham FROM filter_total WHERE account_id IN (?, ?)',
      everybody,
      accountId,
    )
    const all = weigh(totals, accountId)
    // Most messages come before anything was learned.
    if (all.spam === 0 || all.ham === 0) return { all, words: [] }
    const counts = new Map<number, (Learned & { account_id: number })[]>()
    for (let from = 0; from < words.length; from += wordsAtOnce) {
      const some = words.slice(from, from + wordsAtOnce)
      const rows = await tx.all<Learned & { account_id: number; word: number }>(
        `SELECT account_id, word, spam, ham FROM filter_word
          WHERE account_id IN (?, ?) AND word IN (${placeholders(wordsAtOnce)})`,
        everybody,
        accountId,
        // One statement, prepared once: the places that are left over ask for no word.
        ...some,
        ...Array.from({ length: wordsAtOnce - some.length }, () => -1),
      )
      for (const row of rows) counts.set(row.word, [...(counts.get(row.word) ?? []), row])
    }
    return { all, words: Array.from(counts.values(), rows => weigh(rows, accountId)) }
  },
)

const wordsAtOnce = 500

function placeholders(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ')
}

/** What an account has learned is in the sum of all already. */
function weigh(rows: readonly (Learned & { readonly account_id: number })[], accountId: number): Learned {
  const weightOf = (id: number): number => (id === accountId && accountId !== everybody ? ownWeight - 1 : 1)
  return {
    spam: rows.reduce((sum, row) => sum + weightOf(row.account_id) * row.spam, 0),
    ham: rows.reduce((sum, row) => sum + weightOf(row.account_id) * row.ham, 0),
  }
}

/** Words that were met once or twice and never again tell nothing, and are most of all. Returns how many went, `limit` at most. */
export const forgetRareWords = defineWrite(
  'screening.forget-rare-words',
  async (tx, { before, limit }: { readonly before: number; readonly limit: number }): Promise<number> => {
    const { changes } = await tx.run(
      `DELETE FROM filter_word WHERE (account_id, word) IN
        (SELECT account_id, word FROM filter_word WHERE seen_day < ? AND spam + ham <= 2 LIMIT ?)`,
      Math.floor(before / dayMs),
      limit,
    )
    return changes
  },
)

/** How many messages an account has taught. */
export const readLearned = defineRead(
  'screening.read-learned',
  async (tx, { accountId }: { readonly accountId: number }): Promise<Learned> => {
    const row = await tx.get<Learned>('SELECT spam, ham FROM filter_total WHERE account_id = ?', accountId)
    return { spam: row?.spam ?? 0, ham: row?.ham ?? 0 }
  },
)

export const learningOperations = [learnMessage, hasTaughtEnough, recallWords, forgetRareWords, readLearned]
