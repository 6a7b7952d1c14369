// The lists of senders, as sessions ask for them: most servers have none, and then no message asks the storage.
import type { Storage } from '../storage/operation.ts'
import { findSenderEntries, hasSenderEntries, type SenderQuestion } from './operations.ts'
import type { SenderEntry } from './sender-list.ts'

export interface SenderLists {
  /** For each recipient the entries that are about these names; empty: there are none for anybody. */
  find(question: SenderQuestion): Promise<readonly (readonly SenderEntry[])[]>
}

export function createSenderLists(storage: Pick<Storage, 'run' | 'onWake'>): SenderLists {
  const known: { areNone: boolean; version: number } = { areNone: false, version: 0 }
  storage.onWake('directory', () => {
    known.areNone = false
    known.version++
  })
  return {
    async find(question) {
      if (known.areNone) return []
      const { version } = known
      const found = await storage.run(findSenderEntries, question)
      // Nothing about these: perhaps nothing about anybody.
      if (
        found.length === 0 &&
        !(await storage.run(hasSenderEntries, undefined)) &&
        version === known.version
      )
        known.areNone = true
      return found
    },
  }
}
