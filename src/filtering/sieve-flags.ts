// Flags as a script has them (RFC 5232 §2), and as a mailbox keeps them.
import { flags as bits, systemFlags } from '../mailbox/message-state.ts'

/** Other names with a backslash are nobody's to set. */
export function readSieveFlags(words: readonly string[]): {
  readonly flags: number
  readonly keywords: readonly string[]
} {
  let flags = 0
  const keywords: string[] = []
  for (const word of words) {
    const system = systemFlags.find(name => `\\${name}` === word.toLowerCase())
    if (system) flags |= bits[system]
    else if (!word.startsWith('\\')) keywords.push(word)
  }
  return { flags, keywords }
}
