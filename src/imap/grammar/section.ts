// The parts of a message that FETCH names (RFC 9051 §6.4.5, §9 section): BODY[1.2.HEADER.FIELDS (To Cc)]<0.1024>.
import type { Cursor } from './cursor.ts'

export type SectionText =
  /** All of it. */
  | { readonly kind: 'all' }
  | { readonly kind: 'HEADER' | 'TEXT' | 'MIME' }
  | { readonly kind: 'HEADER.FIELDS' | 'HEADER.FIELDS.NOT'; readonly fields: readonly string[] }

export interface Section {
  /** '1.2'; empty is the message itself. */
  readonly part: readonly number[]
  readonly text: SectionText
}

export interface Partial {
  readonly offset: number
  /** At most so many octets. */
  readonly length: number
}

/** A message within a message within … has no more levels than that. */
const maxPartLevels = 100

export function parseSection(cursor: Cursor): Section {
  cursor.skip('[')
  const part = parsePart(cursor)
  const text: SectionText = cursor.sees(']') ? { kind: 'all' } : readText(cursor, part)
  cursor.skip(']')
  return { part, text }
}

/** [1.2], of BINARY (RFC 3516 §4.2). */
export function parseBinaryPart(cursor: Cursor): readonly number[] {
  cursor.skip('[')
  const part = parsePart(cursor)
  cursor.skip(']')
  return part
}

/** Up to what is no number; the dot before that is taken. */
function parsePart(cursor: Cursor): readonly number[] {
  const part: number[] = []
  while (cursor.seesDigit) {
    part.push(cursor.nonZeroNumber('the number of a part'))
    if (part.length > maxPartLevels) cursor.fail('too-complex', `A part has ${maxPartLevels} levels at most`)
    if (!cursor.takes('.')) break
    if (cursor.sees(']')) cursor.expect('the number of a part')
  }
  return part
}

function readText(cursor: Cursor, part: readonly number[]): SectionText {
  const kind = cursor.keyword('HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, TEXT or MIME')
  switch (kind) {
    case 'HEADER':
    case 'TEXT':
      return { kind }
    case 'MIME':
      // RFC 9051 §6.4.5: a header of MIME is a part's.
      if (part.length === 0) cursor.expect('the number of a part before MIME')
      return { kind }
    case 'HEADER.FIELDS':
    case 'HEADER.FIELDS.NOT':
      cursor.blank()
      return { kind, fields: cursor.list(() => cursor.astring('the name of a field')) }
    default:
      cursor.expect('HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, TEXT or MIME before this')
      return { kind: 'all' }
  }
}

/** <0.1024> */
export function parsePartial(cursor: Cursor): Partial | undefined {
  if (!cursor.takes('<')) return undefined
  const offset = cursor.number64('an offset')
  cursor.skip('.')
  const length = cursor.number64('a number of octets')
  if (length === 0) cursor.expect('a number of octets above 0')
  cursor.skip('>')
  return { offset, length }
}
