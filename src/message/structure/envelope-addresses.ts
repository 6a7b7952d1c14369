// The addresses of a field as an envelope lists them (RFC 5322 §3.4): generous, in linear time, and with bounds.
import { endOfAngle, endOfQuoted } from '../written-addresses.ts'
import type { EnvelopeAddress } from './structure.ts'

/** More are not told. */
const maxAddresses = 10_000

/** Where the present mailbox stands: what has been read of it. */
interface Reading {
  /** Words before the angle bracket, or the whole of a bare address. */
  words: string
  angle: string | undefined
  comment: string
}

const nothing = (): Reading => ({ words: '', angle: undefined, comment: '' })

export function parseEnvelopeAddresses(value: string): EnvelopeAddress[] {
  const addresses: EnvelopeAddress[] = []
  let reading = nothing()
  let isInGroup = false
  const end = (): void => {
    const address = addressOf(reading)
    if (address && addresses.length < maxAddresses) addresses.push(address)
    reading = nothing()
  }
  for (let at = 0; at < value.length; at++) {
    const character = value[at] ?? ''
    if (character === '"') {
      const close = endOfQuoted(value, at)
      reading.words += value.slice(at, close)
      at = close - 1
    } else if (character === '(') {
      const close = endOfComment(value, at)
      reading.comment = value.slice(at + 1, close - 1)
      at = close - 1
    } else if (character === '<') {
      const close = endOfAngle(value, at)
      reading.angle = value.slice(at + 1, close)
      at = close
    } else if (character === ',') end()
    else if (character === ':' && reading.angle === undefined && !isInGroup) {
      if (addresses.length < maxAddresses) addresses.push({ group: unquoteName(reading.words) })
      isInGroup = true
      reading = nothing()
    } else if (character === ';' && isInGroup) {
      end()
      addresses.push({ group: null })
      isInGroup = false
    } else reading.words += character
  }
  end()
  if (isInGroup) addresses.push({ group: null })
  return addresses
}

function addressOf({ words, angle, comment }: Reading): EnvelopeAddress | undefined {
  const address = withoutComments(angle ?? words).trim()
  if (address === '') return angle === undefined ? undefined : { localPart: '', domain: '' }
  const name = unquoteName(angle === undefined ? comment : words)
  const routeEnd = address.startsWith('@') ? address.indexOf(':') : -1
  const bare = address.slice(routeEnd + 1)
  const separator = bare.lastIndexOf('@')
  const local = separator < 0 ? bare : bare.slice(0, separator)
  return {
    ...(name === '' ? {} : { name }),
    ...(routeEnd > 0 ? { route: address.slice(0, routeEnd) } : {}),
    localPart: local.startsWith('"') ? unquoteName(local) : local.trim(),
    domain: separator < 0 ? '' : bare.slice(separator + 1).trim(),
  }
}

/** Words and quoted strings as one text: '"Anna  B." Ivanova' is 'Anna  B. Ivanova'. */
function unquoteName(words: string): string {
  let text = ''
  for (let at = 0; at < words.length; at++) {
    const character = words[at] ?? ''
    if (character === '"') {
      const close = endOfQuoted(words, at)
      const inner = words.slice(at + 1, words[close - 1] === '"' && close - 1 > at ? close - 1 : close)
      text += inner.replaceAll(/\\(.)/g, '$1')
      at = close - 1
    } else if (character === ' ' || character === '\t') {
      if (!text.endsWith(' ')) text += ' '
    } else text += character
  }
  return text.trim()
}

function withoutComments(text: string): string {
  if (!text.includes('(')) return text
  let bare = ''
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? ''
    const end =
      character === '"' ? endOfQuoted(text, at) : character === '(' ? endOfComment(text, at) : at + 1
    if (character !== '(') bare += text.slice(at, end)
    at = end - 1
  }
  return bare
}

/** Behind the closing parenthesis, or at the end. */
function endOfComment(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '(') depth++
    else if (text[at] === ')' && --depth === 0) return at + 1
  }
  return text.length
}
