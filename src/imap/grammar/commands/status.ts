// STATUS (RFC 9051 §6.3.11), with what others add to it (RFC 7162, RFC 8474, RFC 9208 §4.1.4).
import type { Cursor } from '../cursor.ts'
import { parseMailboxName } from '../mailbox-name.ts'

const statusItems = [
  'MESSAGES',
  'UIDNEXT',
  'UIDVALIDITY',
  'UNSEEN',
  'DELETED',
  'SIZE',
  'RECENT',
  'HIGHESTMODSEQ',
  'MAILBOXID',
  'DELETED-STORAGE',
  'APPENDLIMIT',
] as const

export type StatusItem = (typeof statusItems)[number]

export interface StatusCommand {
  readonly verb: 'STATUS'
  readonly mailbox: string
  readonly items: readonly StatusItem[]
}

export function parseStatus(cursor: Cursor): StatusCommand {
  cursor.blank()
  const mailbox = parseMailboxName(cursor)
  cursor.blank()
  return { verb: 'STATUS', mailbox, items: parseStatusItems(cursor) }
}

/** In parentheses; also a return option of LIST (RFC 5819). */
export function parseStatusItems(cursor: Cursor): readonly StatusItem[] {
  return cursor.list(() => cursor.oneOf(statusItems, 'an item of STATUS', 'STATUS knows'))
}
