// Reads the mail of an account on another IMAP server: one connection, one command at a time, nothing marked as read.
//
// Gmail shows each message in every folder whose label it has, and all of them in one more (\All, RFC 6154). Of that one only what no
// other folder has is brought; folders that show marked messages of others (\Flagged, \Important) are passed over.
import type { FetchMessageObject, ImapFlow, ListResponse } from 'imapflow'
import { readFlagNames } from '../../mail-access/flag-names.ts'
import type { SpecialUse } from '../../mailbox/mailbox-row.ts'
import { UsageFault } from '../../runtime/fault.ts'
import {
  type MessageStore,
  type StoredFolder,
  type StoredMessage,
  UnreadableMessage,
} from '../message-store.ts'
import {
  ImapConnection,
  type ImapServerAddress,
  type OpenedFolder,
  RefusedByServer,
} from './imap-connection.ts'

const pageSize = 500
/** Of a message at a time: memory does not follow its size. */
const chunkBytes = 512 * 1024
/** Of several messages that are fetched together. */
const bytesAtATime = 1024 * 1024
const messagesAtATime = 100

const uses: ReadonlyMap<string, SpecialUse> = new Map([
  ['\\Archive', 'Archive'],
  ['\\Drafts', 'Drafts'],
  ['\\Junk', 'Junk'],
  ['\\Sent', 'Sent'],
  ['\\Trash', 'Trash'],
])

export interface ImapSourceParts {
  /** Between attempts to connect again. */
  readonly wait: (ms: number) => Promise<void>
}

export function openImap(address: ImapServerAddress, { wait }: ImapSourceParts): MessageStore {
  return new ImapStore(address, new ImapConnection(address, wait))
}

/** What else a folder is for, beside the uses that mailboxes here have. */
type Show = 'all' | 'marked' | undefined

interface Listed extends OpenedFolder {
  readonly entry: ListResponse
  readonly levels: readonly string[]
  readonly shows: Show
}

class ImapStore implements MessageStore {
  readonly name: string
  readonly remarks: string[] = []
  readonly #connection: ImapConnection
  #listed: readonly Listed[] | undefined

  constructor({ user, host, port }: ImapServerAddress, connection: ImapConnection) {
    this.name = `imap://${user}@${host.toLowerCase()}:${port}`
    this.#connection = connection
  }

  async folders(): Promise<readonly StoredFolder[]> {
    const listed = await this.#list()
    for (const { path, shows } of listed)
      if (shows === 'marked')
        this.remarks.push(`${path} shows messages of other folders, and was passed over.`)
    return listed.filter(({ shows }) => shows !== 'marked').map(one => this.#describe(one, listed))
  }

  async subscriptions(): Promise<readonly (readonly string[])[]> {
    return (await this.#list()).filter(({ entry }) => entry.subscribed).map(({ levels }) => levels)
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }

  async #list(): Promise<readonly Listed[]> {
    this.#listed ??= await this.#askForList().catch((cause: unknown) => {
      throw explainRefusal('The folders cannot be listed', cause)
    })
    return this.#listed
  }

  async #askForList(): Promise<readonly Listed[]> {
    const query = { statusQuery: { messages: true, uidValidity: true } }
    const { entries, prefixes, others } = await this.#connection.run(undefined, async client => ({
      entries: await client.list(query),
      prefixes: prefixesOf(client.namespaces?.personal),
      others: [...prefixesOf(client.namespaces?.other), ...prefixesOf(client.namespaces?.shared)],
    }))
    const listed: Listed[] = []
    for (const entry of entries) {
      const { path, flags, status } = entry
      if (flags.has('\\Noselect')) continue
      if (others.some(prefix => prefix !== '' && path.startsWith(prefix))) {
        this.remarks.push(`${path} is somebody else's, and was passed over.`)
        continue
      }
      const generation = status?.uidValidity ?? (await this.#findGeneration(path))
      if (generation === undefined) continue
      listed.push({
        entry,
        path,
        generation: String(generation),
        levels: levelsOf(entry, prefixes),
        shows: showsOf(entry),
      })
    }
    return listed
  }

  /** Where STATUS does not tell. */
  async #findGeneration(path: string): Promise<bigint | undefined> {
    try {
      return await this.#connection.run(
        undefined,
        async client => (await client.mailboxOpen(path, { readOnly: true })).uidValidity,
      )
    } catch (cause) {
      if (!(cause instanceof RefusedByServer)) throw cause
      this.remarks.push(`${path} cannot be opened, and was passed over: ${cause.message}`)
      return undefined
    }
  }

  #describe(folder: Listed, all: readonly Listed[]): StoredFolder {
    const { entry, path, generation, levels, shows } = folder
    const connection = this.#connection
    return {
      name: path,
      levels,
      specialUse: shows === 'all' ? 'Archive' : uses.get(entry.specialUse ?? ''),
      generation,
      messages: entry.status?.messages,
      pages: () => this.#pages(folder, all),
      read: keys => readMessages(connection, folder, keys.map(Number)),
    }
  }

  async *#pages(folder: Listed, all: readonly Listed[]): AsyncGenerator<readonly string[]> {
    const uids =
      folder.shows === 'all' ? await this.#findUnlabelled(folder, all) : await this.#findAll(folder)
    for (let at = 0; at < uids.length; at += pageSize)
      yield uids.slice(at, at + pageSize).map(uid => String(uid))
  }

  async #findAll(folder: OpenedFolder): Promise<readonly number[]> {
    const found = await this.#run(folder, async client => await client.search({ all: true }, { uid: true }))
    return [...new Set(found === false || found === undefined ? [] : found)].sort((a, b) => a - b)
  }

  /** Of the folder that shows all: those that are in no other. */
  async #findUnlabelled(folder: Listed, all: readonly Listed[]): Promise<readonly number[]> {
    const elsewhere = new Set<string>()
    for (const other of all)
      if (other.shows === undefined && (other.entry.status?.messages ?? 1) > 0)
        for (const { emailId } of await this.#identify(other))
          if (emailId !== undefined) elsewhere.add(emailId)
    const found = await this.#identify(folder)
    if (found.some(({ emailId }) => emailId === undefined)) {
      this.remarks.push(
        `${folder.path} shows the messages of all folders, and the server does not say which they are: it was passed over.`,
      )
      return []
    }
    return found
      .filter(({ emailId = '' }) => !elsewhere.has(emailId))
      .map(({ uid }) => uid)
      .sort((a, b) => a - b)
  }

  async #identify(folder: OpenedFolder): Promise<readonly FetchMessageObject[]> {
    return await this.#run(folder, async client =>
      client.mailbox && client.mailbox.exists > 0 ? await client.fetchAll('1:*', { uid: true }) : [],
    )
  }

  async #run<Result>(folder: OpenedFolder, work: (client: ImapFlow) => Promise<Result>): Promise<Result> {
    try {
      return await this.#connection.run(folder, work)
    } catch (cause) {
      throw explainRefusal(`The folder ${folder.path} cannot be read`, cause)
    }
  }
}

function explainRefusal(what: string, cause: unknown): unknown {
  if (!(cause instanceof RefusedByServer)) return cause
  return new UsageFault('IMPORT_REFUSED', `${what}: the server says "${cause.message}".`, { cause })
}

function prefixesOf(namespaces: readonly { readonly prefix?: string }[] | false | undefined): string[] {
  return (namespaces === false ? [] : (namespaces ?? [])).flatMap(({ prefix }) => prefix ?? [])
}

/** Of 'INBOX.Work' where all own folders stand below 'INBOX.': ['Work']. */
function levelsOf({ path, delimiter, specialUse }: ListResponse, prefixes: readonly string[]): string[] {
  if (specialUse === '\\Inbox') return ['INBOX']
  const prefix = prefixes.find(one => one !== '' && path.startsWith(one) && path.length > one.length) ?? ''
  const bare = path.slice(prefix.length)
  return delimiter === '' ? [bare] : bare.split(delimiter)
}

function showsOf({ specialUse, flags }: ListResponse): Show {
  if (specialUse === '\\All' || flags.has('\\All') || flags.has('\\AllMail')) return 'all'
  const marked = ['\\Flagged', '\\Starred', '\\Important']
  return marked.some(flag => specialUse === flag || flags.has(flag)) ? 'marked' : undefined
}

async function* readMessages(
  connection: ImapConnection,
  folder: OpenedFolder,
  uids: readonly number[],
): AsyncGenerator<StoredMessage> {
  const facts = await connection
    .run(folder, async client => {
      const query = { uid: true, flags: true, internalDate: true, size: true }
      return await client.fetchAll(uids.join(','), query, { uid: true })
    })
    .catch((cause: unknown) => {
      throw explainRefusal(`The folder ${folder.path} cannot be read`, cause)
    })
  // Flags that change meanwhile come in answers of their own, without the rest.
  const whole = new Map(facts.filter(({ internalDate }) => internalDate).map(one => [one.uid, one]))
  const messages = uids.flatMap(uid => whole.get(uid) ?? [])
  for (const group of groupsOf(messages)) {
    const beginnings = await readBeginnings(connection, folder, group)
    for (const message of group) {
      const beginning = beginnings.get(message.uid)
      // It has been removed meanwhile.
      if (beginning === undefined) continue
      yield {
        key: String(message.uid),
        place: `UID ${message.uid}`,
        ...readFlagNames([...(message.flags ?? [])]),
        receivedAt: timeOf(message.internalDate),
        content: () => readContent(connection, folder, message.uid, beginning),
      }
    }
  }
}

function* groupsOf(messages: readonly FetchMessageObject[]): Generator<readonly FetchMessageObject[]> {
  let group: FetchMessageObject[] = []
  let bytes = 0
  for (const message of messages) {
    const expected = Math.min(message.size ?? chunkBytes, chunkBytes)
    if (group.length > 0 && (group.length >= messagesAtATime || bytes + expected > bytesAtATime)) {
      yield group
      group = []
      bytes = 0
    }
    group.push(message)
    bytes += expected
  }
  if (group.length > 0) yield group
}

function timeOf(date: Date | string | undefined): number | undefined {
  const at = date === undefined ? Number.NaN : new Date(date).getTime()
  return Number.isNaN(at) ? undefined : at
}

/** By UID; a text says why there is none. Without those that have gone. */
async function readBeginnings(
  connection: ImapConnection,
  folder: OpenedFolder,
  group: readonly FetchMessageObject[],
): Promise<ReadonlyMap<number, Buffer | string>> {
  const uids = group.map(({ uid }) => uid)
  try {
    const fetched = await connection.run(folder, async client => {
      const query = { uid: true, source: { start: 0, maxLength: chunkBytes } }
      return await client.fetchAll(uids.join(','), query, { uid: true })
    })
    const found = new Map<number, Buffer | string>()
    for (const { uid, source } of fetched)
      if (source || !found.has(uid)) found.set(uid, source ?? 'the server does not give it')
    return found
  } catch (cause) {
    if (!(cause instanceof RefusedByServer)) throw cause
    const [only, ...more] = group
    if (only && more.length === 0) return new Map([[only.uid, `the server says "${cause.message}"`]])
    // One of them is to blame.
    const found = new Map<number, Buffer | string>()
    for (const one of group)
      for (const [uid, beginning] of await readBeginnings(connection, folder, [one]))
        found.set(uid, beginning)
    return found
  }
}

async function* readContent(
  connection: ImapConnection,
  folder: OpenedFolder,
  uid: number,
  beginning: Buffer | string,
): AsyncGenerator<Uint8Array> {
  if (typeof beginning === 'string') throw new UnreadableMessage(beginning)
  yield beginning
  for (let start = beginning.length, last = beginning; last.length >= chunkBytes; start += last.length) {
    last = await readPiece(connection, folder, uid, start)
    yield last
  }
}

async function readPiece(
  connection: ImapConnection,
  folder: OpenedFolder,
  uid: number,
  start: number,
): Promise<Buffer> {
  try {
    const query = { uid: true, source: { start, maxLength: chunkBytes } }
    const message = await connection.run(
      folder,
      async client => await client.fetchOne(String(uid), query, { uid: true }),
    )
    if (message === false) throw new UnreadableMessage('it has been removed while it was read')
    return message.source ?? Buffer.alloc(0)
  } catch (cause) {
    if (!(cause instanceof RefusedByServer)) throw cause
    throw new UnreadableMessage(`the server says "${cause.message}"`, { cause })
  }
}
