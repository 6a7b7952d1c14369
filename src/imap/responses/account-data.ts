// CAPABILITY, ENABLED, ID (RFC 9051 §7.2; RFC 2971 §3.2), QUOTA (RFC 9208 §4.2), ACL (RFC 4314 §3), METADATA (RFC 5464 §4.4),
// URLs (RFC 4467 §7): what belongs to no message.
import { isUtf8 } from 'node:buffer'
import type { Part } from '../../message/structure/structure.ts'
import { formatBodyStructure } from './body-structure.ts'
import { type Octets, type Piece, PieceWriter } from './octets.ts'
import { formatAstring, formatMailboxName, formatString } from './strings.ts'
import type { ResponseTerms } from './terms.ts'

const ascii: ResponseTerms = { utf8: false }

export function formatCapabilities(names: readonly string[]): string {
  return `* CAPABILITY ${names.join(' ')}\r\n`
}

export function formatEnabled(names: readonly string[]): string {
  return `* ENABLED${names.map(name => ` ${name}`).join('')}\r\n`
}

/** null: the server does not say. */
export function formatId(fields: ReadonlyMap<string, string> | null): string {
  if (!fields || fields.size === 0) return '* ID NIL\r\n'
  return `* ID (${[...fields]
    .flat()
    .map(text => formatString(text, ascii))
    .join(' ')})\r\n`
}

export interface QuotaResource {
  /** 'STORAGE' in units of 1024 octets, 'MESSAGE' … */
  readonly name: string
  readonly used: number
  readonly limit: number
}

export function formatQuota(root: string, resources: readonly QuotaResource[], terms: ResponseTerms): string {
  const texts = resources.map(({ name, used, limit }) => `${name} ${used} ${limit}`)
  return `* QUOTA ${formatAstring(root, terms)} (${texts.join(' ')})\r\n`
}

export function formatQuotaRoots(mailbox: string, roots: readonly string[], terms: ResponseTerms): string {
  const names = roots.map(root => ` ${formatAstring(root, terms)}`).join('')
  return `* QUOTAROOT ${formatMailboxName(mailbox, terms)}${names}\r\n`
}

/** Identifier → rights. */
export function formatAcl(
  mailbox: string,
  rights: ReadonlyMap<string, string>,
  terms: ResponseTerms,
): string {
  const pairs = [...rights].flat().map(text => ` ${formatAstring(text, terms)}`)
  return `* ACL ${formatMailboxName(mailbox, terms)}${pairs.join('')}\r\n`
}

/** `required`: always granted. `optional`: what may be granted, each group as a whole. */
export function formatListRights(
  mailbox: string,
  {
    identifier,
    required,
    optional,
  }: { readonly identifier: string; readonly required: string; readonly optional: readonly string[] },
  terms: ResponseTerms,
): string {
  const words = [identifier, required, ...optional].map(text => formatAstring(text, terms))
  return `* LISTRIGHTS ${formatMailboxName(mailbox, terms)} ${words.join(' ')}\r\n`
}

export function formatMyRights(mailbox: string, rights: string, terms: ResponseTerms): string {
  return `* MYRIGHTS ${formatMailboxName(mailbox, terms)} ${formatAstring(rights, terms)}\r\n`
}

/** Entries with their values; '' is the server itself. */
export function formatMetadata(
  mailbox: string,
  entries: ReadonlyMap<string, Buffer | null>,
  terms: ResponseTerms,
): readonly Piece[] {
  const writer = new PieceWriter().add(`* METADATA ${formatMailboxName(mailbox, terms)} (`)
  let separator = ''
  for (const [name, value] of entries) {
    writer.add(`${separator}${formatAstring(name, terms)} `)
    writeValue(writer, value, terms)
    separator = ' '
  }
  return writer.add(')\r\n').pieces
}

function writeValue(writer: PieceWriter, value: Buffer | null, terms: ResponseTerms): void {
  const hasNul = value?.includes(0) ?? false
  if (!value) writer.add('NIL')
  else if (!hasNul && isUtf8(value)) writer.add(formatString(value.toString('utf8'), terms))
  else writer.addLiteral({ size: value.length, content: value }, hasNul ? 'literal8' : 'literal')
}

/** RFC 5464 §4.4.2: which entries have changed, without a question. */
export function formatMetadataChange(
  mailbox: string,
  names: readonly string[],
  terms: ResponseTerms,
): string {
  const words = names.map(name => formatAstring(name, terms)).join(' ')
  return `* METADATA ${formatMailboxName(mailbox, terms)} ${words}\r\n`
}

export function formatGeneratedUrls(urls: readonly string[]): string {
  return `* GENURLAUTH ${urls.map(url => formatAstring(url, ascii)).join(' ')}\r\n`
}

/** undefined: it cannot be fetched. */
export function formatFetchedUrl(url: string, octets: Octets | undefined): readonly Piece[] {
  const writer = new PieceWriter().add(`* URLFETCH ${formatAstring(url, ascii)} `)
  if (octets) writer.addLiteral(octets)
  else writer.add('NIL')
  return writer.add('\r\n').pieces
}

/** What was asked for of a URL, beyond the form of RFC 4467 (RFC 5524 §3). */
export interface UrlData {
  readonly structure?: Part | undefined
  /** null: its transfer encoding is unknown here. */
  readonly content?: { readonly form: 'BODY' | 'BINARY'; readonly octets: Octets | null } | undefined
}

export function formatUrlData(
  url: string,
  { structure, content }: UrlData,
  terms: ResponseTerms,
): readonly Piece[] {
  const writer = new PieceWriter().add(`* URLFETCH ${formatAstring(url, ascii)}`)
  if (structure) writer.add(` (BODYPARTSTRUCTURE ${formatBodyStructure(structure, 'BODYSTRUCTURE', terms)})`)
  if (content) {
    const { form, octets } = content
    writer.add(` (${form} `)
    if (octets) writer.addLiteral(octets, form === 'BINARY' ? 'literal8' : 'literal')
    else writer.add('NIL')
    writer.add(')')
  }
  return writer.add('\r\n').pieces
}
