// Classes of characters in commands (RFC 9051 §9), as tables that are looked up by byte.

export type CharacterClass = Uint8Array

function classOf(includes: (byte: number, character: string) => boolean): CharacterClass {
  return Uint8Array.from({ length: 256 }, (_, byte) => Number(includes(byte, String.fromCharCode(byte))))
}

const isPrintable = (byte: number): boolean => byte > 0x20 && byte < 0x7f

/** ATOM-CHAR */
export const atomCharacters = classOf(
  (byte, character) => isPrintable(byte) && !'(){%*"\\]'.includes(character),
)
/** ASTRING-CHAR */
export const astringCharacters = classOf((byte, character) => atomCharacters[byte] === 1 || character === ']')
export const tagCharacters = classOf((byte, character) => astringCharacters[byte] === 1 && character !== '+')
/** list-char: what a pattern of LIST may be without quotes. */
export const patternCharacters = classOf(
  (byte, character) => astringCharacters[byte] === 1 || '%*'.includes(character),
)
/** Of names that the protocol has itself: commands, attributes, options. */
export const keywordCharacters = classOf((_, character) => /[A-Za-z0-9.+/=_-]/.test(character))
export const digits = classOf((_, character) => /[0-9]/.test(character))
/** A number, `:`, `,` and `*`: what sequence sets are made of. */
export const setCharacters = classOf((_, character) => /[0-9:,*]/.test(character))
/** base64 (RFC 4648 §4) and `=` alone, which is an initial response that is empty (RFC 4959). */
export const base64Characters = classOf((_, character) => /[A-Za-z0-9+/=]/.test(character))
