// A script as words, strings, numbers and signs (RFC 5228 §8.1).
import type { Problems } from '../problem.ts'

interface Place {
  /** Where it begins, and where what follows begins: offsets in the text. */
  readonly start: number
  readonly end: number
}

export type Sign = '{' | '}' | '(' | ')' | '[' | ']' | ',' | ';'

export type Token = Place &
  (
    | { readonly kind: 'identifier'; readonly name: string }
    /** `name` without its colon, in small letters. */
    | { readonly kind: 'tag'; readonly name: string }
    | { readonly kind: 'number'; readonly value: number }
    /** What the quotes or dots stand for; nothing is expanded yet. */
    | { readonly kind: 'string'; readonly value: string }
    | { readonly kind: 'sign'; readonly sign: Sign }
    | { readonly kind: 'end' }
  )

/** RFC 5228 §2.4.1: at least 31 bits. */
const maxNumber = Number.MAX_SAFE_INTEGER
const quantifiers: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

const blank = /[ \t\r\n]+/y
const comment = /#[^\n]*/y
const word = /[A-Za-z_][A-Za-z0-9_]*/y
const digits = /[0-9]+/y
/** Told once, up to what may be read again. */
const unreadableRun = /[^\s\w"#/:;,(){}[\]]+/y
const multilineStart = /[ \t]*(?:#[^\n]*)?\r?\n/y

/** What cannot be read is told, and passed over. The last token is 'end'. */
export function readTokens(text: string, maxTokens: number, problems: Problems): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (!problems.isFull) {
    at = skipBlanks(text, at, problems)
    if (at >= text.length) break
    if (tokens.length >= maxTokens) {
      problems.add(
        at,
        `The script is too long: it has more than ${maxTokens} words and signs. Shorten it from here.`,
      )
      break
    }
    const token = readToken(text, at, problems)
    if (typeof token === 'number') at = token
    else {
      tokens.push(token)
      at = token.end
    }
  }
  tokens.push({ kind: 'end', start: text.length, end: text.length })
  return tokens
}

function skipBlanks(text: string, start: number, problems: Problems): number {
  let at = start
  while (at < text.length) {
    const end = endOf(blank, text, at) ?? endOf(comment, text, at)
    if (end !== undefined) at = end
    else if (text.startsWith('/*', at)) {
      const close = text.indexOf('*/', at + 2)
      if (close < 0) problems.add(at, 'This comment has no end: write */ behind it.')
      at = close < 0 ? text.length : close + 2
    } else break
  }
  return at
}

function endOf(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : undefined
}

/** Or where to go on. */
function readToken(text: string, start: number, problems: Problems): Token | number {
  const character = text[start] ?? ''
  if (isSign(character)) return { kind: 'sign', sign: character, start, end: start + 1 }
  if (character === '"') return readQuoted(text, start, problems)
  if (character === ':') return readTag(text, start, problems)
  const afterDigits = endOf(digits, text, start)
  if (afterDigits !== undefined) return readNumber(text, start, afterDigits, problems)
  const end = endOf(word, text, start)
  if (end === undefined) {
    problems.add(start, unreadable(character))
    return endOf(unreadableRun, text, start) ?? start + 1
  }
  if (text[end] === ':' && text.slice(start, end).toLowerCase() === 'text') {
    const content = endOf(multilineStart, text, end + 1)
    if (content !== undefined) return readMultiline(text, start, content, problems)
    problems.add(
      end + 1,
      'Behind text: a new line has to begin; the text ends with a line that has only a dot.',
    )
    return end + 1
  }
  return { kind: 'identifier', name: text.slice(start, end), start, end }
}

function isSign(character: string): character is Sign {
  return '{}()[],;'.includes(character)
}

function unreadable(character: string): string {
  if (/[“”„«»]/.test(character)) return `${character} is no quotation mark of Sieve: use "straight" ones.`
  if (character === "'") return `Strings stand in double quotes: "like this", not 'like this'.`
  if (character === '\\') return 'A backslash has a meaning only inside of a string.'
  if (character === '/') return 'A comment begins with # or with /*.'
  return `This sign (${JSON.stringify(character)}) has no meaning here. If it belongs to a text, put the text in "quotes".`
}

function readTag(text: string, start: number, problems: Problems): Token | number {
  const end = endOf(word, text, start + 1)
  if (end === undefined) {
    problems.add(start, 'A colon has to be followed by a name, without a blank: :contains, :days.')
    return start + 1
  }
  return { kind: 'tag', name: text.slice(start + 1, end).toLowerCase(), start, end }
}

function readNumber(text: string, start: number, afterDigits: number, problems: Problems): Token {
  const factor = quantifiers[text[afterDigits]?.toLowerCase() ?? '']
  let end = factor === undefined ? afterDigits : afterDigits + 1
  const more = endOf(word, text, end)
  if (more !== undefined) {
    problems.add(
      start,
      `${text.slice(start, more)} is no number: a number has digits, and K, M or G behind them at most (100K).`,
    )
    end = more
  }
  const value = Number(text.slice(start, afterDigits)) * (factor ?? 1)
  if (value > maxNumber) problems.add(start, `This number is too large: ${maxNumber} is the largest.`)
  return { kind: 'number', value: Math.min(value, maxNumber), start, end }
}

/** RFC 5228 §2.4.2: a backslash stands before " and \; before anything else it says nothing. */
function readQuoted(text: string, start: number, problems: Problems): Token {
  const pieces: string[] = []
  let from = start + 1
  for (let at = from; at < text.length; at++) {
    const character = text[at]
    if (character === '\\') {
      pieces.push(text.slice(from, at))
      from = at + 1
      at++
    } else if (character === '"') {
      pieces.push(text.slice(from, at))
      const value = pieces.join('')
      if (value.includes('\0')) problems.add(start, 'A string must not have a NUL character.')
      return { kind: 'string', value: withCrlf(value), start, end: at + 1 }
    }
  }
  problems.add(start, 'This string has no end: write " behind it.')
  return { kind: 'string', value: '', start, end: text.length }
}

/** RFC 5228 §8.1 multi-line: it ends at a line with only a dot; a line that begins with a dot has one more, and may lack it (§2.4.2). */
function readMultiline(text: string, start: number, content: number, problems: Problems): Token {
  const lines: string[] = []
  for (let at = content; at < text.length; ) {
    const newline = text.indexOf('\n', at)
    const next = newline < 0 ? text.length : newline + 1
    const line = text.slice(at, next).replace(/\r?\n$/, '')
    if (line === '.') {
      // The dot may be the last character of a script; its own line end belongs to the string.
      const value = lines.map(each => `${each}\r\n`).join('')
      if (value.includes('\0')) problems.add(start, 'A string must not have a NUL character.')
      return { kind: 'string', value, start, end: next }
    }
    lines.push(line.startsWith('..') ? line.slice(1) : line)
    at = next
  }
  problems.add(start, 'This text has no end: write a line with only a dot (.) behind it.')
  return { kind: 'string', value: '', start, end: text.length }
}

/** Lines of a script may end with LF alone; of a string they end with CRLF, as those of a message do. */
function withCrlf(value: string): string {
  return value.includes('\n') ? value.replaceAll(/\r?\n/g, '\r\n') : value
}
