// What an account has in Junk turns out to be wanted: it goes where it would have come. Inside somebody's transaction, who has
// locked the account.
import type { Tx } from '../storage/operation.ts'
import { dropRows } from './expunge.ts'
import { type Filing, fileMessage } from './file-message.ts'
import { findMailboxOfUse } from './mailbox-names.ts'
import { type FlagRow, flagColumns, readFlags } from './message-row.ts'
import { rangesOf } from './uid-ranges.ts'

/** False: it is not there. What was done to it there (read, flagged) stays done. */
export async function takeOutOfJunk(tx: Tx, filing: Filing): Promise<boolean> {
  const junk = await findMailboxOfUse(tx, filing.accountId, 'Junk')
  if (!junk || junk.name === filing.mailbox) return false
  const rows = await tx.all<FlagRow>(
    `SELECT ${flagColumns} FROM mailbox_message WHERE mailbox_id = ? AND mail_data_id = ? ORDER BY uid`,
    junk.id,
    filing.mailDataId ?? filing.queueId,
  )
  const [first] = rows
  if (!first) return false
  const { flags, keywords } = readFlags(first)
  await dropRows(tx, junk, rangesOf(rows.map(({ uid }) => uid)))
  await fileMessage(tx, { ...filing, flags, keywords })
  return true
}
