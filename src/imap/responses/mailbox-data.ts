// LIST, LSUB, STATUS, NAMESPACE, FLAGS, EXISTS, EXPUNGE, VANISHED (RFC 9051 §7.3, §7.4; RFC 7162 §3.2.10): mailboxes and what
// becomes of them.
import type { StatusItem } from '../grammar/commands/status.ts'
import type { NumberRange } from '../grammar/sequence-set.ts'
import { formatRanges } from './number-set.ts'
import { formatMailboxName, formatString, quote } from './strings.ts'
import type { ResponseTerms } from './terms.ts'

/** '\HasChildren', '\Sent' … */
export interface ListedMailbox {
  readonly name: string
  readonly attributes: readonly string[]
  /** What of its children the client asked for (RFC 5258 §4): 'SUBSCRIBED'. */
  readonly childInfo?: readonly string[] | undefined
  /** What it was called until now (RFC 9051 §6.3.9.7). */
  readonly oldName?: string | undefined
}

/** '/' separates the levels of names here. */
const hierarchyDelimiter = '/'

/** What all names are below. */
export const hierarchyRoot: ListedMailbox = { name: '', attributes: ['\\Noselect'] }

export function formatListed(
  { name, attributes, childInfo, oldName }: ListedMailbox,
  terms: ResponseTerms,
  verb: 'LIST' | 'LSUB' = 'LIST',
): string {
  const extended = [
    ...(childInfo && childInfo.length > 0 ? [`"CHILDINFO" (${childInfo.map(quote).join(' ')})`] : []),
    ...(oldName === undefined ? [] : [`"OLDNAME" (${formatMailboxName(oldName, terms)})`]),
  ]
  const extension = extended.length > 0 ? ` (${extended.join(' ')})` : ''
  return `* ${verb} (${attributes.join(' ')}) "${hierarchyDelimiter}" ${formatMailboxName(name, terms)}${extension}\r\n`
}

/** An id is a text; null: there is no limit. */
export type StatusValue = number | string | null

export function formatMailboxStatus(
  mailbox: string,
  values: ReadonlyMap<StatusItem, StatusValue>,
  terms: ResponseTerms,
): string {
  const items = [...values].map(([item, value]) => `${item} ${formatStatusValue(value)}`)
  return `* STATUS ${formatMailboxName(mailbox, terms)} (${items.join(' ')})\r\n`
}

function formatStatusValue(value: StatusValue): string {
  if (value === null) return 'NIL'
  return typeof value === 'number' ? `${value}` : `(${value})`
}

/** Prefixes of each kind: 'Shared/' */
export interface Namespaces {
  readonly personal: readonly string[]
  readonly otherUsers: readonly string[]
  readonly shared: readonly string[]
}

export function formatNamespaces({ personal, otherUsers, shared }: Namespaces, terms: ResponseTerms): string {
  const kinds = [personal, otherUsers, shared].map(prefixes => {
    const entries = prefixes.map(prefix => `(${formatString(prefix, terms)} "${hierarchyDelimiter}")`)
    return entries.length > 0 ? `(${entries.join('')})` : 'NIL'
  })
  return `* NAMESPACE ${kinds.join(' ')}\r\n`
}

export function formatFlags(flags: readonly string[]): string {
  return `* FLAGS (${flags.join(' ')})\r\n`
}

export function formatCount(count: number, name: 'EXISTS' | 'RECENT'): string {
  return `* ${count} ${name}\r\n`
}

/** Each number counts after those before it have gone (§7.5.1). */
export function formatExpunged(sequences: Iterable<number>): string {
  let text = ''
  for (const sequence of sequences) text += `* ${sequence} EXPUNGE\r\n`
  return text
}

/** `earlier`: before the client asked, and the numbers of messages are without them already. */
export function formatVanished(uids: readonly NumberRange[], when: 'now' | 'earlier'): string {
  return `* VANISHED ${when === 'earlier' ? '(EARLIER) ' : ''}${formatRanges(uids)}\r\n`
}
