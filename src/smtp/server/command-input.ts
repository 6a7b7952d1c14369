// Finds command lines in the bytes of a peer, within the limits of their length.
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'
import { maxAuthLineBytes } from './commands/auth.ts'
import type { SessionPhase } from './session-state.ts'

/** A line with the position behind it, LF included. */
export type FoundLine =
  | 'incomplete'
  /** Without its CRLF. */
  | { readonly kind: 'line'; readonly line: Buffer; readonly end: number }
  /** Ended by LF alone: a line for some servers and not for others. */
  | { readonly kind: 'bare-line-feed'; readonly end: number }
  /** Longer than the limit; its end may not have come. */
  | { readonly kind: 'too-long'; readonly reply: Reply }

const lf = 0x0a
const cr = 0x0d

export function findLine(bytes: Buffer, phase: SessionPhase, maxCommandLineBytes: number): FoundLine {
  const found = bytes.indexOf(lf)
  const tooLong = judgeLength(bytes, found < 0 ? bytes.length : found + 1, phase, maxCommandLineBytes)
  if (tooLong) return { kind: 'too-long', reply: tooLong }
  if (found < 0) return 'incomplete'
  const end = found + 1
  return bytes[found - 1] === cr
    ? { kind: 'line', line: bytes.subarray(0, found - 1), end }
    : { kind: 'bare-line-feed', end }
}

/** The position behind the next LF; -1 when there is none. */
export function findLineEnd(bytes: Buffer): number {
  return bytes.indexOf(lf) + 1 || -1
}

function judgeLength(
  line: Buffer,
  length: number,
  phase: SessionPhase,
  maxCommandLineBytes: number,
): Reply | undefined {
  if (length <= maxCommandLineBytes) return undefined
  if (phase !== 'authenticating' && !isAuth(line)) return replies.lineTooLong(maxCommandLineBytes)
  return length > maxAuthLineBytes ? replies.authLineTooLong(maxAuthLineBytes) : undefined
}

function isAuth(line: Buffer): boolean {
  return line.toString('latin1', 0, 5).toUpperCase() === 'AUTH '
}
