// Commands whose only argument is a mailbox: DELETE, SUBSCRIBE, UNSUBSCRIBE (RFC 9051 §6.3.5, §6.3.7, §6.3.8), GETACL, MYRIGHTS
// (RFC 4314 §3.3, §3.5), GETQUOTAROOT (RFC 9208 §4.1.2).
import type { Cursor } from '../cursor.ts'
import { parseMailboxName } from '../mailbox-name.ts'

export interface MailboxCommand {
  readonly verb: 'DELETE' | 'SUBSCRIBE' | 'UNSUBSCRIBE' | 'GETACL' | 'MYRIGHTS' | 'GETQUOTAROOT'
  readonly mailbox: string
}

export function mailboxParser(verb: MailboxCommand['verb']): (cursor: Cursor) => MailboxCommand {
  return cursor => {
    cursor.blank()
    return { verb, mailbox: parseMailboxName(cursor) }
  }
}
