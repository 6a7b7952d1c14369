// Moves between folders and databases of a test, in the test's process.
import type { TestContext } from 'node:test'
import { systemClock } from '../../../src/runtime/clock.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { openLocalStorage } from '../../../src/storage/local-storage.ts'
import { openMailDataFiles } from '../../../src/storage/mail-data-files.ts'
import { createMailDataStore } from '../../../src/storage/mail-data-store.ts'
import { type Move, type MoveOptions, moveStorage } from '../../../src/storage/move/move-storage.ts'
import { placeOf } from '../../harness/kill-while-moving.ts'
import { type Stock, stockStorage } from '../../harness/stock-storage.ts'
import { makeFolder } from '../notes.ts'

/** Each a folder, or the URI of a database. */
export async function move(from: string, to: string, options: Partial<MoveOptions> = {}): Promise<Move> {
  return await moveStorage({
    from: placeOf(from),
    to: placeOf(to),
    anew: false,
    withDamage: false,
    clock: systemClock,
    random: systemRandom,
    onProgress: () => {},
    ...options,
  })
}

/** Two pages of mail data, three files. */
export const smallStock: Stock = { messages: 270, mailboxes: 3, queued: 60 }

export async function makeStock(t: TestContext, stock: Stock = smallStock): Promise<string> {
  const folder = makeFolder(t)
  const storage = await openLocalStorage(folder)
  await stockStorage(storage, createMailDataStore(openMailDataFiles(folder, systemRandom), storage), stock)
  await storage.close()
  return folder
}
