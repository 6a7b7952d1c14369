// How many servers a message has passed: its Received fields (RFC 5321 §6.3). Asked for every message that comes in, so it
// looks at the bytes instead of parsing the fields.

const name = Buffer.from('received:')
const lf = 0x0a
const caseBit = 0x20

export function countReceivedFields(section: Uint8Array): number {
  let count = 0
  for (let lineStart = 0; lineStart < section.length; ) {
    if (startsWithName(section, lineStart)) count++
    const newline = section.indexOf(lf, lineStart)
    if (newline < 0) break
    lineStart = newline + 1
  }
  return count
}

function startsWithName(section: Uint8Array, start: number): boolean {
  for (let index = 0; index < name.length; index++) {
    // oxlint-disable-next-line no-bitwise -- letter case is one bit
    if (((section[start + index] ?? 0) | caseBit) !== name[index]) return false
  }
  return true
}
