// What people judge by moving or copying mail into Junk, or out of it, as programs do when somebody says "spam" or "not spam", and by
// answering it: kept until the filter has learned it.
import { defineRead, type Tx } from '../storage/operation.ts'
import type { Mailbox } from './mailbox-row.ts'

export interface Judgement {
  /** Whose Junk it is. */
  readonly accountId: number
  readonly queueId: number
  readonly mailDataId: number
  readonly kind: 'spam' | 'ham'
}

/** Of many that are moved at once, the last. */
const mostAtOnce = 100

/** Inside the transaction that has put messages into `target`, from this UID on. */
export async function noteJudgements(
  tx: Tx,
  source: Mailbox,
  target: Mailbox,
  firstUid: number,
): Promise<void> {
  const judged = judge(source, target)
  if (!judged) return
  await tx.run(
    `INSERT INTO judgement (account_id, queue_id, mail_data_id, kind)
       SELECT CAST(? AS BIGINT), queue_id, max(mail_data_id), CAST(? AS TEXT) FROM mailbox_message
        WHERE mailbox_id = ? AND uid >= ? GROUP BY queue_id ORDER BY queue_id DESC LIMIT ?
     ON CONFLICT (account_id, queue_id) DO UPDATE
       SET kind = excluded.kind, mail_data_id = excluded.mail_data_id`,
    judged.accountId,
    judged.kind,
    target.id,
    firstUid,
    mostAtOnce,
  )
}

/** From Junk into Trash is no judgement; nor is what the account has written itself. */
function judge(source: Mailbox, target: Mailbox): Pick<Judgement, 'accountId' | 'kind'> | undefined {
  const [from, to] = [source.specialUse, target.specialUse]
  if (from === to || from === 'Sent' || from === 'Drafts') return undefined
  if (to === 'Junk') return { accountId: target.accountId, kind: 'spam' }
  return from === 'Junk' && to !== 'Trash' ? { accountId: source.accountId, kind: 'ham' } : undefined
}

/** Inside the transaction that has marked these as answered: whoever answers a message wanted it. */
export async function noteAnswered(tx: Tx, mailbox: Mailbox, uids: readonly number[]): Promise<void> {
  if (mailbox.specialUse !== undefined && mailbox.specialUse !== 'Archive') return
  await tx.forAll(uids.slice(-mostAtOnce), uid =>
    tx.run(
      `INSERT INTO judgement (account_id, queue_id, mail_data_id, kind)
         SELECT CAST(? AS BIGINT), queue_id, mail_data_id, 'ham' FROM mailbox_message WHERE mailbox_id = ? AND uid = ?
       ON CONFLICT (account_id, queue_id) DO NOTHING`,
      mailbox.accountId,
      mailbox.id,
      uid,
    ),
  )
}

export const listJudgements = defineRead(
  'mailbox.list-judgements',
  async (tx, { limit }: { readonly limit: number }): Promise<readonly Judgement[]> => {
    const rows = await tx.all<{
      account_id: number
      queue_id: number
      mail_data_id: number
      kind: Judgement['kind']
    }>(
      'SELECT account_id, queue_id, mail_data_id, kind FROM judgement ORDER BY account_id, queue_id LIMIT ?',
      limit,
    )
    return rows.map(row => ({
      accountId: row.account_id,
      queueId: row.queue_id,
      mailDataId: row.mail_data_id,
      kind: row.kind,
    }))
  },
)

/** Inside the transaction that has learned it, or passes over it. False: it is another one now, or somebody else had it. */
export async function dropJudgement(tx: Tx, { accountId, queueId, kind }: Judgement): Promise<boolean> {
  const { changes } = await tx.run(
    'DELETE FROM judgement WHERE account_id = ? AND queue_id = ? AND kind = ?',
    accountId,
    queueId,
    kind,
  )
  return changes > 0
}
