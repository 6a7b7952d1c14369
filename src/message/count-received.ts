// How many servers a message has passed: its Received fields (RFC 5321 §6.3).
import { endOfLine, startsWithName } from './header-lines.ts'

const name = Buffer.from('received:')

export function countReceivedFields(section: Uint8Array): number {
  let count = 0
  for (let start = 0; start < section.length; start = endOfLine(section, start))
    if (startsWithName(section, start, name)) count++
  return count
}
