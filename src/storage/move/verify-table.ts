// Reads a table in the source and in the target, and compares; mail data against its checksum, byte by byte.
import { createHash, hash } from 'node:crypto'
import type { MailDataFiles } from '../mail-data.ts'
import { StorageFault } from '../storage-fault.ts'
import { copyFile, isDamage } from './copy-file.ts'
import { filesAtATime } from './copy-table.ts'
import { withoutLease } from './leases.ts'
import { type MovedTable, mailDataTable, type Row } from './moved-tables.ts'
import type { MoveSource } from './open-source.ts'
import type { MoveTarget } from './open-target.ts'
import { RowHash } from './row-hash.ts'
import { type Reader, readPages } from './rows.ts'
import { severalAtATime } from './several-at-a-time.ts'

export interface VerifiedTable {
  readonly name: string
  readonly rows: number
  /** Of the rows, SHA-256. */
  readonly checksum: string
}

export interface DamagedMailData {
  readonly id: number
  /** A sentence, of the source; what is in the target is no better. */
  readonly problem: string
}

export interface VerifiedMailData {
  count: number
  bytes: number
  readonly damaged: DamagedMailData[]
}

interface MailDataColumns {
  readonly id: number
  readonly size: number
  readonly checksum: Uint8Array
  readonly bytes: Uint8Array | null
  readonly file_name: string | null
}

/** Rejects with STORAGE_DIFFERS. `mailData` collects what is found of the table of that name. */
export async function verifyTable(
  source: MoveSource,
  target: MoveTarget,
  table: MovedTable,
  mailData: VerifiedMailData,
  onRows: (rows: number) => void,
): Promise<VerifiedTable> {
  const hasMailData = table.name === mailDataTable
  const hashes = [
    hashTable(source.reader, table, async page => page.map(row => withoutLease(row, target.move.startedAt))),
    hashTable(target.storage, table, async page => {
      if (hasMailData) await verifyMailData(source, target, page as unknown as MailDataColumns[], mailData)
      onRows(page.length)
      return page
    }),
  ] as const
  // Both end before anybody closes what they read.
  await Promise.allSettled(hashes)
  const [expected, found] = await Promise.all(hashes)
  if (expected.checksum !== found.checksum) {
    throw new StorageFault(
      'STORAGE_DIFFERS',
      `The table ${table.name} of ${target.name} (${found.rows} rows) differs from that of ${source.name} (${expected.rows} rows). The target stays unfinished, the source is as it was. Repeat this with --anew, which empties the target and begins again.`,
    )
  }
  return { name: table.name, ...found }
}

async function hashTable(
  reader: Reader,
  table: MovedTable,
  look: (page: readonly Row[]) => Promise<readonly Row[]>,
): Promise<{ readonly rows: number; readonly checksum: string }> {
  const sum = new RowHash(table.columns)
  for await (const page of readPages(reader, table)) sum.update(await look(page))
  return { rows: sum.rows, checksum: sum.digest() }
}

async function verifyMailData(
  source: MoveSource,
  target: MoveTarget,
  page: readonly MailDataColumns[],
  found: VerifiedMailData,
): Promise<void> {
  await severalAtATime(page, filesAtATime, async row => {
    const problem = await problemOf(source, target, row)
    found.count++
    found.bytes += row.size
    if (problem !== undefined) found.damaged.push({ id: row.id, problem })
  })
}

async function problemOf(
  source: MoveSource,
  target: MoveTarget,
  { id, checksum, bytes, file_name: name }: MailDataColumns,
): Promise<string | undefined> {
  if (bytes !== null) {
    if (Buffer.compare(hash('sha256', bytes, 'buffer'), checksum) === 0) return undefined
    return `Mail data ${id} differs from its checksum.`
  }
  if (name === null) return `Mail data ${id} has neither bytes nor a file.`
  if ((await problemOfFile(target.files, name, checksum)) === undefined) return undefined
  const problem = await problemOfFile(source.files, name, checksum)
  if (problem !== undefined) return problem
  // It was damaged when it was copied, and has been restored since.
  await copyFile(source.files, target.files, name)
  if ((await problemOfFile(target.files, name, checksum)) === undefined) return undefined
  throw new StorageFault(
    'STORAGE_DIFFERS',
    `${target.name} does not keep mail/${name} as it was written. Look after its disk, and repeat this.`,
  )
}

async function problemOfFile(
  files: Pick<MailDataFiles, 'read'>,
  name: string,
  checksum: Uint8Array,
): Promise<string | undefined> {
  const sum = createHash('sha256')
  try {
    for await (const chunk of files.read(name)) sum.update(chunk)
  } catch (cause) {
    if (!isDamage(cause)) throw cause
    return cause instanceof StorageFault
      ? cause.message
      : `The file mail/${name} cannot be read from its disk.`
  }
  return Buffer.compare(sum.digest(), checksum) === 0 ? undefined : `mail/${name} differs from its checksum.`
}
