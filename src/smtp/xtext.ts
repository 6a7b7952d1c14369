// xtext: how parameters of MAIL and RCPT carry any character (RFC 3461 §4).

/** undefined when a + is not followed by two upper-case hexadecimal digits, or a character needs encoding. */
export function decodeXtext(text: string): string | undefined {
  let decoded = ''
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? ''
    if (character === '+') {
      const code = text.slice(index + 1, index + 3)
      if (!/^[0-9A-F]{2}$/.test(code)) return undefined
      decoded += String.fromCharCode(Number.parseInt(code, 16))
      index += 2
    } else if (character <= ' ' || character === '=' || character === '\x7f') return undefined
    else decoded += character
  }
  return decoded
}

export function encodeXtext(text: string): string {
  return text.replaceAll(/[^!-*,-<>-~]/g, character => {
    const bytes = Buffer.from(character)
    return [...bytes].map(byte => `+${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
  })
}
