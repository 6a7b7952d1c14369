// CREATE (RFC 9051 §6.3.4), with USE (RFC 6154 §3).
import type { Cursor } from '../cursor.ts'
import { parseMailboxName } from '../mailbox-name.ts'

/** RFC 6154 §2, and RFC 8457 for \Important. */
const specialUses = [
  '\\All',
  '\\Archive',
  '\\Drafts',
  '\\Flagged',
  '\\Important',
  '\\Junk',
  '\\Sent',
  '\\Trash',
] as const

export interface CreateCommand {
  readonly verb: 'CREATE'
  readonly mailbox: string
  /** As sent, in the spelling of the RFC where it is known: what is not gets NO [USEATTR]. */
  readonly specialUse: readonly string[]
}

export function parseCreate(cursor: Cursor): CreateCommand {
  cursor.blank()
  const mailbox = parseMailboxName(cursor)
  let specialUse: readonly string[] = []
  if (cursor.takes(' '))
    cursor.list(() => {
      cursor.skipKeyword('USE')
      cursor.blank()
      specialUse = cursor.list(() => readUse(cursor), 'may-be-empty')
    })
  return { verb: 'CREATE', mailbox, specialUse }
}

function readUse(cursor: Cursor): string {
  cursor.skip('\\')
  const name = `\\${cursor.atom('a special use, as \\Sent')}`
  return specialUses.find(use => use.toLowerCase() === name.toLowerCase()) ?? name
}
