// Writes mbox files (mboxrd), one for each mailbox: 'INBOX.mbox', 'Work.mbox', 'Work.sbd/2025.mbox'. What an earlier export has
// written stays, and new messages are put behind it.
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Mailbox } from '../../mailbox/mailbox-row.ts'
import type { MailboxMessage } from '../../mailbox/message-row.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { explainFile } from '../explain-file.ts'
import { type ExportedFile, ExportFolder, syncFolder } from '../export-folder.ts'
import type { FolderFiles, MailFiles } from '../export-mail.ts'
import { encodeLevel } from '../maildir/folder-name.ts'
import { PlainLineEnds } from '../plain-line-ends.ts'
import { MboxHeader } from './header-fields.ts'
import { headBytes, Joined, type LinePiece, LinePieces } from './line-pieces.ts'
import { formatSeparator } from './separator.ts'
import { formatStatus } from './status-fields.ts'

/** After so much what has been written is made durable, and counts. */
const bytesToKeep = 16 * 1024 * 1024
/** So much is written at a time. */
const bytesAtOnce = 256 * 1024

export async function createMboxFiles(path: string, account: string): Promise<MailFiles> {
  const root = await ExportFolder.open(path, { format: 'mbox', account })
  return {
    async openFolder(mailbox) {
      const name = formatMboxName(mailbox.name.split('/'))
      try {
        return await MboxFolder.open(root, name, mailbox)
      } catch (cause) {
        throw explainFile(join(root.path, name), cause)
      }
    },
    // No mail program looks for them beside such files.
    writeSubscriptions: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }
}

function formatMboxName(levels: readonly string[]): string {
  const names = levels.map(encodeLevel)
  return [...names.slice(0, -1).map(name => `${name}.sbd`), `${names.at(-1) ?? ''}.mbox`].join('/')
}

class MboxFolder implements FolderFiles {
  readonly name: string
  readonly atATime = 1
  readonly #root: ExportFolder
  readonly #file: FileHandle
  readonly #uidValidity: number
  #lastUid: number
  readonly #leftOut: Set<number>
  /** Of the file, with what waits to be written. */
  #size: number
  #waiting: Buffer[] = []
  #waitingBytes = 0
  /** A write has failed: nobody knows what is in the file behind `#sizeKept`. */
  #isBroken = false
  #sizeKept: number

  private constructor(
    root: ExportFolder,
    name: string,
    file: FileHandle,
    found: Omit<ExportedFile, 'isOpen'>,
  ) {
    this.#root = root
    this.name = name
    this.#file = file
    this.#uidValidity = found.uidValidity
    this.#lastUid = found.lastUid
    this.#leftOut = new Set(found.leftOut)
    this.#size = found.size
    this.#sizeKept = found.size
  }

  static async open(root: ExportFolder, name: string, { uidValidity }: Mailbox): Promise<MboxFolder> {
    const path = join(root.path, name)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const known = root.file(name)
    const file = await open(path, known ? 'r+' : 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EEXIST') throw foreign(path)
      if (cause.code === 'ENOENT' && known) return open(path, 'wx', 0o600)
      throw cause
    })
    const { size } = await file.stat()
    const isNew = size === 0
    const keeps = !isNew && known?.uidValidity === uidValidity
    const found = {
      uidValidity,
      lastUid: keeps ? known.lastUid : 0,
      leftOut: keeps ? known.leftOut : [],
      size: isNew ? 0 : (known?.size ?? 0),
    }
    if (size < found.size || (size > found.size && known?.isOpen !== true)) {
      await file.close()
      throw foreign(path)
    }
    const folder = new MboxFolder(root, name, file, found)
    // What an export that was cut off has left behind the last whole message.
    await file.truncate(found.size)
    await folder.#keep('is-open')
    await syncFolder(dirname(path))
    return folder
  }

  has({ uid }: MailboxMessage): boolean {
    return uid <= this.#lastUid && !this.#leftOut.has(uid)
  }

  async add(message: MailboxMessage, text: AsyncIterable<Uint8Array>): Promise<void> {
    const begin = this.#size
    const own: Buffer[] = []
    let bytes = 0
    try {
      for await (const piece of composeMbox(message, text)) {
        own.push(piece)
        bytes += piece.length
        if (bytes > bytesAtOnce) {
          await this.#append(own.splice(0), bytes)
          bytes = 0
        }
      }
      this.#waiting.push(...own)
      this.#waitingBytes += bytes
      this.#size += bytes
      if (this.#waitingBytes > bytesAtOnce) await this.#append([], 0)
    } catch (cause) {
      if (this.#isBroken) throw cause
      this.#leftOut.add(message.uid)
      if (this.#size > begin) {
        this.#size = begin
        await this.#file.truncate(begin)
      }
      throw cause
    }
    this.#lastUid = Math.max(this.#lastUid, message.uid)
    this.#leftOut.delete(message.uid)
    if (this.#size - this.#sizeKept >= bytesToKeep) await this.#keep('is-open')
  }

  /** What waits, and behind it `more`, of which nothing counts yet. */
  async #append(more: readonly Buffer[], moreBytes: number): Promise<void> {
    const bytes = Buffer.concat([...this.#waiting, ...more])
    const at = this.#size - this.#waitingBytes
    this.#waiting = []
    this.#waitingBytes = 0
    this.#size += moreBytes
    try {
      for (let from = 0; from < bytes.length; )
        from += (await this.#file.write(bytes, from, bytes.length - from, at + from)).bytesWritten
    } catch (cause) {
      this.#isBroken = true
      throw explainFile(join(this.#root.path, this.name), cause)
    }
  }

  async close(): Promise<readonly string[]> {
    try {
      // What has been kept last counts, and the next export goes on behind it.
      if (!this.#isBroken) await this.#keep('is-closed')
    } finally {
      await this.#file.close()
    }
    return []
  }

  async #keep(state: 'is-open' | 'is-closed'): Promise<void> {
    await this.#append([], 0)
    await this.#file.sync()
    this.#sizeKept = this.#size
    await this.#root.setFile(this.name, {
      uidValidity: this.#uidValidity,
      lastUid: this.#lastUid,
      leftOut: [...this.#leftOut],
      size: this.#size,
      isOpen: state === 'is-open',
    })
  }
}

function foreign(path: string): UsageFault {
  return new UsageFault(
    'EXPORT_FILE_FOREIGN',
    `${path} has been written by something else than an export, and is left as it is. Name another folder, or move that file away.`,
  )
}

const quotable = /^>*From /
const lf = Buffer.from('\n')

/** As it stands in the file, its empty line at the end included. */
export async function* composeMbox(
  message: Pick<MailboxMessage, 'flags' | 'keywords' | 'receivedAt' | 'traceFields'>,
  text: AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer> {
  yield Buffer.from(
    `${formatSeparator(senderOf(message), message.receivedAt)}\n${formatStatus(message.flags, message.keywords)}`,
  )
  const ends = new PlainLineEnds()
  const lines = new LinePieces(0)
  const header = new MboxHeader()
  let ready: Buffer[] = []
  let endsLine = false
  const joined = new Joined(bytes => void ready.push(bytes))
  const take = (pieces: Iterable<LinePiece>): void => {
    for (const piece of pieces) {
      if (header.take(piece) === 'body' && piece.beginsLine && isQuotable(piece)) {
        joined.flush()
        ready.push(Buffer.from('>'))
      }
      joined.add(piece.bytes)
      endsLine = piece.bytes.at(-1) === lf[0]
    }
    joined.flush()
  }
  for await (const piece of text) {
    take(lines.take(ends.take(piece)))
    yield* ready
    ready = []
  }
  take(lines.take(ends.finish()))
  take(lines.finish())
  yield* ready
  if (!endsLine) yield lf
  yield lf
}

function isQuotable({ bytes }: LinePiece): boolean {
  return (
    (bytes[0] === 0x3e || bytes[0] === 0x46) && quotable.test(bytes.subarray(0, headBytes).toString('latin1'))
  )
}

/** Whom the delivery has named in Return-Path. */
function senderOf({ traceFields }: Pick<MailboxMessage, 'traceFields'>): string {
  const [, path = ''] = /^Return-Path:\s*<([^\s<>]+)>/im.exec(traceFields) ?? []
  return path === '' ? 'MAILER-DAEMON' : path
}
