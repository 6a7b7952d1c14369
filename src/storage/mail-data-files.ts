// The mail data of a data folder: written small into memory, to go with its row, or large into a file of its own.
import { createHash, type Hash, hash } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Random } from '../runtime/random.ts'
import type { MailDataStore, MailDataWriter, StoredMailData } from './mail-data.ts'
import { findMailData } from './mail-data-rows.ts'
import type { Storage } from './operation.ts'
import { StorageFault, toStorageFault } from './storage-fault.ts'

/** Up to this size mail data stands in its row: one sync for many messages instead of two for each. */
export const maxInlineBytes = 64 * 1024
const fileBufferBytes = 128 * 1024
const readBytes = 64 * 1024

const mailFolder = (folder: string): string => join(folder, 'mail')

/** Opaque, made here; nothing that a peer sent ever becomes part of a path. */
const fileName = /^[0-9a-f]{2}\/[0-9a-f]{30}\.eml$/

export function createMailDataStore(
  folder: string,
  storage: Pick<Storage, 'run'>,
  random: Random,
): MailDataStore {
  return {
    create: () => new Writer(folder, random),
    read: id => readMailData(folder, storage, id),
    async discard(names) {
      for (const name of names) await rm(mailDataFile(folder, name), { force: true })
    },
  }
}

function assertFileName(name: string): string {
  if (!fileName.test(name))
    throw new StorageFault('STORAGE_DAMAGED', `"${name}" is no name of a mail data file.`)
  return name
}

interface OpenFile {
  readonly handle: FileHandle
  readonly name: string
  readonly hash: Hash
  /**
   * The name survives a power cut. Under way since the file was made, while the bytes come; what it rejects with is told
   * at the end.
   */
  readonly named: Promise<void>
}

/** Room for most messages; it doubles as often as needed. */
const firstBufferBytes = 4096

class Writer implements MailDataWriter {
  readonly #folder: string
  readonly #random: Random
  size = 0
  /** Not from Node's pool: what goes to another thread takes its whole buffer along. */
  #buffer: Uint8Array = new Uint8Array(0)
  #buffered = 0
  #file: OpenFile | undefined
  /** The last write to the file; never rejects. */
  #spilled: Promise<void> | undefined

  constructor(folder: string, random: Random) {
    this.#folder = folder
    this.#random = random
  }

  write(chunk: Uint8Array): void | Promise<void> {
    this.size += chunk.length
    const limit = this.#file ? fileBufferBytes : maxInlineBytes
    if (this.#buffered + chunk.length > limit) return this.#spill(chunk)
    this.#append(chunk)
    return undefined
  }

  #append(chunk: Uint8Array): void {
    const needed = this.#buffered + chunk.length
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#buffer.length, firstBufferBytes))
      grown.set(this.#buffer.subarray(0, this.#buffered))
      this.#buffer = grown
    }
    this.#buffer.set(chunk, this.#buffered)
    this.#buffered = needed
  }

  async finish(): Promise<StoredMailData> {
    if (!this.#file) {
      const bytes = this.#takeBuffered()
      // A buffer of its own: one from Node's pool would take the pool along to another thread.
      const checksum = new Uint8Array(hash('sha256', bytes, 'buffer'))
      return { size: this.size, checksum, location: { kind: 'inline', bytes } }
    }
    await this.#spill()
    const { handle, name, hash: sum, named } = this.#file
    try {
      await handle.sync()
      await handle.close()
      // Before a row refers to it.
      await named
    } catch (cause) {
      throw toStorageFault(cause, this.#folder)
    }
    return { size: this.size, checksum: new Uint8Array(sum.digest()), location: { kind: 'file', name } }
  }

  async abort(): Promise<void> {
    this.#takeBuffered()
    // A file that is being made or written at this moment has to go as well.
    await this.#spilled
    if (!this.#file) return
    const { handle, name, named } = this.#file
    await named.catch(() => {}) // no name has to survive
    await handle.close().catch(() => {}) // closed already, or it could not be written: the file goes in any case
    await rm(mailDataFile(this.#folder, name), { force: true })
  }

  #takeBuffered(): Uint8Array {
    const bytes = this.#buffer.subarray(0, this.#buffered)
    this.#buffer = new Uint8Array(0)
    this.#buffered = 0
    return bytes
  }

  #spill(chunk?: Uint8Array): Promise<void> {
    const spilled = this.#writeToFile(chunk)
    this.#spilled = spilled.catch(() => {}) // whoever asked for the write is told
    return spilled
  }

  async #writeToFile(chunk?: Uint8Array): Promise<void> {
    const buffered = this.#buffer.subarray(0, this.#buffered)
    this.#buffered = 0
    try {
      this.#file ??= await this.#open()
      for (const bytes of chunk ? [buffered, chunk] : [buffered]) await writeAll(this.#file, bytes)
      // From now on one buffer, used again after each write: nobody else has it.
      if (this.#buffer.length < fileBufferBytes) this.#buffer = Buffer.allocUnsafeSlow(fileBufferBytes)
    } catch (cause) {
      throw toStorageFault(cause, this.#folder)
    }
  }

  async #open(): Promise<OpenFile> {
    const id = Buffer.from(this.#random.bytes(16)).toString('hex')
    const name = `${id.slice(0, 2)}/${id.slice(2)}.eml`
    const handle = await createFile(mailFolder(this.#folder), name)
    const named = syncFolder(join(mailFolder(this.#folder), name.slice(0, 2)))
    named.catch(() => {}) // whoever finishes the file is told
    return { handle, name, hash: createHash('sha256'), named }
  }
}

/** Makes the subfolder when the file is the first in it. */
async function createFile(folder: string, name: string): Promise<FileHandle> {
  const path = join(folder, name)
  try {
    return await open(path, 'wx', 0o600)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await syncFolder(folder)
  return await open(path, 'wx', 0o600)
}

async function writeAll({ handle, hash: sum }: OpenFile, bytes: Uint8Array): Promise<void> {
  sum.update(bytes)
  for (let offset = 0; offset < bytes.length; ) offset += (await handle.write(bytes, offset)).bytesWritten
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function* readMailData(
  folder: string,
  storage: Pick<Storage, 'run'>,
  id: number,
): AsyncIterable<Uint8Array> {
  const row = await storage.run(findMailData, { id })
  if (!row) throw new StorageFault('STORAGE_DAMAGED', `There is no mail data ${id}.`)
  const damaged = (): StorageFault =>
    new StorageFault(
      'STORAGE_DAMAGED',
      `Mail data ${id}${row.file_name === null ? '' : ` (mail/${row.file_name})`} differs from its checksum.`,
    )
  if (row.bytes !== null) {
    if (!sameBytes(hash('sha256', row.bytes, 'buffer'), row.checksum)) throw damaged()
    yield row.bytes
    return
  }
  const sum = createHash('sha256')
  const handle = await open(mailDataFile(folder, row.file_name ?? ''), 'r').catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw new StorageFault('STORAGE_DAMAGED', `Mail data ${id} (mail/${row.file_name}) is not there.`)
  })
  try {
    for (;;) {
      const { bytesRead, buffer } = await handle.read(new Uint8Array(readBytes), 0, readBytes)
      if (bytesRead === 0) break
      const chunk = buffer.subarray(0, bytesRead)
      sum.update(chunk)
      yield chunk
    }
  } finally {
    await handle.close()
  }
  if (!sameBytes(sum.digest(), row.checksum)) throw damaged()
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** Every mail data file of a data folder, by the name that rows use. */
export async function* listMailDataFiles(folder: string): AsyncIterable<string> {
  const entries = await readdir(mailFolder(folder), { withFileTypes: true }).catch(() => [])
  const subfolders = entries.filter(entry => entry.isDirectory()).map(({ name }) => name)
  for (const subfolder of subfolders.toSorted()) {
    for (const file of (await readdir(join(mailFolder(folder), subfolder))).toSorted()) {
      const name = `${subfolder}/${file}`
      if (fileName.test(name)) yield name
    }
  }
}

/** The path of a mail data file, by the name that rows use. */
export function mailDataFile(folder: string, name: string): string {
  return join(mailFolder(folder), assertFileName(name))
}

/** When a mail data file was last written, ms since 1970; undefined when it is gone. */
export async function mailDataFileTime(folder: string, name: string): Promise<number | undefined> {
  return (await stat(mailDataFile(folder, name)).catch(() => undefined))?.mtimeMs
}
