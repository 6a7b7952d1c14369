// Who wants to know of changes in which mailbox: one listener on the storage for all sessions of a thread.
import type { Storage } from '../storage/operation.ts'

export interface MailboxChanges {
  /** Calls back after each commit that has changed this mailbox; the result ends it. */
  listen(mailboxId: number, listener: () => void): () => void
}

export function createMailboxChanges(storage: Pick<Storage, 'onWake'>): MailboxChanges {
  const listeners = new Map<number, Set<() => void>>()
  storage.onWake('mailbox', keys => {
    for (const mailboxId of keys ?? listeners.keys())
      for (const listener of listeners.get(mailboxId) ?? []) listener()
  })
  return {
    listen(mailboxId, listener) {
      const ofMailbox = listeners.get(mailboxId) ?? new Set()
      ofMailbox.add(listener)
      listeners.set(mailboxId, ofMailbox)
      return () => {
        ofMailbox.delete(listener)
        if (ofMailbox.size === 0 && listeners.get(mailboxId) === ofMailbox) listeners.delete(mailboxId)
      }
    },
  }
}
