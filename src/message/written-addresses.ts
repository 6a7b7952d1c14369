// The addresses in a From field or one like it, as programs read them that show whatever they can (RFC 5322 §3.4).
import { removeComments } from './comments.ts'
import { decodeEncodedWords } from './encoded-words.ts'

/**
 * What stands in angle brackets, and where a mailbox has none, what looks like an address; groups are looked into. Whatever is
 * not valid is read as generously as programs read it, so that nobody gets by with a field that is only shown right.
 */
export function writtenAddresses(value: string): string[] {
  return readMailboxes(removeComments(value)).flatMap(addressesOf)
}

export interface ShownAddresses {
  /** As `writtenAddresses` has them. */
  readonly addresses: readonly string[]
  /** What a program may show as one that another program does not see. */
  readonly hidden: readonly string[]
  /** What stands beside addresses in angle brackets, as it is written: with quotes, and encoded. */
  readonly names: readonly string[]
  /** Nothing in it could be anybody: it is empty, or has empty brackets, comments or names of groups only. */
  readonly isEmpty: boolean
}

/** For what a reader is shown: a quote or comment that nothing closes is read both ways, and encoded words are decoded. */
export function shownAddresses(value: string): ShownAddresses {
  const mailboxes = readMailboxes(removeComments(value))
  const others = isEachClosed(value) ? [] : readMailboxes(value.replaceAll(/["()\\]/g, ' '))
  const addresses = mailboxes.flatMap(addressesOf)
  const known = new Set(addresses)
  const hidden = new Set([
    ...others.flatMap(addressesOf),
    ...[...mailboxes, ...others].flatMap(hiddenAddresses),
  ])
  return {
    addresses,
    hidden: [...hidden].filter(text => !known.has(text)),
    names: mailboxes.flatMap(({ bare, angles }) => (angles.length > 0 ? [bare] : [])),
    isEmpty: mailboxes.every(
      ({ bare, angles, isGroup }) => isGroup || (bare.trim() === '' && angles.length === 0),
    ),
  }
}

interface WrittenMailbox {
  /** What stands outside of angle brackets. */
  readonly bare: string
  /** What stands in each pair that is not empty. */
  readonly angles: readonly string[]
  readonly hasAngle: boolean
  /** It is the name of a group. */
  readonly isGroup: boolean
}

function readMailboxes(text: string): WrittenMailbox[] {
  const mailboxes: WrittenMailbox[] = []
  let bare = ''
  let angles: string[] = []
  let hasAngle = false
  const end = (isGroup: boolean): void => {
    mailboxes.push({ bare, angles, hasAngle, isGroup })
    bare = ''
    angles = []
    hasAngle = false
  }
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? ''
    if (character === '"') {
      const close = endOfQuoted(text, index)
      bare += text.slice(index, close)
      index = close - 1
    } else if (character === '<') {
      const close = endOfAngle(text, index)
      const inner = text.slice(index + 1, close).trim()
      if (inner !== '') angles.push(inner)
      hasAngle = true
      index = close
    } else if (character === ',' || character === ';') end(false)
    else if (character === ':' && !bare.includes('@')) end(angles.length === 0)
    else bare += character
  }
  end(false)
  return mailboxes
}

function addressesOf({ bare, angles, hasAngle }: WrittenMailbox): readonly string[] {
  return !hasAngle && bare.includes('@') ? [bare.trim()] : angles
}

/** What a program may show as an address that stands where none belongs: in a name, in quotes, in encoded words (RFC 2047 §5). */
function hiddenAddresses({ bare, angles, hasAngle }: WrittenMailbox): string[] {
  // Beside an address this is but a name.
  if (angles.some(inner => inner.includes('@'))) return []
  const text = [bare, ...angles].join(' ')
  const decoded = decodeEncodedWords(text)
  const isPlain = !hasAngle && decoded === text && hasUnquotedAt(text)
  if (isPlain) return []
  // Also what we cannot decode: another program may.
  return decoded.split(/[\s<>,;:"()]+/).filter(word => word.includes('@') || word.includes('=?'))
}

function hasUnquotedAt(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '"') index = endOfQuoted(text, index) - 1
    else if (text[index] === '@') return true
  }
  return false
}

/** Each quote and comment ends, and no quote or parenthesis outside of them is escaped: programs differ in what that means. */
function isEachClosed(text: string): boolean {
  let depth = 0
  let isQuoted = false
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? ''
    if (character === '\\') {
      index++
      if (!isQuoted && depth === 0 && /["()]/.test(text[index] ?? '')) return false
    } else if (isQuoted) isQuoted = character !== '"'
    else if (character === '(') depth++
    else if (character === ')') depth = Math.max(0, depth - 1)
    else if (character === '"' && depth === 0) isQuoted = true
  }
  return depth === 0 && !isQuoted
}

/** Behind the closing quote, or the end. */
export function endOfQuoted(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index++) {
    if (text[index] === '\\') index++
    else if (text[index] === '"') return index + 1
  }
  return text.length
}

/** At the closing bracket, or at the end. */
export function endOfAngle(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index++) {
    if (text[index] === '"') index = endOfQuoted(text, index) - 1
    else if (text[index] === '>') return index
  }
  return text.length
}
