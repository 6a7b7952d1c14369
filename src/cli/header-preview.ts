// The From and Subject of a message for a list: read from its first bytes, decoded as far as possible (RFC 5322 §2.2,
// RFC 2047). Strangers wrote them: nothing here takes more than linear time, and nothing is trusted.

const previewBytes = 32 * 1024

/** Enough of the mail data to find its header section, without reading a large message. */
export async function readHeaderSection(mailData: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of mailData) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= previewBytes) break
  }
  const text = Buffer.concat(chunks).subarray(0, previewBytes).toString('utf8')
  const end = text.indexOf('\r\n\r\n')
  return end < 0 ? text : text.slice(0, end)
}

/** The first field of that name, unfolded and decoded; '' when there is none. */
export function previewField(headerSection: string, name: string): string {
  const prefix = `${name.toLowerCase()}:`
  const lines = headerSection.split('\r\n')
  const first = lines.findIndex(line => line.slice(0, prefix.length).toLowerCase() === prefix)
  if (first < 0) return ''
  let value = lines[first]?.slice(prefix.length) ?? ''
  for (const line of lines.slice(first + 1)) {
    if (!line.startsWith(' ') && !line.startsWith('\t')) break
    value += line
  }
  return decodeEncodedWords(value.trim())
}

// RFC 2047 §6.2: white space between two encoded-words is not shown.
function decodeEncodedWords(text: string): string {
  let decoded = ''
  let wasEncoded = false
  for (const word of text.split(/(?<=[ \t])(?=[^ \t])|(?<=[^ \t])(?=[ \t])/)) {
    const value = decodeEncodedWord(word)
    if (value === undefined) {
      const isSpace = word.trim() === ''
      decoded += word
      wasEncoded = wasEncoded && isSpace
      continue
    }
    decoded = (wasEncoded ? decoded.trimEnd() : decoded) + value
    wasEncoded = true
  }
  return decoded
}

/** '=?utf-8?B?0J/RgNC40LLQtdGC?=' */
function decodeEncodedWord(word: string): string | undefined {
  if (!word.startsWith('=?') || !word.endsWith('?=')) return undefined
  const [charset, encoding, encoded, ...rest] = word.slice(2, -2).split('?')
  if (charset === undefined || encoded === undefined || rest.length > 0) return undefined
  const bytes = encoding?.toUpperCase() === 'B' ? Buffer.from(encoded, 'base64') : decodeQ(encoding, encoded)
  if (!bytes) return undefined
  try {
    // RFC 2231 §5: a language may follow the character set.
    return new TextDecoder(charset.split('*')[0]).decode(bytes)
  } catch (cause) {
    // A character set that nobody here knows: the word is shown as it stands.
    if (cause instanceof RangeError) return undefined
    throw cause
  }
}

function decodeQ(encoding: string | undefined, encoded: string): Buffer | undefined {
  if (encoding?.toUpperCase() !== 'Q') return undefined
  const bytes: number[] = []
  for (let index = 0; index < encoded.length; index++) {
    const code = encoded.charCodeAt(index)
    const hex = encoded.slice(index + 1, index + 3)
    if (code === 0x3d && /^[0-9a-fA-F]{2}$/.test(hex)) {
      bytes.push(Number.parseInt(hex, 16))
      index += 2
    } else bytes.push(code === 0x5f ? 0x20 : code)
  }
  return Buffer.from(bytes)
}
