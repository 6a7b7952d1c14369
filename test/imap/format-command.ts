// Writes what the grammar reads, for tests that go there and back.
import type { FetchAttribute } from '../../src/imap/grammar/commands/fetch.ts'
import type { SearchKey } from '../../src/imap/grammar/commands/search.ts'
import { formatDay } from '../../src/imap/grammar/dates.ts'
import { formatPage } from '../../src/imap/grammar/page.ts'
import type { SequenceSet } from '../../src/imap/grammar/sequence-set.ts'

export { formatPage }

export function formatText(text: string): string {
  const quotable = !/[\r\n\0]/.test(text)
  return quotable ? `"${text.replaceAll(/["\\]/g, '\\$&')}"` : `{${Buffer.byteLength(text)}+}\r\n${text}`
}

export function formatSet(set: SequenceSet): string {
  if (set.kind === 'saved') return '$'
  return set.ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}:${last}`)).join(',')
}

export function formatKey(key: SearchKey): string {
  switch (key.kind) {
    case 'all':
      return 'ALL'
    case 'recent':
      return 'RECENT'
    case 'save-date-supported':
      return 'SAVEDATESUPPORTED'
    case 'and':
      return `(${key.keys.map(formatKey).join(' ')})`
    case 'or':
      return `OR ${formatKey(key.left)} ${formatKey(key.right)}`
    case 'not':
      return `NOT ${formatKey(key.key)}`
    case 'flag':
      return key.flag.startsWith('\\') ? key.flag.slice(1) : `KEYWORD ${key.flag}`
    case 'header':
      return `HEADER ${formatText(key.field)} ${formatText(key.text)}`
    case 'body':
    case 'text':
      return `${key.kind} ${formatText(key.text)}`
    case 'date':
      return `${{ internal: '', sent: 'SENT', saved: 'SAVED' }[key.of]}${key.relation} ${formatDay(key.day)}`
    case 'age':
      return `${key.relation} ${key.seconds}`
    case 'size':
      return `${key.relation} ${key.bytes}`
    case 'messages':
      return `${key.by === 'uid' ? 'UID ' : ''}${formatSet(key.set)}`
    case 'mod-seq':
      return `MODSEQ ${key.modSeq}`
    case 'email-id':
      return `EMAILID ${key.id}`
    case 'thread-id':
      return `THREADID ${key.id}`
    default:
      return key satisfies never
  }
}

export function formatAttribute(attribute: FetchAttribute): string {
  switch (attribute.kind) {
    case 'BODY[]': {
      const { part, text } = attribute.section
      const fields = 'fields' in text ? ` (${text.fields.map(formatText).join(' ')})` : ''
      const words = [...part.map(String), ...(text.kind === 'all' ? [] : [text.kind])].join('.')
      return `BODY${attribute.peek ? '.PEEK' : ''}[${words}${fields}]${formatPartial(attribute.partial)}`
    }
    case 'BINARY[]':
      return `BINARY${attribute.peek ? '.PEEK' : ''}[${attribute.part.join('.')}]${formatPartial(attribute.partial)}`
    case 'BINARY.SIZE[]':
      return `BINARY.SIZE[${attribute.part.join('.')}]`
    case 'PREVIEW':
      return `PREVIEW${attribute.lazy ? ' (LAZY)' : ''}`
    default:
      return attribute.kind
  }
}

function formatPartial(partial: { readonly offset: number; readonly length: number } | undefined): string {
  return partial ? `<${partial.offset}.${partial.length}>` : ''
}
