// Content in 7 bits and short lines, as it comes: quoted-printable and base64 (RFC 2045 §6.7, §6.8).

export interface TransferEncoder {
  take(bytes: Uint8Array): string
  finish(): string
}

const cr = 0x0d
const lf = 0x0a
const equals = 0x3d
const space = 0x20
const tab = 0x09
/** §6.7 (5): 76 characters, the = of a soft line break among them. */
const maxLine = 75

const escapes: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`,
)

/**
 * Quoted-printable of text: CRLF stays a line end, and a CR or LF that stands alone is a byte like any other. 'escaped': the
 * content is quoted-printable already, and only what cannot stand in it is made so.
 */
export function createQuotedPrintable(content: 'plain' | 'escaped' = 'plain'): TransferEncoder {
  const isEscaped = content === 'escaped'
  // An escape sequence is not to be torn apart.
  const limit = isEscaped ? maxLine - 3 : maxLine
  let line = ''
  let afterCr = false
  let sinceEquals = 3
  let out = ''
  const add = (token: string): void => {
    if (line.length + token.length > limit && sinceEquals >= 2) {
      out += `${line}=\r\n`
      line = ''
    }
    line += token
    sinceEquals++
  }
  const endLine = (): void => {
    const last = line.charCodeAt(line.length - 1)
    // §6.7 (3): a blank at the end of a line would be taken away on the way.
    if (!isEscaped && (last === space || last === tab)) {
      line = line.slice(0, -1)
      add(escapes[last] ?? '')
    }
    out += `${line}\r\n`
    line = ''
    sinceEquals = 3
  }
  const addByte = (byte: number): void => {
    if (byte === equals && isEscaped) {
      add('=')
      sinceEquals = 0
    } else if (byte === space || byte === tab || (byte > space && byte < 0x7f && byte !== equals))
      add(String.fromCharCode(byte))
    else add(escapes[byte] ?? '')
  }
  const flush = (): string => {
    const text = out
    out = ''
    return text
  }
  return {
    take(bytes) {
      for (const byte of bytes) {
        if (afterCr) {
          afterCr = false
          if (byte === lf) {
            endLine()
            continue
          }
          addByte(cr)
        }
        if (byte === cr) afterCr = true
        else addByte(byte)
      }
      return flush()
    },
    finish() {
      if (afterCr) addByte(cr)
      const last = line.charCodeAt(line.length - 1)
      if (!isEscaped && (last === space || last === tab)) {
        line = line.slice(0, -1)
        add(escapes[last] ?? '')
      }
      return flush() + line
    },
  }
}

/** Of so many bytes 76 characters are made. */
const lineBytes = 57

export function createBase64(): TransferEncoder {
  let rest = Buffer.alloc(0)
  const lines = new LineBreaker()
  return {
    take(bytes) {
      const all = Buffer.concat([rest, bytes])
      const whole = all.length - (all.length % lineBytes)
      rest = all.subarray(whole)
      return lines.take(all.toString('base64', 0, whole))
    },
    finish: () => lines.take(rest.toString('base64')),
  }
}

/** Content that is base64 already: without what does not belong there, which decoders pass over (§6.8), in lines of 76. */
export function createBase64Repair(): TransferEncoder {
  const lines = new LineBreaker()
  return {
    take: bytes =>
      lines.take(
        Buffer.from(bytes)
          .toString('latin1')
          .replaceAll(/[^A-Za-z0-9+/=]/g, ''),
      ),
    finish: () => '',
  }
}

const maxBase64Line = 76

/** Lines of 76 characters; the last one without a CRLF, since the one behind it belongs to a delimiter. */
class LineBreaker {
  #column = 0

  take(text: string): string {
    let out = ''
    for (let start = 0; start < text.length; ) {
      if (this.#column === maxBase64Line) {
        out += '\r\n'
        this.#column = 0
      }
      const part = text.slice(start, start + maxBase64Line - this.#column)
      out += part
      this.#column += part.length
      start += part.length
    }
    return out
  }
}
