// Flags by their names in IMAP, and as the mailbox keeps them (RFC 9051 §2.3.2).
import { type Block, uidsPerBlock } from '../mailbox/blocks.ts'
import {
  type Changeable,
  flags as flagBits,
  flagsOf,
  hasKeywords,
  live,
  type SystemFlag,
  systemFlags,
} from '../mailbox/message-state.ts'
import type { Rights } from '../sharing/rights.ts'

const names: Readonly<Record<SystemFlag, string>> = {
  seen: '\\Seen',
  answered: '\\Answered',
  flagged: '\\Flagged',
  deleted: '\\Deleted',
  draft: '\\Draft',
}

const bitsByName = new Map(systemFlags.map(flag => [names[flag].toLowerCase(), flagBits[flag]]))

export const systemFlagNames: readonly string[] = systemFlags.map(flag => names[flag])

/** Bits and keywords; \Recent is nobody's to set (RFC 3501 §2.3.2), and passed over. */
export function readFlagNames(words: readonly string[]): {
  readonly flags: number
  readonly keywords: readonly string[]
} {
  let flags = 0
  const keywords: string[] = []
  for (const word of words) {
    const bit = bitsByName.get(word.toLowerCase())
    if (bit !== undefined) flags |= bit
    else if (!word.startsWith('\\')) keywords.push(word)
  }
  return { flags, keywords }
}

/** What somebody with these rights may change (RFC 4314 §4). */
export function changeableWith(rights: Rights): Changeable {
  const isWriter = rights.includes('w')
  return {
    flags:
      (rights.includes('s') ? flagBits.seen : 0) |
      (rights.includes('t') ? flagBits.deleted : 0) |
      (isWriter ? flagBits.answered | flagBits.flagged | flagBits.draft : 0),
    keywords: isWriter,
  }
}

/** There are 32 combinations, asked for a hundred thousand times. */
const combinations: readonly (readonly string[])[] = Array.from({ length: 32 }, (_, bits) =>
  systemFlags.filter(flag => bits & flagBits[flag]).map(flag => names[flag]),
)

export function flagNames(flags: number, keywords: readonly string[]): readonly string[] {
  const system = combinations[flags & 31] ?? []
  return keywords.length === 0 ? system : [...system, ...keywords]
}

/** The flags of all messages of a mailbox, from its blocks. */
export class FlagStates {
  readonly #blocks: ReadonlyMap<number, Uint8Array>

  constructor(blocks: readonly Block[]) {
    this.#blocks = new Map(blocks.map(({ number, states }) => [number, states]))
  }

  /** undefined: it is not there. */
  of(uid: number): { readonly flags: number; readonly hasKeywords: boolean } | undefined {
    const state = this.#blocks.get(Math.floor(uid / uidsPerBlock))?.[uid % uidsPerBlock] ?? 0
    if ((state & live) === 0) return undefined
    return { flags: flagsOf(state), hasKeywords: (state & hasKeywords) !== 0 }
  }
}
