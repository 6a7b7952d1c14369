// Mail data files that a crash left without a row: written, synced, and the row never came.

import type { MailDataStore } from './mail-data.ts'
import { listMailDataFiles, mailDataFileTime } from './mail-data-files.ts'
import { isMailDataFileNamed } from './mail-data-rows.ts'
import type { Storage } from './operation.ts'

/** Removes orphans last written before `olderThan` (ms since 1970), so that none is taken whose row is on its way. */
export async function sweepOrphans(
  folder: string,
  storage: Storage,
  mailData: MailDataStore,
  olderThan: number,
): Promise<number> {
  let removed = 0
  for await (const name of listMailDataFiles(folder)) {
    const writtenAt = await mailDataFileTime(folder, name)
    if (
      writtenAt === undefined ||
      writtenAt >= olderThan ||
      (await storage.run(isMailDataFileNamed, { name }))
    )
      continue
    await mailData.discard([name])
    removed++
  }
  return removed
}
