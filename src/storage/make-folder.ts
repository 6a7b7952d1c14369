// Folders for mail and settings: whether one will do, before anything is made in it, and making it.
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * Makes the folder and those around it that are missing. One at a time: Node's own recursive mkdir never returns where
 * a file system answers ENOENT to mkdir, as /proc does.
 */
export function makeFolder(folder: string, mode: number): void {
  if (!existsSync(folder)) {
    if (dirname(folder) !== folder) makeFolder(dirname(folder), mode)
    try {
      mkdirSync(folder, { mode })
    } catch (cause) {
      // Another process was faster.
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    }
  }
  if (!statSync(folder).isDirectory())
    throw Object.assign(new Error(`${folder} is a file, not a folder`), { code: 'ENOTDIR' })
}

/** The folder itself, or what there is around it. One that is closed to us counts as missing. */
export function nearestExisting(folder: string): string {
  let existing = folder
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing)
  return existing
}

/**
 * It need not be there: then the nearest folder around it counts. Something is made in it and removed again, because its
 * mode says too little. undefined: it will do.
 */
export function problemOfFolder(folder: string): string | undefined {
  const existing = nearestExisting(folder)
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
