// Makes the blocks and counters of a mailbox anew from its messages: after a migration, and where they are found wrong.
import { defineRead, defineWrite, type Storage, type Tx } from '../storage/operation.ts'
import { type Block, readBlocks, trim, uidsPerBlock, writeBlock } from './blocks.ts'
import {
  type CounterChange,
  countMessages,
  lockAccounts,
  type Mailbox,
  type MailboxRow,
  mailboxColumns,
  readMailbox,
} from './mailbox-row.ts'
import { stateOf } from './message-state.ts'
import { recountUse } from './quota.ts'

interface Row {
  readonly uid: number
  readonly flags: number
  readonly keywords: string
  readonly size: number
}

const findMailboxesWithoutBlocks = defineRead(
  'mailbox.find-without-blocks',
  async (tx): Promise<readonly number[]> => {
    const rows = await tx.all<{ id: number }>('SELECT id FROM mailbox WHERE has_blocks = 0 ORDER BY id')
    return rows.map(({ id }) => id)
  },
)

export const rebuildBlocks = defineWrite(
  'mailbox.rebuild-blocks',
  async (tx, { mailboxId }: { readonly mailboxId: number }): Promise<void> => {
    const found = await findById(tx, mailboxId)
    if (!found) return
    await lockAccounts(tx, found.accountId)
    const { blocks, counters } = await derive(tx, mailboxId)
    await tx.run('DELETE FROM mailbox_block WHERE mailbox_id = ?', mailboxId)
    for (const block of blocks) await writeBlock(tx, mailboxId, block)
    await tx.run(
      'UPDATE mailbox SET messages = ?, unseen = ?, deleted = ?, bytes = ?, deleted_bytes = ?, has_blocks = 1 WHERE id = ?',
      counters.messages,
      counters.unseen,
      counters.deleted,
      counters.bytes,
      counters.deletedBytes,
      mailboxId,
    )
    await recountUse(tx, found.accountId)
    tx.wake('mailbox', mailboxId)
  },
)

/** At the start: those that a migration has left without. */
export async function makeMissingBlocks(storage: Pick<Storage, 'run'>): Promise<number> {
  const ids = await storage.run(findMailboxesWithoutBlocks, undefined)
  for (const mailboxId of ids) await storage.run(rebuildBlocks, { mailboxId })
  return ids.length
}

async function findById(tx: Tx, mailboxId: number): Promise<Mailbox | undefined> {
  const row = await tx.get<MailboxRow>(`SELECT ${mailboxColumns} FROM mailbox WHERE id = ?`, mailboxId)
  return row && readMailbox(row)
}

const listNamed = defineRead(
  'mailbox.list-named',
  async (tx, { after }: { readonly after: number }): Promise<readonly NamedMailbox[]> =>
    await tx.all<NamedMailbox>(
      `SELECT mailbox.id AS "mailboxId", account.address, mailbox.name FROM mailbox JOIN account ON account.id = account_id
        WHERE mailbox.id > ? AND has_blocks = 1 ORDER BY mailbox.id LIMIT 500`,
      after,
    ),
)

interface NamedMailbox {
  readonly mailboxId: number
  /** Its owner's. */
  readonly address: string
  readonly name: string
}

export interface MailboxDamage extends NamedMailbox {
  /** 'it counts wrong: unseen' */
  readonly problem: string
}

/** Blocks and counters that are not those of the messages. */
export async function findMailboxDamage(storage: Pick<Storage, 'run'>): Promise<readonly MailboxDamage[]> {
  const damage: MailboxDamage[] = []
  for (let after = 0; ; ) {
    const mailboxes = await storage.run(listNamed, { after })
    for (const mailbox of mailboxes) {
      const problem = await storage.run(inspectBlocks, mailbox)
      if (problem !== undefined) damage.push({ ...mailbox, problem })
    }
    const last = mailboxes.at(-1)
    if (last === undefined) return damage
    after = last.mailboxId
  }
}

/** At one moment; undefined: nothing is wrong. */
const inspectBlocks = defineRead(
  'mailbox.inspect-blocks',
  async (tx, { mailboxId }: { readonly mailboxId: number }): Promise<string | undefined> => {
    const mailbox = await findById(tx, mailboxId)
    if (!mailbox) return undefined
    const { blocks, counters } = await derive(tx, mailboxId)
    const wrong = (Object.keys(counters) as (keyof CounterChange)[]).filter(
      name => counters[name] !== mailbox[name],
    )
    if (wrong.length > 0) return `it counts wrong: ${wrong.join(', ')}`
    const kept = await readBlocks(tx, mailboxId)
    const isSame =
      kept.length === blocks.length &&
      blocks.every(({ number, states }, at) => {
        const other = kept[at]
        return other?.number === number && Buffer.compare(other.states, states) === 0
      })
    return isSame ? undefined : 'its index of UIDs and flags is not that of its messages'
  },
)

const pageRows = 5000

async function derive(
  tx: Tx,
  mailboxId: number,
): Promise<{ readonly blocks: readonly Block[]; readonly counters: CounterChange }> {
  const octets = new Map<number, Uint8Array>()
  const counters = { messages: 0, unseen: 0, deleted: 0, bytes: 0, deletedBytes: 0 }
  for (let after = 0; ; ) {
    const rows = await tx.all<Row>(
      'SELECT uid, flags, keywords, size FROM mailbox_message WHERE mailbox_id = ? AND uid > ? ORDER BY uid LIMIT ?',
      mailboxId,
      after,
      pageRows,
    )
    for (const row of rows) {
      const number = Math.floor(row.uid / uidsPerBlock)
      const states = octets.get(number) ?? new Uint8Array(uidsPerBlock)
      states[row.uid % uidsPerBlock] = stateOf(row)
      octets.set(number, states)
    }
    const page = countMessages(rows)
    for (const name of Object.keys(counters) as (keyof CounterChange)[]) counters[name] += page[name]
    const last = rows.at(-1)
    if (!last) break
    after = last.uid
  }
  const blocks = [...octets].map(([number, states]) => ({ number, states: trim(states) }))
  return { blocks, counters }
}
