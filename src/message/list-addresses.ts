// Which mailing list a message says has sent it on: the addresses that List-Post names, and those that List-Id comes to (RFC 2369
// §3.4, RFC 2919 §2). Anybody can write these fields, so they only say what there is to prove.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { parseAddress } from '../address/parse-address.ts'
import { endOfLine, startsWithName } from './header-lines.ts'

const readers = [
  { name: Buffer.from('list-id:'), read: fromListId },
  { name: Buffer.from('list-post:'), read: fromListPost },
] as const
const maxFieldBytes = 2000
/** Each may have to be looked up. */
const maxAddresses = 4

export function findListAddresses(section: Uint8Array): readonly Address[] {
  const found = new Map<string, Address>()
  for (let start = 0; start < section.length && found.size < maxAddresses; ) {
    const reader = readers.find(({ name }) => startsWithName(section, start, name))
    let end = endOfLine(section, start)
    if (reader) {
      while (section[end] === 0x20 || section[end] === 0x09) end = endOfLine(section, end)
      const from = start + reader.name.length
      const value = Buffer.from(section.subarray(from, Math.min(end, from + maxFieldBytes)))
        .toString('utf8')
        .replaceAll(/\r?\n/g, '')
      for (const address of reader.read(value))
        if (found.size < maxAddresses) found.set(addressKey(address), address)
    }
    start = end
  }
  return [...found.values()]
}

/** 'A list <talk.lists.example>' is at talk@lists.example, as a rule; some write the address itself. */
function fromListId(value: string): Address[] {
  const open = value.lastIndexOf('<')
  const close = value.indexOf('>', open)
  const id = (open >= 0 && close > open ? value.slice(open + 1, close) : value).trim()
  // RFC 2919 §2: the label of the list ends at the first dot.
  const address = parseAddress(id.includes('@') ? id : id.replace('.', '@'))
  return address ? [address] : []
}

/** '<mailto:talk@lists.example?subject=x>', perhaps several. */
function fromListPost(value: string): Address[] {
  return value
    .split('<')
    .slice(1, 1 + maxAddresses)
    .flatMap(part => {
      const text = /^\s*mailto:([^>?]+)/i.exec(part)?.[1]
      return (text === undefined ? undefined : parseAddress(decoded(text.trim()))) ?? []
    })
}

/** RFC 6068 §2 */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A lone % is no encoding: it stands for itself.
    return text
  }
}
