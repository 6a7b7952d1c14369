// Lists of tags: 'v=1; a=rsa-sha256; …' in signatures, keys and policies (RFC 6376 §3.2).

/** By name; values without the white space around them. */
export type TagList = ReadonlyMap<string, string>

const tagName = /^[A-Za-z][A-Za-z0-9_]*$/
/** Nobody writes more; a list that has more is none. */
const maxTags = 100

/** Names keep their case (§3.2). undefined: it is no such list, or has a tag twice. */
export function parseTagList(text: string): TagList | undefined {
  const tags = new Map<string, string>()
  for (let start = 0; start < text.length; ) {
    const semicolon = text.indexOf(';', start)
    const end = semicolon < 0 ? text.length : semicolon
    const piece = text.slice(start, end)
    const equals = piece.indexOf('=')
    if (equals < 0) {
      // After the last semicolon there may be nothing; between two there may not.
      if (trimBlanks(piece) !== '' || semicolon >= 0) return undefined
      break
    }
    const name = trimBlanks(piece.slice(0, equals))
    if (!tagName.test(name) || tags.has(name) || tags.size >= maxTags) return undefined
    tags.set(name, trimBlanks(piece.slice(equals + 1)))
    start = end + 1
  }
  return tags
}

/** Not `trim`, which takes more for white space than mail does. */
export function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a
}

const blank = /[ \t\r\n]/
const blanks = /[ \t\r\n]+/g

export function withoutBlanks(text: string): string {
  return blank.test(text) ? text.replaceAll(blanks, '') : text
}

/** 'a : b' → ['a', 'b'] */
export function splitAtColons(text: string): string[] {
  return withoutBlanks(text).split(':')
}

const base64 = /^[A-Za-z0-9+/]+={0,2}$/

/** With white space anywhere (§2.5); undefined: it is none, or empty. */
export function parseBase64(text: string): Buffer | undefined {
  const dense = withoutBlanks(text)
  return base64.test(dense) ? Buffer.from(dense, 'base64') : undefined
}
