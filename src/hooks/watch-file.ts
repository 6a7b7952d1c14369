// Notices that a file is another one: written, or replaced as editors do it (a new file takes its name).
import { createHash } from 'node:crypto'
import { type FSWatcher, readFileSync, statSync, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Clock, Timer } from '../runtime/clock.ts'

/** Several events come with one change; what comes after the last of them is seen at the next. */
const settleMs = 200
/** Where nothing tells of changes (file systems of other machines), it is looked at so often. */
const lookEveryMs = 30_000

/** `changed`: the text of the file, once for each change of its text or its time. */
export function watchFile(file: string, clock: Clock, changed: (source: string) => void): { close(): void } {
  let known = versionOf(file)
  let soon: Timer | undefined
  const look = (): void => {
    soon = undefined
    const version = versionOf(file)
    const source = readIfThere(file)
    if (source === undefined || version === known) return
    known = version
    changed(source)
  }
  const watcher = watchFolder(dirname(file), name => {
    // A link of Kubernetes leads over a folder that is replaced, '..data'.
    if (name === null || name === basename(file) || name.startsWith('..'))
      soon ??= clock.after(settleMs, look)
  })
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
function watchFolder(folder: string, changed: (name: string | null) => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, (_event, name) => changed(name))
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

/** Another one for another text, and when somebody has touched it. undefined: it is not there. */
function versionOf(file: string): string | undefined {
  const source = readIfThere(file)
  if (source === undefined) return undefined
  const { mtimeMs } = statSync(file, { throwIfNoEntry: false }) ?? {}
  return `${mtimeMs} ${createHash('sha256').update(source).digest('base64')}`
}
