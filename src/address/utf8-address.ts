// An internationalised address in ASCII alone: utf-8-addr-xtext (RFC 6533 §3), for ORCPT= and for the fields of a report.

/** \x{43F} for each character that is not printable ASCII or that means something to xtext. */
export function encodeUtf8Address(text: string): string {
  return text.replaceAll(/[^!-*,-<>-[\]-~]/gu, character => {
    const hex = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, '0')
    return `\\x{${hex}}`
  })
}

/** undefined when an escape stands for no character. What is no escape stays as it is. */
export function decodeUtf8Address(text: string): string | undefined {
  const decoded = text.replaceAll(/\\x\{([0-9A-Fa-f]{2,6})\}/g, (_, hex: string) => {
    const code = Number.parseInt(hex, 16)
    return code <= maxCodePoint ? String.fromCodePoint(code) : loneSurrogate
  })
  return decoded.isWellFormed() ? decoded : undefined
}

const maxCodePoint = 0x10ffff
const loneSurrogate = '\ud800'
