// Modified UTF-7 (RFC 3501 §5.1.3): mailbox names in ASCII, with UTF-16 in a base64 of its own between & and -.

const printable = /^[ -~]*$/

/** Strict, so that each name has one spelling: undefined for what no encoder makes. */
export function decodeModifiedUtf7(text: string): string | undefined {
  if (!printable.test(text)) return undefined
  if (!text.includes('&')) return text
  const decoded = decodeShifts(text)
  return decoded !== undefined && encodeModifiedUtf7(decoded) === text ? decoded : undefined
}

function decodeShifts(text: string): string | undefined {
  let decoded = ''
  let position = 0
  for (;;) {
    const shift = text.indexOf('&', position)
    if (shift < 0) return decoded + text.slice(position)
    const end = text.indexOf('-', shift)
    if (end < 0) return undefined
    const shifted = end === shift + 1 ? '&' : decodeShifted(text.slice(shift + 1, end))
    if (shifted === undefined) return undefined
    decoded += text.slice(position, shift) + shifted
    position = end + 1
  }
}

function decodeShifted(text: string): string | undefined {
  if (text.includes('/')) return undefined
  const bytes = Buffer.from(text.replaceAll(',', '/'), 'base64')
  if (bytes.length % 2 !== 0) return undefined
  const decoded = bytes.swap16().toString('utf16le')
  return decoded.isWellFormed() ? decoded : undefined
}

export function encodeModifiedUtf7(text: string): string {
  return text.replaceAll(/&|[^ -~]+/g, piece =>
    piece === '&'
      ? '&-'
      : `&${Buffer.from(piece, 'utf16le').swap16().toString('base64').replaceAll('/', ',').replaceAll('=', '')}-`,
  )
}
