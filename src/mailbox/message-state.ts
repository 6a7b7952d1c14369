// The flags of a message (RFC 9051 §2.3.2), and its octet in the block of its mailbox.

export const flags = { seen: 1, answered: 2, flagged: 4, deleted: 8, draft: 16 } as const

export type SystemFlag = keyof typeof flags

export const systemFlags = Object.keys(flags) as readonly SystemFlag[]

/** All of them. */
export const flagBits = 31

/** What of flags and keywords somebody may change. */
export interface Changeable {
  readonly flags: number
  readonly keywords: boolean
}
/** It has keywords: its row says which. */
export const hasKeywords = 32
/** A message is there. */
export const live = 128

export function stateOf(message: { readonly flags: number; readonly keywords: string }): number {
  return live | (message.flags & flagBits) | (message.keywords === '' ? 0 : hasKeywords)
}

export function flagsOf(state: number): number {
  return state & flagBits
}

/** Keywords stand in their rows in ascending order, with a space between two: '$Forwarded work'. */
export function formatKeywords(keywords: Iterable<string>): string {
  return [...new Set(keywords)].sort().join(' ')
}

export function parseKeywords(text: string): readonly string[] {
  return text === '' ? [] : text.split(' ')
}
