// Writes the mailboxes of an account into files that other programs read. What an earlier export has written there stays as it is,
// and what is new comes to it.
import { MessageText } from '../mail-access/message-text.ts'
import type { Mailbox } from '../mailbox/mailbox-row.ts'
import type { MailboxMessage } from '../mailbox/message-row.ts'
import { listMailboxes, listSubscriptions } from '../mailbox/name-operations.ts'
import { readMessages } from '../mailbox/read-mailbox.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import { StorageFault } from '../storage/storage-fault.ts'

/** What mail is written to. */
export interface MailFiles {
  /** Rejects with a UsageFault when something is there that no export has written. */
  openFolder(mailbox: Mailbox): Promise<FolderFiles>
  /** Levels of names. */
  writeSubscriptions(names: readonly (readonly string[])[]): Promise<void>
  close(): Promise<void>
}

export interface FolderFiles {
  /** For a person: where it is, in the folder of the export. */
  readonly name: string
  /** So many are written side by side. */
  readonly atATime: number
  has(message: MailboxMessage): boolean
  /** Rejects when `text` does, and leaves nothing of the message. */
  add(message: MailboxMessage, text: AsyncIterable<Uint8Array>): Promise<void>
  /** Resolves when all of it is durable. What did not find a place: a line for each, for a person. */
  close(): Promise<readonly string[]>
}

export interface ExportTerms {
  readonly accountId: number
  /** undefined: all. */
  readonly isWanted: (mailbox: string) => boolean
  readonly onProgress: (progress: ExportProgress) => void
  readonly isInterrupted: () => boolean
}

export interface ExportProgress {
  readonly mailbox: string
  readonly done: number
  readonly of: number
}

export interface MailboxReport {
  readonly mailbox: string
  readonly file: string
  readonly written: number
  readonly alreadyThere: number
  readonly damaged: number
}

export interface ExportReport {
  readonly mailboxes: readonly MailboxReport[]
  readonly remarks: readonly string[]
  readonly isInterrupted: boolean
}

const pageSize = 500

export async function exportMail(
  { storage, mailData }: { readonly storage: Pick<Storage, 'run'>; readonly mailData: MailDataStore },
  files: MailFiles,
  terms: ExportTerms,
): Promise<ExportReport> {
  const { accountId, isWanted, isInterrupted, onProgress } = terms
  const mailboxes = (await storage.run(listMailboxes, { accountId })).filter(({ name }) => isWanted(name))
  const of = mailboxes.reduce((sum, { messages }) => sum + messages, 0)
  const reports: MailboxReport[] = []
  const remarks: string[] = []
  let done = 0
  for (const mailbox of mailboxes) {
    if (isInterrupted()) break
    const folder = await files.openFolder(mailbox)
    const counts = { written: 0, alreadyThere: 0, damaged: 0 }
    const addOne = async (message: MailboxMessage): Promise<void> => {
      const text = new MessageText(mailData, message)
      try {
        await folder.add(message, piecesOf(text))
        counts.written++
      } catch (cause) {
        if (!(cause instanceof StorageFault) || cause.code !== 'STORAGE_DAMAGED') throw cause
        counts.damaged++
        remarks.push(`Not written: ${mailbox.name}, UID ${message.uid}: ${cause.message}`)
      }
    }
    let whole: readonly string[]
    try {
      for await (const page of pagesOf(storage, mailbox)) {
        const fresh = page.filter(message => !folder.has(message))
        counts.alreadyThere += page.length - fresh.length
        for (let at = 0; at < fresh.length && !isInterrupted(); at += folder.atATime) {
          await Promise.all(fresh.slice(at, at + folder.atATime).map(addOne))
          onProgress({ mailbox: mailbox.name, done: done + counts.alreadyThere + counts.written, of })
        }
        if (isInterrupted()) break
      }
    } finally {
      whole = await folder.close()
    }
    remarks.push(...whole)
    done += counts.alreadyThere + counts.written + counts.damaged
    reports.push({ mailbox: mailbox.name, file: folder.name, ...counts })
  }
  if (!isInterrupted()) {
    const names = await storage.run(listSubscriptions, { accountId })
    await files.writeSubscriptions(names.filter(isWanted).map(name => name.split('/')))
  }
  return { mailboxes: reports, remarks, isInterrupted: isInterrupted() }
}

function piecesOf(text: MessageText): AsyncIterable<Uint8Array> {
  const { content } = text.octets(text.whole)
  return content instanceof Uint8Array ? once(content) : content
}

// oxlint-disable-next-line typescript/require-await -- a stream of one piece
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** Ascending. */
async function* pagesOf(
  storage: Pick<Storage, 'run'>,
  { accountId, id, uidValidity }: Mailbox,
): AsyncGenerator<readonly MailboxMessage[]> {
  const open = { accountId, mailboxId: id, uidValidity }
  for (let first = 1; ; ) {
    const range = { first, last: Number.MAX_SAFE_INTEGER }
    const page = await storage.run(readMessages, { ...open, range, limit: pageSize })
    const last = page.at(-1)
    if (!last) return
    yield page
    first = last.uid + 1
  }
}
