// RESETKEY (RFC 4467 §7).
import type { Cursor } from '../cursor.ts'
import { parseMailboxName } from '../mailbox-name.ts'
import { parseUrlMechanism } from '../url.ts'

export interface ResetKeyCommand {
  readonly verb: 'RESETKEY'
  /** undefined: of all mailboxes. */
  readonly mailbox: string | undefined
  readonly mechanisms: readonly string[]
}

export function parseResetKey(cursor: Cursor): ResetKeyCommand {
  if (!cursor.takes(' ')) return { verb: 'RESETKEY', mailbox: undefined, mechanisms: [] }
  const mailbox = parseMailboxName(cursor)
  const mechanisms = cursor.takes(' ') ? cursor.separated(() => parseUrlMechanism(cursor)) : []
  return { verb: 'RESETKEY', mailbox, mechanisms }
}
