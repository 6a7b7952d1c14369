// Who a message says has written it, or sends it: the addresses in its From field, or in one like it (RFC 5322 §3.6.2, §3.4), read
// as generously as mail programs read them. For what is about what a reader sees.
import type { Address } from '../address/address.ts'
import { parseAddress } from '../address/parse-address.ts'
import { decodeEncodedWords } from './encoded-words.ts'
import { endOfLine, startsWithName } from './header-lines.ts'
import { type ShownAddresses, shownAddresses } from './written-addresses.ts'

const fromName = Buffer.from('from')
const colon = 0x3a
const maxFieldBytes = 16_384
/** Nobody shows more. */
const maxAuthors = 5
/** RFC 5321 §4.5.3.1.3, and what may stand around it. */
const maxAddressLength = 400

/** Of all From fields, where there are several; what is no address is passed over. */
export function findAuthors(section: Uint8Array): readonly Address[] {
  const authors: Address[] = []
  for (const { shown } of fieldsOf(section, fromName)) {
    if (authors.length >= maxAuthors) break
    authors.push(
      ...[...shown.addresses, ...shown.hidden].slice(0, maxAuthors).flatMap(text => parseAddress(text) ?? []),
    )
  }
  return authors.slice(0, maxAuthors)
}

/**
 * Addresses that stand in the place of an author's name, or at the end of it: "Anna <anna@example.org>" <x@elsewhere.example>. Where
 * a program shows names only, its reader takes them for the author. What a list or a calendar adds behind one says whose it is.
 */
export function findAddressesAsNames(section: Uint8Array): readonly Address[] {
  return findInNames(section, words => words.slice(-1))
}

/** Those that have text of the name behind them: "anna@example.org via Calendar" <x@calendar.example>. */
export function findAddressesWithinNames(section: Uint8Array): readonly Address[] {
  return findInNames(section, words => words.slice(0, -1))
}

function findInNames(
  section: Uint8Array,
  choose: (words: readonly string[]) => readonly string[],
): readonly Address[] {
  const found: Address[] = []
  for (const { shown } of fieldsOf(section, fromName)) {
    if (found.length >= maxAuthors) break
    for (const name of shown.names.slice(0, maxAuthors))
      found.push(...choose(wordsOf(name)).flatMap(word => readAddress(word) ?? []))
  }
  return found.slice(0, maxAuthors)
}

/** As a reader sees them. */
function wordsOf(name: string): readonly string[] {
  const unquoted = name.replaceAll(/\\(.)/g, '$1').replaceAll('"', ' ')
  // Letters of full width, and what has none, look like the address all the same.
  const shown = decodeEncodedWords(unquoted)
    .normalize('NFKC')
    .replaceAll(/\p{Cf}/gu, '')
  return shown.split(/[\s<>()[\],;:]+/).filter(word => /[^'.]/.test(word))
}

function readAddress(word: string): Address | undefined {
  if (word.length > maxAddressLength || !word.includes('@')) return undefined
  return parseAddress(word.replaceAll(/^'+|['.]+$/g, ''))
}

export interface WrittenName {
  /** As it stands there. */
  readonly text: string
  /** undefined: programs differ in how they read it. */
  readonly address: Address | undefined
}

/**
 * Whom the From and Sender fields name, each once. 'too-long': what follows could be shown to a reader all the same. 'nobody': the
 * From field is there, and names no one.
 */
export function findWriters(
  section: Uint8Array,
  field: 'from' | 'sender',
): readonly WrittenName[] | 'too-long' | 'nobody' {
  const found = new Map<string, WrittenName>()
  for (const { shown, isWhole } of fieldsOf(section, Buffer.from(field))) {
    if (!isWhole) return 'too-long'
    if (field === 'from' && shown.isEmpty && shown.hidden.length === 0) return 'nobody'
    // 'root' alone, as old programs write it, is nobody's address anywhere.
    for (const text of shown.addresses)
      if (text.includes('@')) found.set(text, { text, address: parseAddress(text) })
    for (const text of shown.hidden) found.set(text, { text, address: undefined })
  }
  return [...found.values()]
}

interface WrittenField {
  readonly shown: ShownAddresses
  readonly isWhole: boolean
}

/** `name`: in small letters. */
function* fieldsOf(section: Uint8Array, name: Uint8Array): Iterable<WrittenField> {
  for (let start = 0; start < section.length; ) {
    const value = startOfValue(section, start, name)
    let end = endOfLine(section, start)
    while (isBlank(section[end])) end = endOfLine(section, end)
    if (value !== undefined)
      yield {
        shown: shownAddresses(readText(section, value, end)),
        isWhole: end - value <= maxFieldBytes,
      }
    start = end
  }
}

/** Behind the colon of the field; undefined: the line begins another one. Blanks before it are an old way (§4.5). */
function startOfValue(section: Uint8Array, start: number, name: Uint8Array): number | undefined {
  if (!startsWithName(section, start, name)) return undefined
  let at = start + name.length
  while (isBlank(section[at])) at++
  return section[at] === colon ? at + 1 : undefined
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09
}

function readText(section: Uint8Array, value: number, end: number): string {
  return Buffer.from(section.subarray(value, Math.min(end, value + maxFieldBytes)))
    .toString('utf8')
    .replaceAll(/\r?\n/g, '')
}
