// Queue ids: what 250 answers with and what an administrator asks for.
// 53 bits: 41 bits of milliseconds since 2024-01-01, 12 bits of sequence; shown as 11 characters of Crockford's
// base 32, which has no letters that are mistaken for digits when somebody reads one out.
import type { Clock } from '../runtime/clock.ts'

/** A safe integer; unique in one storage, growing with time. */
export type QueueId = number

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const epoch = Date.UTC(2024, 0, 1)
const idsPerMs = 4096
/** Makers of ids that never collide. */
export const idSpaces = 256
const idsPerSpace = idsPerMs / idSpaces
const textLength = 11
const written = /^[0-9A-Za-z]{11}$/

export function formatQueueId(id: QueueId): string {
  let text = ''
  let rest = id
  for (let i = 0; i < textLength; i++) {
    text = alphabet[rest % 32] + text
    rest = Math.floor(rest / 32)
  }
  return text
}

/** Takes lower case too, and the letters that Crockford's alphabet leaves out (O, I, L). */
export function parseQueueId(text: string): QueueId | undefined {
  // Looked at before the case changes: upper case makes two letters of one ('ß'), or one of ours ('ı').
  if (!written.test(text)) return undefined
  let id = 0
  for (const character of text.toUpperCase().replaceAll('O', '0').replaceAll(/[IL]/g, '1')) {
    const digit = alphabet.indexOf(character)
    if (digit < 0) return undefined
    id = id * 32 + digit
  }
  return Number.isSafeInteger(id) ? id : undefined
}

/** About when a message came, as its id tells: ms since 1970. */
export function timeOfQueueId(id: QueueId): number {
  return Math.floor(id / idsPerMs) + epoch
}

/** Every message that came at this time or later has this id or a greater one. */
export function firstQueueIdAt(ms: number): QueueId {
  return Math.max(0, Math.floor(ms) - epoch) * idsPerMs
}

/**
 * Makes queue ids without asking anyone. Makers with different `idSpace`, 0 … 255, never collide: each has 16 ids a
 * millisecond, and runs ahead of the clock when it needs more.
 */
export function createQueueIdMaker(clock: Clock, idSpace: number): () => QueueId {
  let lastMs = 0
  let sequence = 0
  return () => {
    const ms = clock.now() - epoch
    if (ms > lastMs) {
      lastMs = ms
      sequence = 0
    } else if (++sequence === idsPerSpace) {
      lastMs++
      sequence = 0
    }
    return lastMs * idsPerMs + idSpace * idsPerSpace + sequence
  }
}
