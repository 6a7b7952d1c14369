// Whoever writes to a data folder holds its lock, or asks the server that does.
import { setTimeout as delay } from 'node:timers/promises'
import { anotherRuns, type DataFolderLock, lockDataFolder } from '../storage/data-folder.ts'
import { StorageFault } from '../storage/storage-fault.ts'
import { type ControlClient, connectControl } from './control-client.ts'

export type LockOrServer =
  | { readonly kind: 'locked'; readonly lock: DataFolderLock }
  | { readonly kind: 'server'; readonly control: ControlClient }

// A command holds the lock for a moment, and a server that starts answers in a moment.
const attempts = 50
const waitMs = 100

/** Rejects with STORAGE_LOCKED when for five seconds neither is to be had. */
export async function lockOrConnect(folder: string): Promise<LockOrServer> {
  for (let attempt = 1; ; attempt++) {
    const control = await connectControl(folder)
    if (control) return { kind: 'server', control }
    try {
      return { kind: 'locked', lock: lockDataFolder(folder) }
    } catch (cause) {
      if (!(cause instanceof StorageFault) || cause.code !== 'STORAGE_LOCKED' || attempt === attempts)
        throw cause
    }
    await delay(waitMs)
  }
}

/**
 * For whoever wants the folder for himself. Rejects with STORAGE_LOCKED when a server runs on it; `elsewhere` is what else
 * the caller can do than stop that.
 */
export async function lockForMyself(folder: string, elsewhere?: string): Promise<DataFolderLock> {
  let found: LockOrServer
  try {
    found = await lockOrConnect(folder)
  } catch (cause) {
    if (!(cause instanceof StorageFault) || cause.code !== 'STORAGE_LOCKED') throw cause
    throw anotherRuns(folder, { elsewhere, cause })
  }
  if (found.kind === 'locked') return found.lock
  const pid = await pidOf(found.control)
  found.control.close()
  throw anotherRuns(folder, { pid, elsewhere })
}

const answerWithinMs = 2000

async function pidOf(control: ControlClient): Promise<number | undefined> {
  const status = control.status().catch(() => undefined) // it goes just now
  return (await Promise.race([status, delay(answerWithinMs, undefined, { ref: false })]))?.pid
}
