// The end of a line that announces a literal (RFC 9051 §4.3, RFC 7888, RFC 3516 §4.4): {5}, {5+}, ~{5}, ~{5+}.
import { digits } from './characters.ts'

export interface LiteralMark {
  /** Octets that follow the CRLF. Infinity: more than can be counted here. */
  readonly size: number
  /** The client waits for '+' before it sends them. */
  readonly waits: boolean
  /** ~: there may be NUL in it (literal8). */
  readonly binary: boolean
  /** Where the mark begins in the line. */
  readonly at: number
}

const plus = 0x2b
const leftBrace = 0x7b
const rightBrace = 0x7d
const tilde = 0x7e
/** Of a number64. */
const maxDigits = 19

/** `line` is without its CRLF. */
export function findLiteralMark(line: Buffer): LiteralMark | undefined {
  let end = line.length - 1
  if (line[end] !== rightBrace) return undefined
  end--
  const waits = line[end] !== plus
  if (!waits) end--
  let start = end
  while (start >= 0 && digits[line[start] ?? 0] === 1) start--
  const length = end - start
  if (line[start] !== leftBrace || length === 0) return undefined
  const binary = line[start - 1] === tilde
  const size =
    length > maxDigits ? Number.POSITIVE_INFINITY : Number(line.toString('latin1', start + 1, end + 1))
  return {
    size: Number.isSafeInteger(size) ? size : Number.POSITIVE_INFINITY,
    waits,
    binary,
    at: binary ? start - 1 : start,
  }
}
