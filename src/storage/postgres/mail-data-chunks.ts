// Mail data files as rows: chunks, each durable before the next but a few is written, and all before the row that names
// the file.
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import type { MailDataFiles, NewMailDataFile } from '../mail-data.ts'
import { makeFileName } from '../mail-data-files.ts'
import { defineRead, defineWrite, type Storage } from '../operation.ts'
import { StorageFault } from '../storage-fault.ts'

export const mailDataChunkSchema = `CREATE TABLE IF NOT EXISTS mail_data_chunk (
  file_name TEXT COLLATE "C" NOT NULL, number BIGINT NOT NULL, written_at BIGINT NOT NULL, bytes BYTEA NOT NULL,
  PRIMARY KEY (file_name, number))`

/** All but the last of a file have so many: an octet is found by that, in files that are there already, too. */
const chunkBytes = 256 * 1024
/** Chunks on their way at a time: memory does not follow the size of a message. */
const maxOnTheWay = 3

interface Chunk {
  readonly name: string
  readonly number: number
  readonly at: number
  readonly bytes: Uint8Array
}

const writeChunk = defineWrite('storage.write-chunk', async (tx, { name, number, at, bytes }: Chunk) => {
  await tx.run(
    'INSERT INTO mail_data_chunk (file_name, number, written_at, bytes) VALUES (?, ?, ?, ?)',
    name,
    number,
    at,
    bytes,
  )
})

const readChunk = defineRead(
  'storage.read-chunk',
  async (tx, { name, number }: Pick<Chunk, 'name' | 'number'>) =>
    await tx.get<{ bytes: Uint8Array }>(
      'SELECT bytes FROM mail_data_chunk WHERE file_name = ? AND number = ?',
      name,
      number,
    ),
)

const sumChunks = defineRead('storage.sum-chunks', async (tx, name: string) => {
  const sum = await tx.get<{ size: number | null }>(
    'SELECT SUM(octet_length(bytes)) AS size FROM mail_data_chunk WHERE file_name = ?',
    name,
  )
  return sum?.size ?? undefined
})

const removeChunks = defineWrite('storage.remove-chunks', async (tx, names: readonly string[]) => {
  for (const name of names) await tx.run('DELETE FROM mail_data_chunk WHERE file_name = ?', name)
})

interface OrphanSearch {
  /** Of files last written before it, in ms since 1970. */
  readonly before: number
  /** Begins after this name; '' for the first. */
  readonly after: string
  /** Chunks to look at: of a large storage all in one statement would take longer than one may. */
  readonly limit: number
}

/**
 * Removes chunks that no row names: a server died while it received them. Resolves with the name after which to go on;
 * undefined at the end.
 */
export const removeOrphanChunks = defineWrite(
  'storage.remove-orphan-chunks',
  async (tx, { before, after, limit }: OrphanSearch): Promise<string | undefined> => {
    const page = await tx.get<{ last: string | null }>(
      `SELECT max(file_name) AS last FROM (
         SELECT file_name FROM mail_data_chunk WHERE file_name > ? ORDER BY file_name, number LIMIT ?) AS page`,
      after,
      limit,
    )
    if (!page || page.last === null) return undefined
    await tx.run(
      `DELETE FROM mail_data_chunk WHERE file_name > ? AND file_name <= ?
        AND NOT EXISTS (SELECT 1 FROM mail_data WHERE mail_data.file_name = mail_data_chunk.file_name)
        AND NOT EXISTS (SELECT 1 FROM mail_data_chunk AS other
          WHERE other.file_name = mail_data_chunk.file_name AND other.written_at >= ?)`,
      after,
      page.last,
      before,
    )
    return page.last
  },
)

export function openMailDataChunks(
  storage: Pick<Storage, 'run'>,
  clock: Clock,
  random: Random,
): MailDataFiles {
  return {
    create: (name = makeFileName(random)) => Promise.resolve(new ChunkedFile(storage, clock, name)),
    read: (name, from = 0) => readChunks(storage, name, from),
    sizeOf: name => storage.run(sumChunks, name),
    async remove(names) {
      if (names.length > 0) await storage.run(removeChunks, names)
    },
  }
}

class ChunkedFile implements NewMailDataFile {
  readonly name: string
  readonly #storage: Pick<Storage, 'run'>
  readonly #clock: Clock
  #buffer = Buffer.allocUnsafeSlow(chunkBytes)
  #buffered = 0
  #number = 0
  readonly #onTheWay = new Set<Promise<void>>()
  #failure: unknown

  constructor(storage: Pick<Storage, 'run'>, clock: Clock, name: string) {
    this.#storage = storage
    this.#clock = clock
    this.name = name
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length; ) {
      const taken = bytes.subarray(offset, offset + chunkBytes - this.#buffered)
      this.#buffer.set(taken, this.#buffered)
      this.#buffered += taken.length
      offset += taken.length
      if (this.#buffered === chunkBytes) await this.#send()
    }
  }

  async finish(): Promise<void> {
    if (this.#buffered > 0) await this.#send()
    await Promise.all(this.#onTheWay)
    if (this.#failure !== undefined) throw this.#failure
  }

  async abort(): Promise<void> {
    await Promise.all(this.#onTheWay)
    await this.#storage.run(removeChunks, [this.name]).catch(() => {}) // orphans are looked for
  }

  async #send(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#buffered)
    this.#buffer = Buffer.allocUnsafeSlow(chunkBytes)
    this.#buffered = 0
    const chunk = { name: this.name, number: this.#number++, at: this.#clock.now(), bytes }
    const sent: Promise<void> = this.#storage
      .run(writeChunk, chunk)
      .catch((cause: unknown) => {
        this.#failure ??= cause
      })
      .finally(() => this.#onTheWay.delete(sent))
    this.#onTheWay.add(sent)
    if (this.#onTheWay.size >= maxOnTheWay) await Promise.race(this.#onTheWay)
    if (this.#failure !== undefined) throw this.#failure
  }
}

async function* readChunks(
  storage: Pick<Storage, 'run'>,
  name: string,
  from: number,
): AsyncIterable<Uint8Array> {
  const first = Math.floor(from / chunkBytes)
  for (let number = first; ; number++) {
    const chunk = await storage.run(readChunk, { name, number })
    if (chunk) yield number === first ? chunk.bytes.subarray(from % chunkBytes) : chunk.bytes
    else if (number > first) return
    else throw new StorageFault('STORAGE_DAMAGED', `The chunks of mail/${name} are not there.`)
  }
}
