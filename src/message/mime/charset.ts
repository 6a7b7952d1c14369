// The character set of a part, as something that reads it (RFC 2045 §5.1, RFC 2046 §4.1.2).
import { findFieldValue, type HeaderField } from '../header-section.ts'
import { splitParameters } from './content-fields.ts'

/** A name that nobody knows is read as the one that most have, which shows its ASCII at least. */
export function charsetDecoderOf(fields: readonly HeaderField[]): TextDecoder {
  const charset = parameterOf(fields, 'content-type', 'charset') ?? 'utf-8'
  try {
    return new TextDecoder(charset)
  } catch {
    // RangeError: an unknown name.
    return new TextDecoder()
  }
}

/** Of a structured field: 'charset' of Content-Type. */
export function parameterOf(fields: readonly HeaderField[], field: string, name: string): string | undefined {
  return splitParameters(findFieldValue(fields, field) ?? '').find(one => one.name === name)?.value
}
