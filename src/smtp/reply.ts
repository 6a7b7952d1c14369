// A reply as one value: code, enhanced status code and text together (RFC 5321 §4.2, RFC 2034, RFC 3463).

export interface Reply {
  readonly code: number
  /** Absent where RFC 2034 §4 has none: greeting, HELO and EHLO, 3xx. */
  readonly enhanced?: string | undefined
  /** One entry a line, without code; printable, no CR or LF. */
  readonly lines: readonly string[]
}
