// Who a message says has written it: the addresses in its From field (RFC 5322 §3.6.2, §3.4), read as generously as mail
// programs read them. For lists of senders, which are about what a reader sees.
import type { Address } from '../address/address.ts'
import { parseAddress } from '../address/parse-address.ts'
import { endOfLine, startsWithName } from './header-lines.ts'

const fromName = Buffer.from('from:')
const maxFieldBytes = 4000
/** Nobody shows more. */
const maxAuthors = 5

/** Of all From fields, where there are several; what is no address is passed over. */
export function findAuthors(section: Uint8Array): readonly Address[] {
  const authors: Address[] = []
  for (let start = 0; start < section.length && authors.length < maxAuthors; ) {
    const isFrom = startsWithName(section, start, fromName)
    let end = endOfLine(section, start)
    while (isBlank(section[end])) end = endOfLine(section, end)
    if (isFrom)
      authors.push(...addressesIn(readText(section, start + fromName.length, end)).slice(0, maxAuthors))
    start = end
  }
  return authors.slice(0, maxAuthors)
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09
}

function readText(section: Uint8Array, start: number, end: number): string {
  return Buffer.from(section.subarray(start, Math.min(end, start + maxFieldBytes)))
    .toString('utf8')
    .replaceAll(/\r?\n/g, '')
}

/** What stands in angle brackets, and where a mailbox has none, the whole of it; not what stands in quotes or comments. */
function addressesIn(value: string): Address[] {
  const found: Address[] = []
  let bare = ''
  let hasAngle = false
  const end = (): void => {
    const address = hasAngle ? undefined : parseAddress(bare.trim())
    if (address) found.push(address)
    bare = ''
    hasAngle = false
  }
  let comments = 0
  for (let index = 0; index < value.length; index++) {
    const character = value[index] ?? ''
    if (character === '\\' && comments > 0) index++
    else if (character === '(') comments++
    else if (character === ')' && comments > 0) comments--
    else if (comments > 0) continue
    else if (character === '"') {
      const close = endOfQuoted(value, index)
      bare += value.slice(index, close)
      index = close - 1
    } else if (character === '<') {
      const close = value.indexOf('>', index)
      const address = parseAddress(value.slice(index + 1, close < 0 ? undefined : close).trim())
      if (address) found.push(address)
      hasAngle = true
      if (close < 0) break
      index = close
    } else if (character === ',' || character === ';') end()
    // 'Friends: anna@example.test;' is a group (RFC 5322 §3.4).
    else if (character === ':' && !bare.includes('@')) bare = ''
    else bare += character
  }
  end()
  return found
}

/** Behind the closing quote, or the end. */
function endOfQuoted(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index++) {
    if (text[index] === '\\') index++
    else if (text[index] === '"') return index + 1
  }
  return text.length
}
