// Whether a folder that a person named will do, before anything is made in it.
import { existsSync, mkdtempSync, rmdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { tryOutFile } from './try-out.ts'

/**
 * It need not be there: then the nearest folder around it counts. Something is made in it and removed again, because its
 * mode says too little. undefined: it will do.
 */
export function problemOfFolder(folder: string): string | undefined {
  let existing = folder
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing)
  try {
    rmdirSync(mkdtempSync(join(existing, '.postrider-')))
    return undefined
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    return code === 'ENOTDIR'
      ? `${existing} is a file, not a folder.`
      : `Nothing can be written into ${existing}.`
  }
}

export function problemOfDataFolder(folder: string): string | undefined {
  if (existsSync(tryOutFile(folder)))
    return `${folder} holds the data of the server to try out ("npm start"). Name another folder, such as /var/lib/postrider.`
  const problem = problemOfFolder(folder)
  return problem && `${problem} Name another folder, or run this as a user who may write there.`
}
