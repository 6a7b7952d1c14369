// By what a person finds a message again: its Message-ID and its Subject (RFC 5322 §3.6.4, §3.6.5). Asked for every message that
// comes in, so it looks at the bytes and reads no other field.
import { decodeEncodedWords } from './encoded-words.ts'
import { endOfLine, startsWithName } from './header-lines.ts'

export interface MessageIdentity {
  /** Without its angle brackets. */
  readonly messageId?: string | undefined
  /** Decoded, and its beginning only. */
  readonly subject?: string | undefined
}

const space = 0x20
const tab = 0x09
/** RFC 5322 has no limit, and a stranger writes them. */
const maxMessageIdLength = 250
const maxSubjectLength = 200
const maxFieldBytes = 2000

const messageIdName = Buffer.from('message-id:')
const subjectName = Buffer.from('subject:')

/** Of the first field of each name. */
export function identifyMessage(section: Uint8Array): MessageIdentity {
  let messageId: string | undefined
  let subject: string | undefined
  for (let start = 0; start < section.length; ) {
    const isId = messageId === undefined && startsWithName(section, start, messageIdName)
    const isSubject = subject === undefined && startsWithName(section, start, subjectName)
    let end = endOfLine(section, start)
    if (isId || isSubject) {
      while (isBlank(section[end])) end = endOfLine(section, end)
      const nameLength = isId ? messageIdName.length : subjectName.length
      const value = readValue(section, start + nameLength, end)
      if (isId) messageId = readMessageId(value)
      else subject = clip(decodeEncodedWords(value).trim(), maxSubjectLength)
      if (messageId !== undefined && subject !== undefined) break
    }
    start = end
  }
  return { ...(messageId ? { messageId } : {}), ...(subject ? { subject } : {}) }
}

function isBlank(byte: number | undefined): boolean {
  return byte === space || byte === tab
}

function readValue(section: Uint8Array, start: number, end: number): string {
  const to = Math.min(end, start + maxFieldBytes)
  return Buffer.from(section.buffer, section.byteOffset + start, to - start)
    .toString('utf8')
    .replaceAll(/\r?\n/g, '')
    .trim()
}

/** What stands between the angle brackets; some programs write none. */
function readMessageId(value: string): string {
  const open = value.indexOf('<')
  const close = value.indexOf('>', open)
  return (open >= 0 && close > open ? value.slice(open + 1, close) : value)
    .trim()
    .slice(0, maxMessageIdLength)
}

/** Not between the halves of a character. */
function clip(text: string, length: number): string {
  const cut = text.slice(0, length)
  return text.length > length && /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut
}
