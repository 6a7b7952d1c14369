// Reads mbox files: one, or a folder of them as mail programs keep it (Thunderbird's 'Work.sbd' beside 'Work', Apple's 'Work.mbox/mbox').
import { type FileHandle, open, readdir, realpath, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { readDate } from '../../mail-access/searched-message.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { explainFile } from '../explain-file.ts'
import { decodeLevel } from '../maildir/folder-name.ts'
import { type MessageStore, type StoredFolder, UnreadableMessage } from '../message-store.ts'
import { indexMbox, type MboxEntry } from './index-mbox.ts'
import { readContent } from './read-content.ts'
import { parseSeparator } from './separator.ts'
import { readStatus } from './status-fields.ts'

const pageSize = 500
const maxDepth = 20

/** `mailbox`: the name of what a single file is; default: the file's. */
export async function openMbox(path: string, mailbox?: string): Promise<MessageStore> {
  const root = await realpath(path).catch((cause: unknown) => {
    throw explainFile(path, cause)
  })
  const isFolder = (await stat(root)).isDirectory()
  const remarks: string[] = []
  const found = isFolder ? await findFiles(root, remarks) : [await oneFile(root, path, mailbox)]
  if (found.length === 0)
    throw new UsageFault('IMPORT_NO_MBOX', `In ${path} is no mbox file: none begins with a line "From …".`)
  return {
    name: `mbox:${root}`,
    remarks,
    folders: () => Promise.resolve(found.map(describeFolder)),
    subscriptions: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
  }
}

interface Found {
  readonly path: string
  readonly name: string
  readonly levels: readonly string[]
}

async function oneFile(path: string, given: string, mailbox: string | undefined): Promise<Found> {
  if ((await lookInto(path)) === 'other')
    throw new UsageFault(
      'IMPORT_NO_MBOX',
      `${given} is no mbox file: it does not begin with a line "From …".`,
    )
  const name = basename(path)
  return { path, name, levels: mailbox === undefined ? [levelOf(name)] : mailbox.split('/') }
}

async function findFiles(root: string, remarks: string[]): Promise<readonly Found[]> {
  const found: Found[] = []
  const walk = async (path: string, names: readonly string[], levels: readonly string[]): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
      throw explainFile(path, cause)
    })
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.')) continue
      const at = join(path, entry.name)
      const below = [...names, entry.name]
      const isApples = entry.name === 'mbox' && names.at(-1)?.endsWith('.mbox') === true
      const own = isApples ? levels : [...levels, levelOf(entry.name)]
      if (entry.isDirectory()) {
        if (own.length < maxDepth) await walk(at, below, own)
      } else if (entry.isFile()) {
        const kind = await lookInto(at)
        if (kind === 'mbox') found.push({ path: at, name: below.join('/'), levels: own })
        // What Thunderbird keeps beside them is none, and nobody asks for it.
        else if (kind === 'other' && !/\.(?:msf|dat|html|json|sqlite|log|plist|toc)$/.test(entry.name))
          remarks.push(`${below.join('/')} is no mbox file, and was passed over.`)
      }
    }
  }
  await walk(root, [], [])
  return found
}

async function lookInto(path: string): Promise<'mbox' | 'empty' | 'other'> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw explainFile(path, cause)
  })
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, 0)
    if (bytesRead === 0) return 'empty'
    const [line = ''] = buffer.subarray(0, bytesRead).toString('latin1').split('\n')
    return parseSeparator(line) ? 'mbox' : 'other'
  } finally {
    await file.close()
  }
}

/** 'Work.mbox', 'Work.sbd', 'Work' and 'mbox' are what mail programs make of a name. */
function levelOf(name: string): string {
  const plain = name.replace(/\.(?:mbox|mbx|sbd)$/i, '')
  if (name.toLowerCase() === 'mbox' || plain.toLowerCase() === 'inbox') return 'INBOX'
  return decodeLevel(plain)
}

function describeFolder({ path, name, levels }: Found): StoredFolder {
  const page = new Map<string, MboxEntry>()
  let opened: OpenedFile | undefined
  return {
    name,
    levels,
    generation: '',
    messages: undefined,
    async *pages() {
      const file = await openFile(path)
      try {
        const { size, mtimeMs } = await file.stat()
        opened = { path, file, size, mtimeMs }
        const keyOf = createKeys()
        page.clear()
        for await (const entry of indexMbox(file)) {
          if (readStatus(entry.fields).isGone) continue
          page.set(keyOf(entry.digest), entry)
          if (page.size < pageSize) continue
          yield [...page.keys()]
          page.clear()
        }
        if (page.size > 0) yield [...page.keys()]
      } finally {
        opened = undefined
        await file.close()
      }
    },
    async *read(keys) {
      for (const key of keys) {
        const entry = page.get(key)
        const from = opened
        if (!entry || !from) continue
        const { flags, keywords } = readStatus(entry.fields)
        yield await Promise.resolve({
          key,
          place: `at octet ${entry.offset}`,
          flags,
          keywords,
          receivedAt: entry.receivedAt ?? readDate(entry.fields.get('date')),
          content: () => readEntry(from, entry),
        })
      }
    },
  }
}

/** As it was when its messages were looked for: later they are elsewhere in it. */
interface OpenedFile {
  readonly path: string
  readonly file: FileHandle
  readonly size: number
  readonly mtimeMs: number
}

async function openFile(path: string): Promise<FileHandle> {
  return await open(path, 'r').catch((cause: unknown) => {
    throw explainFile(path, cause)
  })
}

async function* readEntry(opened: OpenedFile, entry: MboxEntry): AsyncGenerator<Uint8Array> {
  const { path, file } = opened
  try {
    yield* readContent(file, entry)
  } catch (cause) {
    throw new UnreadableMessage(`the file cannot be read: ${explainFile(path, cause).message}`, { cause })
  }
  const { size, mtimeMs } = await file.stat()
  if (size !== opened.size || mtimeMs !== opened.mtimeMs)
    throw new UsageFault(
      'IMPORT_FILE_CHANGED',
      `Another program has written into ${path} meanwhile. Stop it, or copy the file, and repeat the command: what has come is not brought twice.`,
    )
}

/**
 * The place of a message in the file changes when the file is compacted; its content does not. Of messages that are equal each has
 * its number. Of the digests seen before only 48 bits are kept: where two share them, the later has a number that it need not have.
 */
function createKeys(): (digest: string) => string {
  const seen = new Set<number>()
  const repeated = new Map<string, number>()
  return digest => {
    const short = Buffer.from(digest, 'base64url').readUIntBE(0, 6)
    if (!seen.has(short)) {
      seen.add(short)
      return digest
    }
    const number = (repeated.get(digest) ?? 1) + 1
    repeated.set(digest, number)
    return `${digest}#${number}`
  }
}
