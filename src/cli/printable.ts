// Text from elsewhere (addresses, replies, mail) before it goes to a terminal: control characters would be commands
// to the terminal (escape sequences), and the bidirectional controls make text read as what it is not.

/** Shows control characters as \\xHH or \\u{…}; keeps line ends and tabs. */
export function printable(text: string): string {
  let safe = ''
  for (const character of text) safe += isSafe(character) ? character : escapeCharacter(character)
  return safe
}

/** As `printable`, for text that has to stay on one line. */
export function printableLine(text: string): string {
  return printable(text).replaceAll('\n', '\\n').replaceAll('\t', ' ')
}

function isSafe(character: string): boolean {
  const code = character.codePointAt(0) ?? 0
  if (character === '\n' || character === '\t') return true
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false
  // U+2028 and U+2029 end lines; U+202A … U+202E and U+2066 … U+2069 turn the direction of what follows.
  return !(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2066 && code <= 0x2069)
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
}
