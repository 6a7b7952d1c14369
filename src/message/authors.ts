// Who a message says has written it: the addresses in its From field (RFC 5322 §3.6.2, §3.4), read as generously as mail
// programs read them. For lists of senders, which are about what a reader sees.
import type { Address } from '../address/address.ts'
import { parseAddress } from '../address/parse-address.ts'
import { endOfLine, startsWithName } from './header-lines.ts'
import { writtenAddresses } from './written-addresses.ts'

const fromName = Buffer.from('from')
const colon = 0x3a
const maxFieldBytes = 16_384
/** Nobody shows more. */
const maxAuthors = 5

/** Of all From fields, where there are several; what is no address is passed over. */
export function findAuthors(section: Uint8Array): readonly Address[] {
  const authors: Address[] = []
  for (let start = 0; start < section.length && authors.length < maxAuthors; ) {
    const value = startOfValue(section, start)
    let end = endOfLine(section, start)
    while (isBlank(section[end])) end = endOfLine(section, end)
    if (value !== undefined)
      authors.push(
        ...writtenAddresses(readText(section, value, end))
          .slice(0, maxAuthors)
          .flatMap(text => parseAddress(text) ?? []),
      )
    start = end
  }
  return authors.slice(0, maxAuthors)
}

/** Behind the colon of a From field; undefined: the line begins another one. Blanks before it are an old way (§4.5). */
function startOfValue(section: Uint8Array, start: number): number | undefined {
  if (!startsWithName(section, start, fromName)) return undefined
  let at = start + fromName.length
  while (isBlank(section[at])) at++
  return section[at] === colon ? at + 1 : undefined
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09
}

function readText(section: Uint8Array, start: number, end: number): string {
  return Buffer.from(section.subarray(start, Math.min(end, start + maxFieldBytes)))
    .toString('utf8')
    .replaceAll(/\r?\n/g, '')
}
