// Reads a Maildir with its folders: those of Maildir++ beside its messages ('.Work.2025'), and those that are folders on disk
// (Dovecot's LAYOUT=fs). Nothing of it is changed, and another program may go on delivering into it.
import { createReadStream } from 'node:fs'
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UsageFault } from '../../runtime/fault.ts'
import { explainFile } from '../explain-file.ts'
import {
  type MessageStore,
  type StoredFolder,
  type StoredMessage,
  UnreadableMessage,
} from '../message-store.ts'
import { parseCourierSubscriptions, parseKeywordsFile, parseSubscriptions } from './dovecot-files.ts'
import { orderOfBase, parseFileName, readLetters, timeOfBase } from './file-name.ts'
import { decodeLevel, parseFolderName } from './folder-name.ts'
import { findScripts } from './sieve-scripts.ts'

const pageSize = 1000
const maxDepth = 20
/** In `new` are messages that no program has shown yet. */
const places = ['cur', 'new'] as const
const ownNames: ReadonlySet<string> = new Set(['cur', 'new', 'tmp'])

export async function openMaildir(folder: string): Promise<MessageStore> {
  const root = await realpath(folder).catch((cause: unknown) => {
    throw explainFile(folder, cause)
  })
  const found = await findFolders(root)
  if (found.length === 0)
    throw new UsageFault(
      'IMPORT_NO_MAILDIR',
      `${folder} is no Maildir: neither it nor a folder in it has the folders cur and new.`,
    )
  return {
    name: `maildir:${root}`,
    remarks: await findScripts(root),
    async folders() {
      const folders: StoredFolder[] = []
      for (const one of found) folders.push(await describeFolder(one))
      return folders
    },
    subscriptions: () => readSubscriptions(root),
    close: () => Promise.resolve(),
  }
}

interface Found {
  readonly path: string
  readonly name: string
  readonly levels: readonly string[]
}

async function findFolders(root: string): Promise<readonly Found[]> {
  const found: Found[] = []
  if (await isMaildir(root)) found.push({ path: root, name: 'INBOX', levels: ['INBOX'] })
  const walk = async (path: string, names: readonly string[]): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
      throw explainFile(path, cause)
    })
    for (const { name } of entries.filter(entry => entry.isDirectory()).toSorted(byName)) {
      const at = join(path, name)
      if (ownNames.has(name)) continue
      if (name.startsWith('.')) {
        // '..' is never listed, and what has no name is none.
        if (names.length === 0 && name.length > 1 && (await isMaildir(at)))
          found.push({ path: at, name: name.slice(1), levels: parseFolderName(name) })
        continue
      }
      const below = [...names, name]
      if (await isMaildir(at)) found.push({ path: at, name: below.join('/'), levels: below.map(decodeLevel) })
      if (below.length < maxDepth) await walk(at, below)
    }
  }
  await walk(root, [])
  return found
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1
}

async function isMaildir(path: string): Promise<boolean> {
  const parts = await Promise.all(places.map(name => stat(join(path, name)).catch(() => undefined)))
  return parts.some(part => part?.isDirectory() === true)
}

interface Entry {
  readonly base: string
  readonly letters: string
  /** 'cur/…' */
  readonly place: string
}

/** Oldest first; a message that a program moves meanwhile is not in it twice. */
async function listEntries(path: string): Promise<readonly Entry[]> {
  const entries = new Map<string, Entry>()
  // `new` first: what goes from there to `cur` meanwhile is found in one of them.
  for (const sub of places.toReversed())
    for (const name of await readdirOrNone(join(path, sub))) {
      const parsed = parseFileName(name)
      if (parsed) entries.set(parsed.base, { ...parsed, place: `${sub}/${name}` })
    }
  const timed = [...entries.values()].map(entry => ({ entry, at: orderOfBase(entry.base) }))
  timed.sort((a, b) => a.at - b.at || (a.entry.base < b.entry.base ? -1 : 1))
  return timed.map(({ entry }) => entry)
}

async function readdirOrNone(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path)
  } catch (cause) {
    if (isMissing(cause)) return []
    throw explainFile(path, cause)
  }
}

const isMissing = (cause: unknown): boolean => (cause as NodeJS.ErrnoException).code === 'ENOENT'

async function readTextOrNone(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    if (isMissing(cause)) return undefined
    throw explainFile(file, cause)
  }
}

async function describeFolder({ path, name, levels }: Found): Promise<StoredFolder> {
  const counts = await Promise.all(places.map(async sub => (await readdirOrNone(join(path, sub))).length))
  const keywords = parseKeywordsFile((await readTextOrNone(join(path, 'dovecot-keywords'))) ?? '')
  const page = new Map<string, Entry>()
  /** Made when one of the page is not where it was: its flags have changed, and with them its name. */
  let again: ReadonlyMap<string, Entry> | undefined
  const findAgain = async (base: string): Promise<Entry | undefined> => {
    again ??= new Map((await listEntries(path)).map(entry => [entry.base, entry]))
    return again.get(base)
  }
  return {
    name,
    levels,
    generation: '',
    messages: counts.reduce((sum, count) => sum + count, 0),
    async *pages() {
      const entries = await listEntries(path)
      for (let at = 0; at < entries.length; at += pageSize) {
        page.clear()
        again = undefined
        for (const entry of entries.slice(at, at + pageSize)) page.set(entry.base, entry)
        yield [...page.keys()]
      }
    },
    async *read(keys) {
      for (const key of keys) {
        const entry = page.get(key)
        const found = entry && ((await lookAt(path, entry)) ?? (await lookAt(path, await findAgain(key))))
        if (found) yield describeMessage(path, found, keywords)
      }
    },
  }
}

interface SeenEntry {
  readonly entry: Entry
  readonly mtimeMs: number
  readonly size: number
}

/** undefined: it is not there. */
async function lookAt(path: string, entry: Entry | undefined): Promise<SeenEntry | undefined> {
  if (!entry) return undefined
  try {
    const { mtimeMs, size } = await stat(join(path, entry.place))
    return { entry, mtimeMs: Math.round(mtimeMs), size }
  } catch (cause) {
    if (isMissing(cause)) return undefined
    throw explainFile(join(path, entry.place), cause)
  }
}

function describeMessage(
  path: string,
  { entry: { base, letters, place }, mtimeMs, size }: SeenEntry,
  keywords: readonly (string | undefined)[],
): StoredMessage {
  return {
    key: base,
    place,
    ...readLetters(letters, keywords),
    receivedAt: earlier(mtimeMs, timeOfBase(base)),
    content: () => readMessage(join(path, place), size),
  }
}

/**
 * The file's time is when the message was received, and its name tells when it came into the folder, which is never earlier. Where
 * the file's time is the later one, the folder was copied without the times.
 */
function earlier(mtimeMs: number, named: number | undefined): number {
  return named === undefined ? mtimeMs : Math.min(mtimeMs, named + 999)
}

const atOnceBytes = 64 * 1024

async function* readMessage(file: string, size: number): AsyncGenerator<Uint8Array> {
  try {
    if (size <= atOnceBytes) yield await readFile(file)
    else yield* createReadStream(file) as AsyncIterable<Uint8Array>
  } catch (cause) {
    throw new UnreadableMessage(`its file cannot be read: ${explainFile(file, cause).message}`, { cause })
  }
}

async function readSubscriptions(root: string): Promise<readonly (readonly string[])[] | undefined> {
  const text = await readTextOrNone(join(root, 'subscriptions'))
  if (text !== undefined) return parseSubscriptions(text, (await hasDotFolders(root)) ? '.' : '/')
  const courier = await readTextOrNone(join(root, 'courierimapsubscribed'))
  return courier === undefined ? undefined : parseCourierSubscriptions(courier)
}

async function hasDotFolders(root: string): Promise<boolean> {
  const entries = await readdir(root, { withFileTypes: true })
  return entries.some(entry => entry.isDirectory() && /^\.[^.]/.test(entry.name))
}
