// The lines of a multi-line response (RFC 1939 §3), but for those of messages.

/** None of them begins with a dot. */
export function formatLines(lines: readonly string[]): string {
  return `${lines.map(line => `${line}\r\n`).join('')}${endOfLines}`
}

export const endOfLines = '.\r\n'
