// Mail data as storage keeps it: immutable, checksummed; small in a row, large in a file synced before the row.

/** Where mail data is, as an operation's input: not yet referenced by any row. */
export interface StoredMailData {
  readonly size: number
  /** SHA-256, 32 bytes. */
  readonly checksum: Uint8Array
  readonly location:
    | { readonly kind: 'inline'; readonly bytes: Uint8Array }
    | { readonly kind: 'file'; readonly name: string }
}

export interface MailDataWriter {
  /** Bytes taken so far. */
  readonly size: number
  /** Copies `chunk`. A returned promise is back-pressure: `chunk` must not change, nor the next write come, before it resolves. */
  write(chunk: Uint8Array): void | Promise<void>
  /** Resolves when what was written is durable (file) or ready to be written with its row (inline). */
  finish(): Promise<StoredMailData>
  /** Gives up and leaves nothing behind. Safe at any time, also after a failed write. */
  abort(): Promise<void>
}

export interface MailDataStore {
  /** `in-file`: also what is small, for whoever has too much of it in memory already. */
  create(place?: 'in-file'): MailDataWriter
  /**
   * Streams mail data by its id; throws StorageFault 'STORAGE_DAMAGED' at the end when the checksum differs. `from`: an octet to
   * begin with, at no cost for those before it; then nothing is held against the checksum.
   */
  read(mailDataId: number, from?: number): AsyncIterable<Uint8Array>
  /** Of several, those that are small enough to stand in one piece; throws like `read`. */
  readSmall(mailDataIds: readonly number[]): Promise<ReadonlyMap<number, Uint8Array>>
  /** Throws like `read` where that can be known beforehand: it is not there, or its file is not, or has another size. */
  assertThere(mailDataId: number): Promise<void>
  /** Streams what a writer has finished, before a row names it. */
  readStored(stored: StoredMailData, from?: number): AsyncIterable<Uint8Array>
  /** Removes files that no row names any longer. */
  discard(fileNames: readonly string[]): Promise<void>
}

/** What is too large to stand in its row, and where such files are kept. */
export interface MailDataFiles {
  /**
   * Opaque names, made here; nothing that a peer sent ever becomes part of one. `name`: of the same file in another
   * storage, which it is to have here too.
   */
  create(name?: string): Promise<NewMailDataFile>
  /** Rejects with a StorageFault 'STORAGE_DAMAGED' when it is not there. `from`: the octet to begin with. */
  read(name: string, from?: number): AsyncIterable<Uint8Array>
  /** undefined: it is not there. */
  sizeOf(name: string): Promise<number | undefined>
  remove(names: readonly string[]): Promise<void>
}

export interface NewMailDataFile {
  readonly name: string
  /** `bytes` must not change before it resolves. */
  write(bytes: Uint8Array): Promise<void>
  /** Resolves when the file survives a power cut, its name included. */
  finish(): Promise<void>
  /** Leaves nothing behind. Never rejects. */
  abort(): Promise<void>
}
