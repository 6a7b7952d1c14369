// Writes a Maildir++: each message whole and durable in `tmp`, then by a link into `cur`, which never takes the place of a file.
import { type FileHandle, link, mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mailbox } from '../../mailbox/mailbox-row.ts'
import type { MailboxMessage } from '../../mailbox/message-row.ts'
import { explainFile } from '../explain-file.ts'
import { ExportFolder, replaceFile, syncFolder } from '../export-folder.ts'
import type { FolderFiles, MailFiles } from '../export-mail.ts'
import { PlainLineEnds } from '../plain-line-ends.ts'
import { formatKeywordsFile, formatSubscriptions, maxKeywords, parseKeywordsFile } from './dovecot-files.ts'
import { formatFileName, parseFileName, writeLetters } from './file-name.ts'
import { formatFolderName } from './folder-name.ts'

/** Each waits for the disk. */
const atATime = 16
const keywordsFile = 'dovecot-keywords'

export async function createMaildir(path: string, account: string): Promise<MailFiles> {
  const root = await ExportFolder.open(path, { format: 'maildir', account })
  // What makes a Maildir of it, whether or not INBOX comes.
  await makeFolders(root.path)
  return {
    async openFolder(mailbox) {
      const name = formatFolderName(mailbox.name.split('/'))
      const at = join(root.path, name)
      try {
        await makeFolders(at)
        if (name !== '') await (await open(join(at, 'maildirfolder'), 'a', 0o600)).close()
        return await MaildirFolder.open(at, name === '' ? '.' : name, mailbox)
      } catch (cause) {
        throw explainFile(at, cause)
      }
    },
    async writeSubscriptions(names) {
      await replaceFile(join(root.path, 'subscriptions'), formatSubscriptions(names))
    },
    close: () => Promise.resolve(),
  }
}

async function makeFolders(path: string): Promise<void> {
  for (const name of ['cur', 'new', 'tmp']) await mkdir(join(path, name), { recursive: true, mode: 0o700 })
}

/** '1700000000.V5U0000000017.postrider,S=512': by UIDVALIDITY and UID a message is known again. */
const ownName = /^\d+\.V(\d+)U(\d+)\.postrider/

class MaildirFolder implements FolderFiles {
  readonly name: string
  readonly atATime = atATime
  readonly #path: string
  readonly #uidValidity: number
  readonly #there: ReadonlySet<number>
  readonly #keywords: (string | undefined)[]
  readonly #homeless = new Set<string>()
  #keywordsWritten: Promise<void> = Promise.resolve()

  private constructor(
    path: string,
    name: string,
    uidValidity: number,
    found: { readonly there: ReadonlySet<number>; readonly keywords: readonly (string | undefined)[] },
  ) {
    this.#path = path
    this.name = name
    this.#uidValidity = uidValidity
    this.#there = found.there
    this.#keywords = [...found.keywords]
  }

  static async open(path: string, name: string, { uidValidity }: Mailbox): Promise<MaildirFolder> {
    const there = new Set<number>()
    // A program may have shown them since, and given them other flags.
    for (const sub of ['cur', 'new'])
      for (const file of await readdir(join(path, sub))) {
        const [, validity, uid] = ownName.exec(parseFileName(file)?.base ?? '') ?? []
        if (Number(validity) === uidValidity) there.add(Number(uid))
      }
    // Ours, of an export that was cut off.
    for (const file of await readdir(join(path, 'tmp')))
      if (ownName.test(file)) await rm(join(path, 'tmp', file), { force: true })
    const text = await readFile(join(path, keywordsFile), 'utf8').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return ''
      throw cause
    })
    return new MaildirFolder(path, name, uidValidity, { there, keywords: parseKeywordsFile(text) })
  }

  has({ uid }: MailboxMessage): boolean {
    return this.#there.has(uid)
  }

  async add(message: MailboxMessage, text: AsyncIterable<Uint8Array>): Promise<void> {
    const { uid, receivedAt, savedAt } = message
    // The name says when it came into the mailbox, and orders the files as their UIDs do; the file's time is when it was received.
    const cameAt = Math.floor(Math.max(savedAt, receivedAt) / 1000)
    const base = `${cameAt}.V${this.#uidValidity}U${String(uid).padStart(10, '0')}.postrider`
    const temporary = join(this.#path, 'tmp', base)
    const letters = writeLetters(message.flags, message.keywords, keyword => this.#letterOf(keyword))
    await this.#keywordsWritten
    try {
      const file = await open(temporary, 'wx', 0o600)
      let size: number
      try {
        size = await writeText(file, text)
        await file.utimes(receivedAt / 1000, receivedAt / 1000)
        await file.sync()
      } finally {
        await file.close()
      }
      await link(temporary, join(this.#path, 'cur', formatFileName({ base: `${base},S=${size}`, letters })))
    } catch (cause) {
      throw 'syscall' in (cause as object) ? explainFile(temporary, cause) : cause
    } finally {
      await rm(temporary, { force: true })
    }
  }

  async close(): Promise<readonly string[]> {
    await this.#keywordsWritten
    await syncFolder(join(this.#path, 'cur'))
    await syncFolder(this.#path)
    if (this.#homeless.size === 0) return []
    const names = [...this.#homeless].toSorted().slice(0, 20).join(', ')
    return [
      `${this.name}: a Maildir has room for ${maxKeywords} keywords, and these were left out: ${names}.`,
    ]
  }

  /** The file that says what the letter means is there before the first message that has it. */
  #letterOf(keyword: string): string | undefined {
    const key = keyword.toLowerCase()
    let number = this.#keywords.findIndex(name => name?.toLowerCase() === key)
    if (number < 0) {
      number = this.#keywords.findIndex(name => name === undefined)
      if (number < 0) number = this.#keywords.length
      if (number >= maxKeywords) {
        this.#homeless.add(keyword)
        return undefined
      }
      this.#keywords[number] = keyword
      const file = formatKeywordsFile(this.#keywords)
      this.#keywordsWritten = this.#keywordsWritten.then(() =>
        replaceFile(join(this.#path, keywordsFile), file),
      )
    }
    return String.fromCharCode('a'.charCodeAt(0) + number)
  }
}

async function writeText(file: FileHandle, text: AsyncIterable<Uint8Array>): Promise<number> {
  const lines = new PlainLineEnds()
  let size = 0
  const write = async (bytes: Uint8Array): Promise<void> => {
    if (bytes.length > 0) await file.writeFile(bytes)
    size += bytes.length
  }
  for await (const piece of text) await write(lines.take(piece))
  await write(lines.finish())
  return size
}
