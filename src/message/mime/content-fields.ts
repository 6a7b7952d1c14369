// What the header section of an entity says of its body (RFC 2045 §5, §6; RFC 2046 §5.1).
import { findFieldValue, type HeaderField } from '../header-section.ts'

export interface ContentFields {
  /** 'text/plain', in lower case; undefined without a Content-Type field, or with one that cannot be read. */
  readonly type: string | undefined
  /** Of a multipart type, when there is a proper one. */
  readonly boundary: string | undefined
  /** In lower case; '7bit' without the field. */
  readonly encoding: string
}

const mediaType = /^\s*([!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+)/
// RFC 2046 §5.1.1, and a few characters more that programs write.
const boundaryText = /^[!-~](?:[ -~]{0,68}[!-~])?$/

export function readContentFields(fields: readonly HeaderField[]): ContentFields {
  const value = findFieldValue(fields, 'content-type') ?? ''
  const type = mediaType.exec(value)?.[1]?.toLowerCase()
  const encoding = findFieldValue(fields, 'content-transfer-encoding') ?? '7bit'
  return {
    type,
    boundary: type?.startsWith('multipart/') ? findBoundary(value) : undefined,
    encoding: /^[^\s(;]*/.exec(encoding)?.[0].toLowerCase() ?? '',
  }
}

/** The content stands as it is (RFC 2045 §6.2). */
export function isIdentity(encoding: string): boolean {
  return encoding === '7bit' || encoding === '8bit' || encoding === 'binary'
}

function findBoundary(value: string): string | undefined {
  const boundary = splitParameters(value).find(({ name }) => name === 'boundary')?.value
  return boundary !== undefined && boundaryText.test(boundary) ? boundary : undefined
}

export interface FieldParameter {
  /** In lower case. */
  readonly name: string
  /** Without its quotes. */
  readonly value: string
}

/** What stands behind the first semicolon: 'text/plain; charset="utf-8"' (RFC 2045 §5.1). Comments are passed over. */
export function splitParameters(value: string): FieldParameter[] {
  const parameters: FieldParameter[] = []
  for (const part of splitOutsideQuotes(value).slice(1)) {
    const equals = part.indexOf('=')
    if (equals < 0) continue
    const name = part.slice(0, equals).trim().toLowerCase()
    if (name !== '') parameters.push({ name, value: unquote(part.slice(equals + 1).trim()) })
  }
  return parameters
}

/** At semicolons that are in no quoted string and no comment. */
function splitOutsideQuotes(value: string): string[] {
  const parts: string[] = []
  let part = ''
  let quoted = false
  let comments = 0
  for (let index = 0; index < value.length; index++) {
    const character = value[index] ?? ''
    if (character === '\\' && (quoted || comments > 0)) {
      if (comments === 0) part += character + (value[index + 1] ?? '')
      index++
    } else if (character === '"' && comments === 0) {
      quoted = !quoted
      part += character
    } else if (quoted) part += character
    else if (character === '(') comments++
    else if (character === ')' && comments > 0) comments--
    else if (comments > 0) continue
    else if (character === ';') {
      parts.push(part)
      part = ''
    } else part += character
  }
  return [...parts, part]
}

function unquote(text: string): string {
  if (!text.startsWith('"')) return text
  const end = text.length > 1 && text.endsWith('"') ? -1 : text.length
  return text.slice(1, end).replaceAll(/\\(.)/g, '$1')
}
