// Who wants to know of changes in which mailbox: one listener on the storage for all sessions of a thread.
import type { Storage, WakeKeys } from '../storage/operation.ts'

export interface MailboxChanges {
  /** Calls back after each commit that has changed this mailbox; the result ends it. */
  listen(mailboxId: number, listener: () => void): () => void
  /** The same for names, subscriptions and rights of an account's mailboxes. */
  listenNames(accountId: number, listener: () => void): () => void
}

export function createMailboxChanges(storage: Pick<Storage, 'onWake'>): MailboxChanges {
  const ofMailboxes = new Listeners()
  const ofNames = new Listeners()
  storage.onWake('mailbox', keys => ofMailboxes.call(keys))
  storage.onWake('mailbox-names', keys => ofNames.call(keys?.has(everybody) === true ? undefined : keys))
  return {
    listen: (mailboxId, listener) => ofMailboxes.add(mailboxId, listener),
    listenNames: (accountId, listener) => ofNames.add(accountId, listener),
  }
}

/** In place of an account's id: it may be about anybody. */
const everybody = 0

class Listeners {
  readonly #byKey = new Map<number, Set<() => void>>()

  add(key: number, listener: () => void): () => void {
    const ofKey = this.#byKey.get(key) ?? new Set()
    ofKey.add(listener)
    this.#byKey.set(key, ofKey)
    return () => {
      ofKey.delete(listener)
      if (ofKey.size === 0 && this.#byKey.get(key) === ofKey) this.#byKey.delete(key)
    }
  }

  call(keys: WakeKeys): void {
    for (const key of keys ?? this.#byKey.keys())
      for (const listener of this.#byKey.get(key) ?? []) listener()
  }
}
