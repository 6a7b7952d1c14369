// A message as a person reads it on a terminal: encoded words, transfer encodings and character sets decoded (RFC 2045,
// RFC 2047), attachments named instead of printed.
import { formatDomainsForPeople } from '../address/parse-domain.ts'
import { decodeEncodedWords } from '../message/encoded-words.ts'
import {
  type HeaderField,
  HeaderSplitter,
  parseHeaderFields,
  type SplitMessage,
} from '../message/header-section.ts'
import { formatSize } from '../runtime/format-size.ts'
import { replaceControls } from '../runtime/text.ts'

/** undefined: its structure makes no sense, so only the bytes themselves can be shown. */
export async function formatMessage(message: Uint8Array): Promise<string | undefined> {
  // Loaded here: no other command reads MIME.
  const { default: PostalMime } = await import('postal-mime')
  // It rejects what is nested too deeply, or has a header section without end.
  const parsed = await PostalMime.parse(message).catch(() => undefined)
  if (!parsed) return undefined
  const body = (parsed.text ?? parsed.html ?? '').replaceAll('\r\n', '\n').trimEnd()
  const { section, lacksEmptyLine } = splitMessage(message)
  // MIME takes text without an empty line before it for header fields, and would lose it.
  if (lacksEmptyLine) return undefined
  return [
    ...parseHeaderFields(section).map(formatField),
    '',
    ...(body === '' ? [] : [body]),
    ...(parsed.attachments.length > 0 ? ['', ...parsed.attachments.map(formatAttachment)] : []),
  ].join('\n')
}

function splitMessage(message: Uint8Array): SplitMessage {
  const splitter = new HeaderSplitter(message.length)
  const split = splitter.take(message)
  return typeof split === 'string' ? splitter.finish() : split
}

/** What the server gives to an open terminal: the beginning of a message as text, its lines ended with LF. */
export async function formatTerminalText(text: string): Promise<string> {
  const isCut = text.endsWith(cutMark)
  // What was neither UTF-8 nor harmless is U+FFFD by now; in the character set of the message its bytes would be letters.
  const bytes = Buffer.from(
    (isCut ? text.slice(0, -cutMark.length) : text).replaceAll('\ufffd', '?').replaceAll('\n', '\r\n'),
  )
  const formatted = await formatMessage(bytes)
  return formatted === undefined ? text : `${formatted}${isCut ? cutMark : ''}`
}

const cutMark = '\n…'

const addressFields = /^(?:from|sender|reply-to|to|cc)$/i

function formatField({ name, value }: HeaderField): string {
  // A stranger's line ends would be lines of their own here.
  const decoded = replaceControls(decodeEncodedWords(value), ' ')
  return `${name}: ${addressFields.test(name) ? formatDomainsForPeople(decoded) : decoded}`
}

interface Attachment {
  readonly filename: string | null
  readonly mimeType: string
  readonly content: ArrayBuffer | Uint8Array | string
}

function formatAttachment({ filename, mimeType, content }: Attachment): string {
  const bytes = typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength
  return replaceControls(
    `[Attachment: ${filename ?? 'without a name'}, ${mimeType}, ${formatSize(bytes)}]`,
    ' ',
  )
}
