// Which messages of a mailbox are the same as one that comes, octet by octet. Of all of them only the sizes stand in memory; the
// content of those with one size is looked at when a message of this size comes.
import { createHash } from 'node:crypto'
import type { OpenMailbox } from '../mailbox/mailbox-row.ts'
import type { MailDataStore, StoredMailData } from '../storage/mail-data.ts'
import { defineRead, type Storage } from '../storage/operation.ts'
import { StorageFault } from '../storage/storage-fault.ts'

interface SizeRow {
  readonly uid: number
  readonly size: number
}

const readSizes = defineRead(
  'message-stores.read-sizes',
  async (tx, input: { readonly mailboxId: number; readonly after: number; readonly limit: number }) =>
    await tx.all<SizeRow>(
      'SELECT uid, size FROM mailbox_message WHERE mailbox_id = ? AND uid > ? ORDER BY uid LIMIT ?',
      input.mailboxId,
      input.after,
      input.limit,
    ),
)

interface ContentRow extends SizeRow {
  readonly trace_fields: string
  readonly mail_data_id: number
  readonly checksum: Uint8Array
}

const readContents = defineRead(
  'message-stores.read-contents',
  async (tx, { mailboxId, uids }: { readonly mailboxId: number; readonly uids: readonly number[] }) => {
    const rows = await tx.forAll(uids, uid =>
      tx.all<ContentRow>(
        `SELECT uid, mailbox_message.size, trace_fields, mail_data_id, checksum
           FROM mailbox_message JOIN mail_data ON mail_data.id = mail_data_id WHERE mailbox_id = ? AND uid = ?`,
        mailboxId,
        uid,
      ),
    )
    return rows.flat()
  },
)

const rowsAtATime = 5000
const contentsAtATime = 500

export class SameContent {
  readonly #storage: Pick<Storage, 'run'>
  readonly #mailData: Pick<MailDataStore, 'read'>
  readonly #mailboxId: number
  /** Sizes, each at the place of its UID in the other. */
  readonly #sizes: Float64Array
  readonly #uids: Float64Array
  /** Of the sizes that were asked for: UIDs by checksum. */
  readonly #bySize = new Map<number, ReadonlyMap<string, readonly number[]>>()

  private constructor(
    storage: Pick<Storage, 'run'>,
    mailData: Pick<MailDataStore, 'read'>,
    mailboxId: number,
    rows: { readonly sizes: Float64Array; readonly uids: Float64Array },
  ) {
    this.#storage = storage
    this.#mailData = mailData
    this.#mailboxId = mailboxId
    this.#sizes = rows.sizes
    this.#uids = rows.uids
  }

  /** Of the messages that are there now. */
  static async of(
    storage: Pick<Storage, 'run'>,
    mailData: Pick<MailDataStore, 'read'>,
    { mailboxId }: OpenMailbox,
    messages: number,
  ): Promise<SameContent> {
    const rows = { sizes: new Float64Array(messages), uids: new Float64Array(messages) }
    let count = 0
    for (let after = 0; count < messages; ) {
      const page = await storage.run(readSizes, { mailboxId, after, limit: rowsAtATime })
      for (const { uid, size } of page.slice(0, messages - count)) {
        rows.sizes[count] = size
        rows.uids[count++] = uid
        after = uid
      }
      if (page.length < rowsAtATime) break
    }
    return new SameContent(storage, mailData, mailboxId, rows)
  }

  /** UIDs, ascending. */
  async find({ size, checksum }: Pick<StoredMailData, 'size' | 'checksum'>): Promise<readonly number[]> {
    let ofSize = this.#bySize.get(size)
    if (!ofSize) {
      ofSize = await this.#readAll(size)
      this.#bySize.set(size, ofSize)
    }
    return ofSize.get(Buffer.from(checksum).toString('hex')) ?? []
  }

  async #readAll(size: number): Promise<ReadonlyMap<string, readonly number[]>> {
    const uids: number[] = []
    for (let at = this.#sizes.indexOf(size); at >= 0; at = this.#sizes.indexOf(size, at + 1))
      uids.push(this.#uids[at] ?? 0)
    const found = new Map<string, number[]>()
    for (let at = 0; at < uids.length; at += contentsAtATime) {
      const page = { mailboxId: this.#mailboxId, uids: uids.slice(at, at + contentsAtATime) }
      for (const row of await this.#storage.run(readContents, page)) {
        const checksum = await this.#checksumOf(row)
        if (checksum === undefined) continue
        const same = found.get(checksum)
        if (same) same.push(row.uid)
        else found.set(checksum, [row.uid])
      }
    }
    return found
  }

  /** Of the text as a client gets it: what a delivery has put above the mail data belongs to it. */
  async #checksumOf(row: ContentRow): Promise<string | undefined> {
    if (row.trace_fields === '') return Buffer.from(row.checksum).toString('hex')
    try {
      const hash = createHash('sha256').update(row.trace_fields)
      for await (const piece of this.#mailData.read(row.mail_data_id)) hash.update(piece)
      return hash.digest('hex')
    } catch (cause) {
      // It is like no other, and verify says what is wrong with it.
      if (cause instanceof StorageFault && cause.code === 'STORAGE_DAMAGED') return undefined
      throw cause
    }
  }
}
