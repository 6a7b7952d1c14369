// Every operation on mailboxes, and those that the command line alone asks for, where a mailbox goes by its name.
import { defineRead, defineWrite } from '../storage/operation.ts'
import { appendMessages } from './append-messages.ts'
import { changeFlags } from './change-flags.ts'
import { copyMessages, moveMessages, moveRowsTo } from './copy-messages.ts'
import { expungeMessages, removeFirstMessages } from './expunge.ts'
import { forgetExpunged, listExpunged, restoreExpunged } from './expunged.ts'
import { listJudgements } from './judgements.ts'
import { wantReadings } from './lost-readings.ts'
import { mendMailbox } from './mailbox-damage.ts'
import { findMailboxNamed, makeMailbox } from './mailbox-names.ts'
import { lockAccounts } from './mailbox-row.ts'
import { lockMaildrop, renewMaildropLocks, unlockMaildrop, updateMaildrop } from './maildrop-locks.ts'
import { findWantedReadings, keepReadings } from './message-readings.ts'
import { type MailboxMessage, type MessageRow, messageColumns, readMessage } from './message-row.ts'
import { findUnindexed, findWords, indexAnew } from './message-words.ts'
import { listChangedMetadata, listMetadata, readMetadata, writeMetadata } from './metadata.ts'
import {
  createMailbox,
  findMailbox,
  listMailboxes,
  listSubscriptions,
  removeMailbox,
  renameMailbox,
  subscribe,
  unsubscribe,
} from './name-operations.ts'
import { findLackOfRoom, listQuotas, mendUse, readQuotaOf, updateLevel } from './quota-operations.ts'
import {
  readChanges,
  readKeywords,
  readMailboxes,
  readMailboxState,
  readMessages,
  readSizes,
} from './read-mailbox.ts'
import { rebuildBlocks } from './rebuild-blocks.ts'
import { claimRecent, countRecent } from './recent.ts'
import { expungeOutdated, findOutdated } from './retention.ts'
import {
  keepStructures,
  readEnvelopedMessages,
  readStructuredMessages,
  readStructures,
} from './structures.ts'
import { createUrlKey, findUrlKey, removeUrlKeys } from './url-keys.ts'

export interface MailboxPage {
  readonly accountId: number
  readonly mailbox: string
  /** Only messages with a smaller UID; undefined for the first page. */
  readonly beforeUid?: number | undefined
  readonly limit: number
}

/** Newest first. */
export const listMailboxMessages = defineRead(
  'mailbox.list-messages',
  async (tx, input: MailboxPage): Promise<MailboxMessage[]> => {
    const rows = await tx.all<MessageRow>(
      `SELECT ${messageColumns} FROM mailbox_message JOIN mailbox ON mailbox.id = mailbox_id
        WHERE account_id = ? AND name = ? AND uid < ? ORDER BY uid DESC LIMIT ?`,
      input.accountId,
      input.mailbox,
      input.beforeUid ?? Number.MAX_SAFE_INTEGER,
      input.limit,
    )
    return rows.map(readMessage)
  },
)

/** How many have a smaller UID. */
export const countMailboxMessages = defineRead(
  'mailbox.count-messages',
  async (tx, input: Omit<MailboxPage, 'limit'>): Promise<number> => {
    const row = await tx.get<{ count: number }>(
      `SELECT count(*) AS count FROM mailbox_message JOIN mailbox ON mailbox.id = mailbox_id
        WHERE account_id = ? AND name = ? AND uid < ?`,
      input.accountId,
      input.mailbox,
      input.beforeUid ?? Number.MAX_SAFE_INTEGER,
    )
    return row?.count ?? 0
  },
)

export interface MailboxMessageName {
  readonly accountId: number
  readonly mailbox: string
  readonly uid: number
}

export const findMailboxMessage = defineRead(
  'mailbox.find-message',
  async (tx, input: MailboxMessageName): Promise<MailboxMessage | undefined> => {
    const row = await tx.get<MessageRow>(
      `SELECT ${messageColumns} FROM mailbox_message JOIN mailbox ON mailbox.id = mailbox_id
        WHERE account_id = ? AND name = ? AND uid = ?`,
      input.accountId,
      input.mailbox,
      input.uid,
    )
    return row && readMessage(row)
  },
)

export interface MailboxMove extends MailboxMessageName {
  /** Made, when there is none of this name. */
  readonly to: string
  readonly now: number
}

/** Its UID in the other mailbox; undefined: it is not there. */
export const moveMailboxMessage = defineWrite(
  'mailbox.move-message',
  async (tx, { accountId, mailbox, uid, to, now }: MailboxMove): Promise<number | undefined> => {
    await lockAccounts(tx, accountId)
    const source = await findMailboxNamed(tx, accountId, mailbox)
    if (!source) return undefined
    const target =
      (await findMailboxNamed(tx, accountId, to)) ?? (await makeMailbox(tx, { accountId, name: to, now }))
    return await moveRowsTo(tx, { source, target, now }, [{ first: uid, last: uid }])
  },
)

export const mailboxOperations = [
  appendMessages,
  changeFlags,
  claimRecent,
  countRecent,
  copyMessages,
  countMailboxMessages,
  createMailbox,
  createUrlKey,
  expungeMessages,
  expungeOutdated,
  findLackOfRoom,
  findMailbox,
  findMailboxMessage,
  findOutdated,
  findUnindexed,
  findUrlKey,
  findWantedReadings,
  findWords,
  forgetExpunged,
  indexAnew,
  keepReadings,
  keepStructures,
  listChangedMetadata,
  listExpunged,
  listJudgements,
  listMailboxes,
  listMailboxMessages,
  listMetadata,
  listQuotas,
  listSubscriptions,
  lockMaildrop,
  mendMailbox,
  mendUse,
  moveMailboxMessage,
  moveMessages,
  readChanges,
  readKeywords,
  readMailboxes,
  readMailboxState,
  readMessages,
  readMetadata,
  readQuotaOf,
  readSizes,
  readEnvelopedMessages,
  readStructuredMessages,
  readStructures,
  rebuildBlocks,
  removeFirstMessages,
  removeMailbox,
  removeUrlKeys,
  renameMailbox,
  renewMaildropLocks,
  restoreExpunged,
  subscribe,
  unlockMaildrop,
  unsubscribe,
  updateLevel,
  wantReadings,
  writeMetadata,
  updateMaildrop,
] as const
