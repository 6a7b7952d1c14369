// A message with other fields, or another body: as filters want it that are trusted to change mail.
import { cutHeaderSection, HeaderSplitter } from './header-section.ts'

/** In their order: each counts from what those before have left. */
export type FieldEdit =
  /** Behind the last field. */
  | { readonly kind: 'add'; readonly name: string; readonly value: string }
  /** Before the field that is the `index`th of all, from 0; behind the last where there are fewer. */
  | { readonly kind: 'insert'; readonly index: number; readonly name: string; readonly value: string }
  /** The `index`th of this name, from 1. Without a value it goes; where there is none, a value comes as one behind the last. */
  | {
      readonly kind: 'change'
      readonly index: number
      readonly name: string
      readonly value: string | undefined
    }

export interface MessageEdits {
  readonly fields: readonly FieldEdit[]
  /** In the place of all behind the empty line. */
  readonly body?: Uint8Array | undefined
}

interface Field {
  /** In small letters; undefined: a line that is no field, which stays where it is. */
  readonly name: string | undefined
  readonly bytes: Uint8Array
}

const crlf = Buffer.from('\r\n')

/** Rejects with a RangeError when the header section is longer. */
export async function* editMessage(
  message: AsyncIterable<Uint8Array>,
  { fields, body }: MessageEdits,
  maxHeaderBytes: number,
): AsyncIterable<Uint8Array> {
  const splitter = new HeaderSplitter(maxHeaderBytes)
  let isInBody = false
  for await (const piece of message) {
    if (isInBody) {
      if (body === undefined) yield piece
      continue
    }
    const split = splitter.take(piece)
    if (split === 'incomplete') continue
    if (split === 'too-long')
      throw new RangeError(`the header section is longer than ${maxHeaderBytes} bytes`)
    isInBody = true
    yield* begin(split.section, split.lacksEmptyLine ? split.rest : split.rest.subarray(2))
  }
  if (!isInBody) {
    const { section, rest, lacksEmptyLine } = splitter.finish()
    yield* begin(section, lacksEmptyLine ? rest : rest.subarray(2))
  }

  function* begin(section: Uint8Array, rest: Uint8Array): Iterable<Uint8Array> {
    yield editFields(section, fields)
    yield crlf
    const first = body ?? rest
    if (first.length > 0) yield first
  }
}

function editFields(section: Uint8Array, edits: readonly FieldEdit[]): Uint8Array {
  const fields = cutHeaderSection(section).map(
    ({ field, bytes }): Field => ({ name: field?.name.toLowerCase(), bytes }),
  )
  for (const edit of edits) {
    const field = edit.value === undefined ? undefined : compose(edit.name, edit.value)
    // A name that is none would end the header section.
    if (edit.value !== undefined && !field) continue
    const at = placeOf(fields, edit)
    const isThere = edit.kind === 'change' && at < fields.length
    fields.splice(at, isThere ? 1 : 0, ...(field ? [field] : []))
  }
  return Buffer.concat(fields.map(({ bytes }) => bytes))
}

/** Where it goes, or the one whose place it takes; behind the last: where there is none. */
function placeOf(fields: readonly Field[], edit: FieldEdit): number {
  switch (edit.kind) {
    case 'add':
      return fields.length
    case 'insert':
      return Math.min(edit.index, fields.length)
    case 'change': {
      const places = fields.flatMap(({ name }, place) => (name === edit.name.toLowerCase() ? [place] : []))
      return places[Math.max(edit.index, 1) - 1] ?? fields.length
    }
    default:
      return edit satisfies never
  }
}

const fieldName = /^[!-9;-~]{1,200}$/

/** undefined: the name is none. Whatever lines the value has stay lines of this one field (RFC 5322 §2.2.3). */
function compose(name: string, value: string): Field | undefined {
  if (!fieldName.test(name)) return undefined
  const lines = value
    .replaceAll('\0', '')
    .split(/\r?\n|\r/)
    .filter((line, index) => index === 0 || line.trim() !== '')
    .map((line, index) => (/^[ \t]/.test(line) ? line : `${index === 0 ? ' ' : '\t'}${line}`))
  return { name: name.toLowerCase(), bytes: Buffer.from(`${name}:${lines.join('\r\n')}\r\n`) }
}
