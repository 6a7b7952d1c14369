// Notices that a file is another one: written, or replaced as editors do it (a new file takes its name).
import { createHash } from 'node:crypto'
import { type FSWatcher, readFileSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock, Timer } from '../runtime/clock.ts'

/** Several events come with one change, and the last of them may be the one after which the text is whole. */
const settleMs = 200
/** Where nothing tells of changes (file systems of other machines), it is looked at so often. */
const lookEveryMs = 30_000

/** `changed`: the text of the file, once for each that differs from the one before, `first` being the first. */
export function watchFile(
  file: string,
  first: string | undefined,
  clock: Clock,
  changed: (source: string) => void,
): { close(): void } {
  let known = first === undefined ? undefined : hashOf(first)
  let soon: Timer | undefined
  const look = (): void => {
    soon = undefined
    const source = readIfThere(file)
    if (source === undefined || hashOf(source) === known) return
    known = hashOf(source)
    changed(source)
  }
  const lookSoon = (): void => {
    soon?.cancel()
    soon = clock.after(settleMs, look)
  }
  const watcher = watchFolder(dirname(file), lookSoon)
  const timer = clock.every(lookEveryMs, look)
  return {
    close() {
      watcher?.close()
      timer.cancel()
      soon?.cancel()
    },
  }
}

/** The folder: a watch on the file itself would stay with the one that was replaced. undefined: it cannot be watched. */
function watchFolder(folder: string, changed: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, changed)
    // A folder that goes away: whoever looks from time to time sees it when it is back.
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    // The same.
    return undefined
  }
}

/** undefined: it is not there, or being replaced. */
export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // What is wrong shows when it stays: nothing is loaded of it.
    return undefined
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64')
}
