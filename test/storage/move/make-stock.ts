// A storage with something of everything, to be moved.
import type { TestContext } from 'node:test'
import { systemRandom } from '../../../src/runtime/random.ts'
import { openLocalStorage } from '../../../src/storage/local-storage.ts'
import { openMailDataFiles } from '../../../src/storage/mail-data-files.ts'
import { createMailDataStore } from '../../../src/storage/mail-data-store.ts'
import { type Stock, stockStorage } from '../../harness/stock-storage.ts'
import { makeFolder } from '../notes.ts'

/** Two pages of mail data, three files. */
export const smallStock: Stock = { messages: 270, mailboxes: 3, queued: 60 }

export async function makeStock(t: TestContext, stock: Stock = smallStock): Promise<string> {
  const folder = makeFolder(t)
  const storage = await openLocalStorage(folder)
  await stockStorage(storage, createMailDataStore(openMailDataFiles(folder, systemRandom), storage), stock)
  await storage.close()
  return folder
}
