// What has changed in a mailbox, page by page.
import { setImmediate as turn } from 'node:timers/promises'
import type { OpenMailbox } from '../mailbox/mailbox-row.ts'
import { type ChangesPlace, type MailboxChanges, readChanges } from '../mailbox/read-mailbox.ts'
import type { AccessParts } from './parts.ts'

const changesOfPage = 2000

/** undefined, and the end: the mailbox is gone. What leaves while further pages are read is in none of them. */
export async function* changePages(
  storage: AccessParts['storage'],
  id: OpenMailbox,
  since: number,
): AsyncGenerator<MailboxChanges | undefined> {
  for (let after: ChangesPlace | undefined; ; ) {
    const page = await storage.run(readChanges, { ...id, since, after, limit: changesOfPage })
    yield page
    after = page?.next
    if (!after) return
    // The storage answers without a turn of the event loop: other sessions get theirs here.
    await turn()
  }
}
