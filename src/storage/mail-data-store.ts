// Mail data: written small into memory, to go with its row, or large into a file; read back against its checksum.
import { createHash, type Hash, hash } from 'node:crypto'
import type {
  MailDataFiles,
  MailDataStore,
  MailDataWriter,
  NewMailDataFile,
  StoredMailData,
} from './mail-data.ts'
import { findMailData, findMailDataPlace, findSmallMailData } from './mail-data-rows.ts'
import type { Storage } from './operation.ts'
import { StorageFault } from './storage-fault.ts'

/** Up to this size mail data stands in its row: one sync for many messages instead of two for each. */
export const maxInlineBytes = 64 * 1024
const fileBufferBytes = 128 * 1024

export function createMailDataStore(files: MailDataFiles, storage: Pick<Storage, 'run'>): MailDataStore {
  return {
    create: place => new Writer(files, place === 'in-file' ? 0 : maxInlineBytes),
    read: (id, from = 0) => readMailData(files, storage, id, from),
    async readSmall(ids) {
      const rows = await storage.run(findSmallMailData, { ids })
      for (const { id, bytes, checksum } of rows) assertIsUnchanged(id, bytes, checksum)
      return new Map(rows.map(({ id, bytes }) => [id, bytes]))
    },
    assertThere: id => assertThere(files, storage, id),
    readStored: (stored, from = 0) => readStored(files, stored, from),
    discard: names => files.remove(names),
  }
}

interface OpenFile {
  readonly file: NewMailDataFile
  readonly hash: Hash
}

/** Room for most messages; it doubles as often as needed. */
const firstBufferBytes = 4096

class Writer implements MailDataWriter {
  readonly #files: MailDataFiles
  readonly #maxInlineBytes: number
  size = 0
  /** Not from Node's pool: what goes to another thread takes its whole buffer along. */
  #buffer: Uint8Array = new Uint8Array(0)
  #buffered = 0
  #open: OpenFile | undefined
  /** The last write to the file; never rejects. */
  #spilled: Promise<void> | undefined

  constructor(files: MailDataFiles, maxInline: number) {
    this.#files = files
    this.#maxInlineBytes = maxInline
  }

  write(chunk: Uint8Array): void | Promise<void> {
    this.size += chunk.length
    const limit = this.#open ? fileBufferBytes : this.#maxInlineBytes
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
    if (!this.#open) {
      const bytes = this.#takeBuffered()
      // A buffer of its own: one from Node's pool would take the pool along to another thread.
      const checksum = new Uint8Array(hash('sha256', bytes, 'buffer'))
      return { size: this.size, checksum, location: { kind: 'inline', bytes } }
    }
    await this.#spill()
    const { file, hash: sum } = this.#open
    await file.finish()
    return {
      size: this.size,
      checksum: new Uint8Array(sum.digest()),
      location: { kind: 'file', name: file.name },
    }
  }

  async abort(): Promise<void> {
    this.#takeBuffered()
    // A file that is being made or written at this moment has to go as well.
    await this.#spilled
    await this.#open?.file.abort()
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
    this.#open ??= { file: await this.#files.create(), hash: createHash('sha256') }
    const { file, hash: sum } = this.#open
    for (const bytes of chunk ? [buffered, chunk] : [buffered]) {
      sum.update(bytes)
      await file.write(bytes)
    }
    // From now on one buffer, used again after each write: nobody else has it.
    if (this.#buffer.length < fileBufferBytes) this.#buffer = Buffer.allocUnsafeSlow(fileBufferBytes)
  }
}

async function* readStored(
  files: MailDataFiles,
  { location }: StoredMailData,
  from: number,
): AsyncIterable<Uint8Array> {
  if (location.kind === 'inline') yield location.bytes.subarray(from)
  else yield* files.read(location.name, from)
}

async function* readMailData(
  files: MailDataFiles,
  storage: Pick<Storage, 'run'>,
  id: number,
  from: number,
): AsyncIterable<Uint8Array> {
  const row = await storage.run(findMailData, { id })
  if (!row) throw noMailData(id)
  const { bytes, checksum, file_name: name } = row
  if (bytes !== null) {
    assertIsUnchanged(id, bytes, checksum)
    yield bytes.subarray(from)
    return
  }
  if (from > 0) {
    yield* files.read(name ?? '', from)
    return
  }
  const sum = createHash('sha256')
  for await (const chunk of files.read(name ?? '')) {
    sum.update(chunk)
    yield chunk
  }
  assertUnchanged(sum.digest(), checksum, `Mail data ${id} (mail/${name})`)
}

async function assertThere(files: MailDataFiles, storage: Pick<Storage, 'run'>, id: number): Promise<void> {
  const row = await storage.run(findMailDataPlace, { id })
  if (!row) throw noMailData(id)
  const { file_name: name, size } = row
  if (name !== null && (await files.sizeOf(name)) !== size)
    throw new StorageFault(
      'STORAGE_DAMAGED',
      `Mail data ${id} (mail/${name}) is not there, or not all of it.`,
    )
}

function noMailData(id: number): StorageFault {
  return new StorageFault('STORAGE_DAMAGED', `There is no mail data ${id}.`)
}

/** What stands in one piece is checked before anybody has it. */
function assertIsUnchanged(id: number, bytes: Uint8Array, checksum: Uint8Array): void {
  assertUnchanged(hash('sha256', bytes, 'buffer'), checksum, `Mail data ${id}`)
}

function assertUnchanged(sum: Uint8Array, checksum: Uint8Array, what: string): void {
  if (Buffer.compare(sum, checksum) !== 0)
    throw new StorageFault('STORAGE_DAMAGED', `${what} differs from its checksum.`)
}
