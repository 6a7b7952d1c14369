// Encoded words: how text beyond ASCII stands in header fields (RFC 2047).

const encodedWord = /=\?([!-~]{1,40}?)\?([BbQq])\?([!->@-~]{0,500}?)\?=/g

/** The text that a person reads. What cannot be decoded stays as it is. */
export function decodeEncodedWords(text: string): string {
  // §6.2: blanks between two encoded words are not part of the text.
  const joined = text.replaceAll(/(\?=)[ \t]+(?==\?)/g, '$1')
  return joined.replaceAll(encodedWord, (word, charset: string, encoding: string, encoded: string) => {
    try {
      const bytes = encoding.toUpperCase() === 'B' ? Buffer.from(encoded, 'base64') : decodeQ(encoded)
      // RFC 2231 §5: a language may follow the charset.
      return new TextDecoder(charset.split('*')[0]).decode(bytes)
    } catch {
      // A charset that nobody knows: the word itself tells more than nothing.
      return word
    }
  })
}

function decodeQ(encoded: string): Buffer {
  const text = encoded
    .replaceAll('_', ' ')
    .replaceAll(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(text, 'latin1')
}

// RFC 2047 §2: a line with an encoded word has at most 76 characters; the first one begins with 'Subject: '.
const maxWordBytes = 45
const maxFirstWordBytes = 39

/** ASCII as it stands; anything else as encoded words, folded. */
export function encodeWords(text: string): string {
  if (/^[ -~]*$/.test(text) && !text.includes('=?')) return text
  const words: string[] = []
  let word = ''
  for (const character of text) {
    const maxBytes = words.length === 0 ? maxFirstWordBytes : maxWordBytes
    if (Buffer.byteLength(word + character) > maxBytes) {
      words.push(word)
      word = ''
    }
    word += character
  }
  words.push(word)
  return words.map(each => `=?UTF-8?B?${Buffer.from(each).toString('base64')}?=`).join('\r\n ')
}
