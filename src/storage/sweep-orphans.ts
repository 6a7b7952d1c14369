// Mail data files without a row: a crash left them, or a database that is older than they are. They are moved aside and
// not deleted, because in the second case they may be the only copy.
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { listMailDataFiles, mailDataFile, mailDataFileTime } from './mail-data-files.ts'
import { isMailDataFileNamed } from './mail-data-rows.ts'
import type { Storage } from './operation.ts'

export const orphanFolderName = 'orphans'

/**
 * Moves orphans last written before `olderThan` (ms since 1970) into the folder `orphans`; returns how many. For the
 * start of the store: what was written before it has no row on its way.
 */
export async function sweepOrphans(
  folder: string,
  storage: Pick<Storage, 'run'>,
  olderThan: number,
): Promise<number> {
  let moved = 0
  for await (const name of listMailDataFiles(folder)) {
    const writtenAt = await mailDataFileTime(folder, name)
    if (writtenAt === undefined || writtenAt >= olderThan) continue
    if (await storage.run(isMailDataFileNamed, { name })) continue
    await mkdir(join(folder, orphanFolderName), { recursive: true, mode: 0o700 })
    await rename(mailDataFile(folder, name), join(folder, orphanFolderName, name.replace('/', '-')))
    moved++
  }
  return moved
}
