// How many transactions SQLite has committed, each with a sync.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { databaseFileName } from '../../src/storage/sqlite-connection.ts'

/** https://sqlite.org/fileformat2.html#walformat: frames whose size field is not 0 end a transaction. */
export function countCommits(folder: string): number {
  const log = readFileSync(join(folder, `${databaseFileName}-wal`))
  const frameBytes = 24 + log.readUInt32BE(8)
  let commits = 0
  for (let at = 32; at + frameBytes <= log.length; at += frameBytes)
    if (log.readUInt32BE(at + 4) > 0) commits++
  return commits
}
