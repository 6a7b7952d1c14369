// Character sets: that of a part, as something that reads it (RFC 2045 §5.1, RFC 2046 §4.1.2), and those of parameters (RFC 2231 §4).
import { findFieldValue, type HeaderField } from '../header-section.ts'
import { type FieldParameter, splitParameters } from './content-fields.ts'

export function charsetDecoderOf(fields: readonly HeaderField[]): TextDecoder {
  return decoderOf(parameterOf(fields, 'content-type', 'charset'))
}

/** A name that nobody knows is read as the one that most have, which shows its ASCII at least. */
function decoderOf(charset = 'utf-8'): TextDecoder {
  try {
    return new TextDecoder(charset)
  } catch {
    // RangeError: an unknown name.
    return new TextDecoder()
  }
}

/** Of a structured field: 'charset' of Content-Type. What stands in pieces, or encoded, comes as the text that it is. */
export function parameterOf(fields: readonly HeaderField[], field: string, name: string): string | undefined {
  const parameters = splitParameters(findFieldValue(fields, field) ?? '')
  return extendedValueOf(parameters, name) ?? parameters.find(one => one.name === name)?.value
}

/** RFC 2231 §4.1: filename*=utf-8''%D0%9F.pdf, or its pieces, filename*0*=…; filename*1=…. A plain one beside is for old programs. */
function extendedValueOf(parameters: readonly FieldParameter[], name: string): string | undefined {
  const values = new Map(parameters.map(({ name: piece, value }) => [piece, value]))
  const whole = values.get(`${name}*`)
  if (whole !== undefined) return decodeExtended([{ value: whole, isEncoded: true }])
  const pieces: Piece[] = []
  for (;;) {
    const piece = `${name}*${pieces.length}`
    const value = values.get(`${piece}*`) ?? values.get(piece)
    if (value === undefined) break
    pieces.push({ value, isEncoded: values.has(`${piece}*`) })
  }
  return pieces.length > 0 ? decodeExtended(pieces) : undefined
}

interface Piece {
  readonly value: string
  readonly isEncoded: boolean
}

/** A character may begin in one piece and end in the next. */
function decodeExtended(pieces: readonly Piece[]): string {
  const charset = pieces[0]?.isEncoded ? charsetAndLanguage.exec(pieces[0].value) : null
  const bytes = pieces.map(({ value, isEncoded }, index) => {
    const text = index === 0 && charset ? value.slice(charset[0].length) : value
    return isEncoded ? decodePercents(text) : Buffer.from(text)
  })
  return decoderOf(charset?.[1] || undefined).decode(Buffer.concat(bytes))
}

const charsetAndLanguage = /^([^']*)'[^']*'/

function decodePercents(text: string): Buffer {
  const pieces = text.split(/(%[\dA-Fa-f]{2})/)
  return Buffer.concat(
    pieces.map((piece, index) => (index % 2 === 1 ? Buffer.from(piece.slice(1), 'hex') : Buffer.from(piece))),
  )
}
