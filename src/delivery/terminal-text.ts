// A message as a terminal shows it. A stranger wrote it: no control character reaches the terminal, where it could
// move the cursor, change the title or answer for the user.

const maxCharacters = 8000

export function formatForTerminal(mailData: Uint8Array): string {
  const decoded = new TextDecoder('utf-8').decode(mailData)
  const text = decoded.length > maxCharacters ? `${decoded.slice(0, maxCharacters)}\n…` : decoded
  return withoutControls(text.replaceAll('\r\n', '\n'))
}

function withoutControls(text: string): string {
  let clean = ''
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    const isControl =
      (code < 0x20 && character !== '\n' && character !== '\t') || (code >= 0x7f && code < 0xa0)
    // U+202A … U+2069: they turn the direction of what follows.
    const isBidi = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069)
    clean += isControl || isBidi ? '\ufffd' : character
  }
  return clean
}
