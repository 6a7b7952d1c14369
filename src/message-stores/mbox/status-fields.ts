// Fields that programs write into the messages of an mbox file and that are no part of them: flags, keywords, numbers, lengths.
import { flags as bits } from '../../mailbox/message-state.ts'

/** In lower case. */
export const statusFieldNames: ReadonlySet<string> = new Set([
  'status',
  'x-status',
  'x-keywords',
  'x-uid',
  'x-imap',
  'x-imapbase',
  'x-mozilla-status',
  'x-mozilla-status2',
  'x-mozilla-keys',
])

/** Read, and a part of the message all the same. */
export const readFieldNames: ReadonlySet<string> = new Set(['content-length', 'x-gmail-labels', 'date'])

export type StatusFields = ReadonlyMap<string, string>

export interface MboxStatus {
  readonly flags: number
  readonly keywords: readonly string[]
  /** It was deleted, and the file has not been compacted since; or it is no message at all. */
  readonly isGone: boolean
}

const ofStatus: Readonly<Record<string, number>> = { R: bits.seen, D: bits.deleted }
const ofXStatus: Readonly<Record<string, number>> = {
  A: bits.answered,
  F: bits.flagged,
  T: bits.draft,
  D: bits.deleted,
}
/** nsMsgMessageFlags of Thunderbird. */
const ofMozilla: readonly (readonly [mask: number, bit: number])[] = [
  [0x0001, bits.seen],
  [0x0002, bits.answered],
  [0x0004, bits.flagged],
]
const mozillaExpunged = 0x0008
const mozillaForwarded = 0x1000
/** What Google Takeout writes, in the languages of the account. */
const unreadLabels: ReadonlySet<string> = new Set(['unread', 'непрочитанные'])
const starredLabels: ReadonlySet<string> = new Set(['starred', 'помеченные'])

export function readStatus(fields: StatusFields): MboxStatus {
  let flags = lettersOf(fields.get('status'), ofStatus) | lettersOf(fields.get('x-status'), ofXStatus)
  const keywords = new Set([...wordsOf(fields.get('x-keywords')), ...wordsOf(fields.get('x-mozilla-keys'))])
  const mozilla = Number.parseInt(fields.get('x-mozilla-status') ?? '0', 16)
  for (const [mask, bit] of ofMozilla) if (mozilla & mask) flags |= bit
  if (mozilla & mozillaForwarded) keywords.add('$Forwarded')
  const labels = fields
    .get('x-gmail-labels')
    ?.split(',')
    .map(label => label.trim().toLowerCase())
  if (labels) {
    if (!labels.some(label => unreadLabels.has(label))) flags |= bits.seen
    if (labels.some(label => starredLabels.has(label))) flags |= bits.flagged
  }
  // X-IMAP: the first message of a file is UW IMAP's own ("FOLDER INTERNAL DATA").
  const isGone = (mozilla & mozillaExpunged) !== 0 || fields.has('x-imap')
  return { flags, keywords: [...keywords], isGone }
}

function lettersOf(value: string | undefined, meaning: Readonly<Record<string, number>>): number {
  let flags = 0
  for (const letter of value ?? '') flags |= meaning[letter] ?? 0
  return flags
}

function wordsOf(value: string | undefined): readonly string[] {
  return (value ?? '').split(/\s+/).filter(word => word !== '')
}

/** Lines with LF; '' for a message that is new. */
export function formatStatus(flags: number, keywords: readonly string[]): string {
  const letters = (meaning: Readonly<Record<string, number>>): string =>
    Object.entries(meaning)
      .filter(([, bit]) => flags & bit)
      .map(([letter]) => letter)
      .join('')
  const seen = flags & bits.seen ? 'R' : ''
  const other = letters(ofXStatus)
  return (
    `Status: ${seen}O\n` +
    (other === '' ? '' : `X-Status: ${other}\n`) +
    (keywords.length === 0 ? '' : `X-Keywords: ${keywords.join(' ')}\n`)
  )
}
