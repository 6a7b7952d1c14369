// Which header fields a signature covers, and their "relaxed" form (RFC 6376 §3.4.2, §5.4).
import { type HeaderField, maxHeaderFields, parseHeaderFields } from '../message/header-section.ts'

/**
 * Signed once more than they are there, so that nobody can add one that a reader would see instead (RFC 6376 §5.4.2,
 * §8.15). Programs show them, or show the body by them.
 */
const sealed = [
  'from',
  'to',
  'cc',
  'subject',
  'date',
  'message-id',
  'reply-to',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
]

/** Signed as they are: lists and whoever sends on may add theirs. */
const covered = [
  'sender',
  'in-reply-to',
  'references',
  'resent-date',
  'resent-from',
  'resent-sender',
  'resent-to',
  'resent-cc',
  'resent-message-id',
  'content-id',
  'content-description',
  'auto-submitted',
  // RFC 8058 §4: who unsubscribes by one click has to know that the sender wrote these.
  'list-unsubscribe',
  'list-unsubscribe-post',
  'list-id',
  'list-help',
  'list-subscribe',
  'list-post',
  'list-owner',
  'list-archive',
  'feedback-id',
  // RFC 8460 §5.3
  'tls-report-domain',
  'tls-report-submitter',
]

export interface SignedFields {
  /** For h=: each as often as it is signed. */
  readonly names: readonly string[]
  /** What is hashed of them, each with its CRLF. */
  readonly relaxed: string
}

/**
 * `more`: further names, in small letters, each signed as it is. undefined: there are more fields than anybody looks at. Each
 * octet of the section is one character.
 */
export function selectSignedFields(
  section: Uint8Array,
  more: readonly string[] = [],
): SignedFields | undefined {
  const fields = parseHeaderFields(section)
  if (fields.length >= maxHeaderFields) return undefined
  const byName = Map.groupBy(fields, ({ name }) => name.toLowerCase())
  const names: string[] = []
  let relaxed = ''
  const sign = (name: string, spare: number): void => {
    // §5.4.2: of several the last one first.
    const found = (byName.get(name) ?? []).toReversed()
    for (const field of found) relaxed += relaxField(section, field)
    names.push(...Array<string>(found.length + spare).fill(name))
  }
  for (const name of sealed) sign(name, 1)
  for (const name of [...covered, ...more]) sign(name, 0)
  return { names, relaxed }
}

function relaxField(section: Uint8Array, { name, start, end }: HeaderField): string {
  const text = Buffer.from(section.buffer, section.byteOffset + start, end - start).toString('latin1')
  return `${relaxHeader(name, text.slice(text.indexOf(':') + 1))}\r\n`
}

/** §3.4.2; the value as it stands, with its line ends. Without a CRLF behind it. */
export function relaxHeader(name: string, value: string): string {
  const unfolded = value.replaceAll('\r\n', '').replaceAll(/[ \t]+/g, ' ')
  const start = unfolded.startsWith(' ') ? 1 : 0
  const end = unfolded.length > start && unfolded.endsWith(' ') ? unfolded.length - 1 : unfolded.length
  return `${name.toLowerCase()}:${unfolded.slice(start, end)}`
}
