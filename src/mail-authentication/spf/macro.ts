// Macros in SPF records and explanations (RFC 7208 §7).

export type MacroPart =
  | { readonly kind: 'literal'; readonly text: string }
  | {
      readonly kind: 'macro'
      readonly letter: MacroLetter
      /** The value is escaped for a URL. */
      readonly isEscaped: boolean
      /** So many parts from the right; undefined: all. */
      readonly parts: number | undefined
      readonly isReversed: boolean
      readonly delimiters: string
    }

export type MacroLetter = 's' | 'l' | 'o' | 'd' | 'i' | 'p' | 'h' | 'c' | 'r' | 't' | 'v'
export type MacroString = readonly MacroPart[]
/** Of a letter, when it is asked for. */
export type MacroValues = (letter: MacroLetter) => string

const macro = /^\{([slodiphcrtv])([0-9]*)(r?)([.\-+,/_=]*)\}/i
const maxDigits = 3

/** `explanation`: blanks may stand in it, and the letters c, r and t (§7.2). undefined: it is none. */
export function parseMacroString(
  text: string,
  { explanation = false }: { readonly explanation?: boolean } = {},
): MacroString | undefined {
  const parts: MacroPart[] = []
  let literal = ''
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (text[index] !== '%') {
      if (code < (explanation ? 0x20 : 0x21) || code > 0x7e) return undefined
      literal += text[index]
      continue
    }
    index++
    const escaped = escapes[text[index] ?? '']
    if (escaped !== undefined) {
      literal += escaped
      continue
    }
    const found = macro.exec(text.slice(index, index + maxMacroLength))
    if (!found) return undefined
    const [whole, letter = '', digits = '', reversed = '', delimiters = ''] = found
    if (!explanation && 'crt'.includes(letter.toLowerCase())) return undefined
    // §7.1: the number of parts must not be zero.
    if (digits !== '' && (Number(digits) === 0 || digits.length > maxDigits)) return undefined
    if (literal !== '') parts.push({ kind: 'literal', text: literal })
    literal = ''
    parts.push({
      kind: 'macro',
      letter: letter.toLowerCase() as MacroLetter,
      isEscaped: letter !== letter.toLowerCase(),
      parts: digits === '' ? undefined : Number(digits),
      isReversed: reversed !== '',
      delimiters: delimiters === '' ? '.' : delimiters,
    })
    index += whole.length - 1
  }
  if (literal !== '') parts.push({ kind: 'literal', text: literal })
  return parts
}

const escapes: Readonly<Record<string, string>> = { '%': '%', _: ' ', '-': '%20' }
/** Of one macro; longer ones mean nothing that a shorter one does not. */
const maxMacroLength = 64

export function usesMacro(text: MacroString, letter: MacroLetter): boolean {
  return text.some(part => part.kind === 'macro' && part.letter === letter)
}

export function expandMacros(text: MacroString, valueOf: MacroValues): string {
  let expanded = ''
  for (const part of text) {
    if (part.kind === 'literal') expanded += part.text
    else {
      const value = transform(valueOf(part.letter), part)
      expanded += part.isEscaped ? encodeForUrl(value) : value
    }
    if (expanded.length > maxExpanded) return expanded.slice(0, maxExpanded)
  }
  return expanded
}

/** More than a name or a line of a reply can hold. */
const maxExpanded = 4096

function transform(value: string, part: Extract<MacroPart, { kind: 'macro' }>): string {
  const { parts, isReversed, delimiters } = part
  if (parts === undefined && !isReversed && delimiters === '.') return value
  let pieces = splitAt(value, delimiters)
  if (isReversed) pieces = pieces.toReversed()
  // §7.3: from the right.
  if (parts !== undefined) pieces = pieces.slice(-parts)
  return pieces.join('.')
}

function splitAt(value: string, delimiters: string): string[] {
  const pieces: string[] = []
  let piece = ''
  for (const character of value) {
    if (delimiters.includes(character)) {
      pieces.push(piece)
      piece = ''
    } else piece += character
  }
  return [...pieces, piece]
}

// RFC 3986 §2.3: all but the unreserved characters.
function encodeForUrl(value: string): string {
  return encodeURIComponent(value.toWellFormed()).replaceAll(
    /[!'()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
