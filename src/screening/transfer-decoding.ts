// Content as it was before it was encoded for its way (RFC 2045 §6), as well as it can be read.

export function decodeTransfer(content: Buffer, encoding: string): Uint8Array {
  if (encoding === 'base64') return Buffer.from(content.toString('latin1'), 'base64')
  if (encoding === 'quoted-printable') return decodeQuotedPrintable(content)
  return content
}

const equals = 0x3d
const cr = 0x0d
const lf = 0x0a

function decodeQuotedPrintable(content: Buffer): Uint8Array {
  const decoded = Buffer.alloc(content.length)
  let length = 0
  for (let index = 0; index < content.length; index++) {
    const byte = content[index] ?? 0
    if (byte !== equals) {
      decoded[length++] = byte
      continue
    }
    const [first, second] = [content[index + 1], content[index + 2]]
    // A soft line break (RFC 2045 §6.7, rule 5).
    if (first === cr && second === lf) index += 2
    else if (first === lf) index++
    else {
      const value = Number.parseInt(content.toString('latin1', index + 1, index + 3), 16)
      const isHex = /^[0-9A-Fa-f]{2}$/.test(content.toString('latin1', index + 1, index + 3))
      decoded[length++] = isHex ? value : byte
      if (isHex) index += 2
    }
  }
  return decoded.subarray(0, length)
}
