// What is done to whole mailboxes (RFC 9051 §6.3.4 – §6.3.8): CREATE (with USE, RFC 6154 §3), DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE.
import type { Cursor } from '../cursor.ts'
import { parseMailboxName } from '../mailbox-name.ts'

/** RFC 6154 §2, and RFC 8457 for \Important. */
export const specialUses = [
  '\\All',
  '\\Archive',
  '\\Drafts',
  '\\Flagged',
  '\\Important',
  '\\Junk',
  '\\Sent',
  '\\Trash',
] as const

export type SpecialUse = (typeof specialUses)[number]

export interface CreateCommand {
  readonly verb: 'CREATE'
  readonly mailbox: string
  /** As sent, in the spelling of the RFC where it is known: what is not gets NO [USEATTR]. */
  readonly specialUse: readonly string[]
}

export interface RenameCommand {
  readonly verb: 'RENAME'
  readonly mailbox: string
  readonly newName: string
}

export interface MailboxCommand {
  readonly verb: 'DELETE' | 'SUBSCRIBE' | 'UNSUBSCRIBE'
  readonly mailbox: string
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

export function parseRename(cursor: Cursor): RenameCommand {
  cursor.blank()
  const mailbox = parseMailboxName(cursor)
  cursor.blank()
  return { verb: 'RENAME', mailbox, newName: parseMailboxName(cursor) }
}

/** Of a command that has a mailbox for its only argument. */
export function mailboxParser<Verb extends string>(
  verb: Verb,
): (cursor: Cursor) => { readonly verb: Verb; readonly mailbox: string } {
  return cursor => {
    cursor.blank()
    return { verb, mailbox: parseMailboxName(cursor) }
  }
}
