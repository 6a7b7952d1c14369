// Authentication-Results fields: composed for what we accept, read where others have written them (RFC 8601).
import { removeComments } from '../message/comments.ts'
import { trimBlanks } from './tag-list.ts'

export interface MethodResult {
  /** 'dkim' */
  readonly method: string
  /** 'pass' */
  readonly result: string
  /** In words, for people. */
  readonly reason?: string | undefined
  /** 'header.d': 'example.org' */
  readonly properties: Readonly<Record<string, string | undefined>>
}

/** With its final CRLF, a line for each method. */
export function composeAuthenticationResults(hostname: string, results: readonly MethodResult[]): string {
  const lines = results.length === 0 ? [' none'] : results.map(formatResult)
  return `Authentication-Results: ${hostname};\r\n\t${lines.map(line => line.trim()).join(';\r\n\t')}\r\n`
}

function formatResult({ method, result, reason, properties }: MethodResult): string {
  const words = [`${method}=${result}`]
  if (reason !== undefined) words.push(`reason=${quote(reason.slice(0, maxReason))}`)
  for (const [name, value] of Object.entries(properties))
    if (value !== undefined && value.length <= maxValue) words.push(`${name}=${formatValue(value)}`)
  return fold(words)
}

const maxReason = 300
/** RFC 5322 §2.1.1: a line has 998 octets at most, and a value stands on one. */
const maxValue = 320
const lineLength = 78

function fold(words: readonly string[]): string {
  let text = ''
  let line = 0
  for (const word of words) {
    if (line > 0 && line + word.length + 1 > lineLength) {
      text += '\r\n\t '
      line = 0
    } else if (text !== '') text += ' '
    text += word
    line += word.length + 1
  }
  return text
}

// RFC 2045 §5.1, and the @ that RFC 8601 §2.2 lets stand.
const token = /^[A-Za-z0-9!#$%&'*+\-.^_`{|}~@]+$/

function formatValue(value: string): string {
  return token.test(value) ? value : quote(value)
}

/** Nothing that a stranger wrote may end the string or the field; in ASCII, so that it can go to every server. */
function quote(text: string): string {
  return `"${text.replaceAll(/[^ -~]/g, '?').replaceAll(/["\\]/g, '\\$&')}"`
}

export interface ParsedResults {
  /** Who has checked: the authserv-id, in small letters. */
  readonly by: string
  readonly results: readonly ParsedResult[]
}

export interface ParsedResult {
  readonly method: string
  readonly result: string
  readonly properties: ReadonlyMap<string, string>
}

/** What others write is bounded. */
const maxResults = 100

/** Of the value of the field; lenient, since what is not understood is only passed over. undefined: nobody's name is in it. */
export function parseAuthenticationResults(value: string): ParsedResults | undefined {
  const [head = '', ...pieces] = splitAtSemicolons(removeComments(value)).slice(0, maxResults)
  const [by] = trimBlanks(head).split(/[ \t\r\n]+/)
  if (!by) return undefined
  return { by: unquote(by).toLowerCase(), results: pieces.flatMap(piece => parseResult(piece) ?? []) }
}

function parseResult(piece: string): ParsedResult | undefined {
  const words = splitWords(piece)
  const [first = ''] = words
  const found = /^([a-z0-9-]+)(?:\/[0-9]+)?=([a-z0-9]+)$/i.exec(first)
  if (!found) return undefined
  const [, method = '', result = ''] = found
  const properties = new Map<string, string>()
  for (const word of words.slice(1)) {
    const equals = word.indexOf('=')
    if (equals > 0) properties.set(word.slice(0, equals).toLowerCase(), unquote(word.slice(equals + 1)))
  }
  return { method: method.toLowerCase(), result: result.toLowerCase(), properties }
}

function splitAtSemicolons(text: string): string[] {
  return splitOutsideQuotes(text, character => character === ';')
}

function splitWords(text: string): string[] {
  // White space may stand around the equals sign and the dot (RFC 8601 §2.2).
  const dense = text.replaceAll(/[ \t\r\n]{0,10}([=.])[ \t\r\n]{0,10}/g, '$1')
  return splitOutsideQuotes(dense, character => ' \t\r\n'.includes(character)).filter(word => word !== '')
}

function splitOutsideQuotes(text: string, isEnd: (character: string) => boolean): string[] {
  const pieces: string[] = []
  let start = 0
  let isQuoted = false
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? ''
    if (character === '\\') index++
    else if (character === '"') isQuoted = !isQuoted
    else if (!isQuoted && isEnd(character)) {
      pieces.push(text.slice(start, index))
      start = index + 1
    }
  }
  return [...pieces, text.slice(start)]
}

function unquote(text: string): string {
  return text.startsWith('"') && text.endsWith('"') && text.length > 1
    ? text.slice(1, -1).replaceAll(/\\(.)/gs, '$1')
    : text
}
