// The addresses in a From field or one like it, as programs read them that show whatever they can (RFC 5322 §3.4).
import { removeComments } from './comments.ts'

/**
 * What stands in angle brackets, and where a mailbox has none, what looks like an address; groups are looked into. Whatever is
 * not valid is read as generously as programs read it, so that nobody gets by with a field that is only shown right.
 */
export function writtenAddresses(value: string): string[] {
  const addresses: string[] = []
  let bare = ''
  let hasAngle = false
  const end = (): void => {
    if (!hasAngle && bare.includes('@')) addresses.push(bare.trim())
    bare = ''
    hasAngle = false
  }
  const text = removeComments(value)
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? ''
    if (character === '"') {
      const close = endOfQuoted(text, index)
      bare += text.slice(index, close)
      index = close - 1
    } else if (character === '<') {
      const close = endOfAngle(text, index)
      const inner = text.slice(index + 1, close).trim()
      if (inner !== '') addresses.push(inner)
      hasAngle = true
      index = close
    } else if (character === ',' || character === ';' || (character === ':' && !bare.includes('@'))) {
      if (character === ':') bare = ''
      else end()
    } else bare += character
  }
  end()
  return addresses
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
