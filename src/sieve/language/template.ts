// A string of a script: text, and variables in it (RFC 5229 §3), after encoded characters (RFC 5228 §2.4.2.4).

export interface VariableReference {
  /** In small letters; a namespace with its dot: 'global.seen'. */
  readonly name: string
  /** Of a match variable: ${1}. */
  readonly matchIndex: number | undefined
}

export interface Template {
  readonly pieces: readonly (string | VariableReference)[]
  /** undefined: it is known only when the script runs. */
  readonly constant: string | undefined
  /** As written, but for quotes and encoded characters: what tells responses of `vacation` apart. */
  readonly written: string
  readonly offset: number
}

/** RFC 5229 §6: nine at least. */
const maxMatchIndex = 99
export const maxVariableName = 64

const reference = /\$\{((?:[A-Za-z_][A-Za-z0-9_]*\.)*)([A-Za-z_][A-Za-z0-9_]*|[0-9]+)\}/g

/** `hasVariables`: whether the script requires them; else ${…} is text. Problems are told to `problem`. */
export function readTemplate(
  written: string,
  offset: number,
  hasVariables: boolean,
  namespaces: readonly string[],
  problem: (text: string) => void,
): Template {
  if (!hasVariables || !written.includes('${'))
    return { pieces: [written], constant: written, written, offset }
  const pieces: (string | VariableReference)[] = []
  let from = 0
  for (const match of written.matchAll(reference)) {
    const [whole, namespace = '', name = ''] = match
    const found = readReference(namespace.toLowerCase(), name.toLowerCase(), namespaces, problem)
    if (match.index > from) pieces.push(written.slice(from, match.index))
    pieces.push(found)
    from = match.index + whole.length
  }
  if (from < written.length) pieces.push(written.slice(from))
  const constant = pieces.every(piece => typeof piece === 'string') ? pieces.join('') : undefined
  return { pieces, constant, written, offset }
}

function readReference(
  namespace: string,
  name: string,
  namespaces: readonly string[],
  problem: (text: string) => void,
): VariableReference {
  if (namespace !== '' && !namespaces.includes(namespace)) {
    const needed = namespace === 'global.' ? ' require "include" for it' : ' there is none of this name'
    problem(
      `The variable \${${namespace}${name}} stands in the namespace ${namespace.slice(0, -1)}:${needed}.`,
    )
  }
  const matchIndex = /^[0-9]/.test(name) ? Number(name) : undefined
  if (matchIndex !== undefined && namespace !== '')
    problem(`\${${namespace}${name}} is no variable: behind a namespace stands a name, not a number.`)
  if (matchIndex !== undefined && matchIndex > maxMatchIndex)
    problem(`\${${name}} is too high a number: what :matches found stands in \${1} to \${${maxMatchIndex}}.`)
  if (name.length > maxVariableName)
    problem(`The name of a variable has at most ${maxVariableName} characters.`)
  return { name: namespace + name, matchIndex }
}

const encoded = /\$\{(hex|unicode):([ \t\r\n]*[0-9A-Fa-f]+(?:[ \t\r\n]+[0-9A-Fa-f]+)*[ \t\r\n]*)\}/gi
const encodedRun = /(?:\$\{hex:[ \t\r\n0-9A-Fa-f]+\})+/gi

/** RFC 5228 §2.4.2.4: what is none is left as it stands. Neighbours in hex may be one character together. */
export function decodeEncodedCharacters(text: string, problem: (text: string) => void): string {
  if (!text.includes('${')) return text
  const withoutHex = text.replaceAll(encodedRun, run => {
    const groups = [...run.matchAll(encoded)]
    // A group that is none ("${hex:  }", "${hex: 123}") leaves all of them to be looked at alone.
    const bytes = groups.map(([, , digits = '']) => hexBytes(digits))
    if (groups.map(([whole]) => whole).join('') !== run || bytes.includes(undefined))
      return run.replaceAll(encoded, (whole, _kind: string, digits: string) => {
        const own = hexBytes(digits)
        return own ? decodeUtf8(own, problem) : whole
      })
    return decodeUtf8(
      bytes.flatMap(each => each ?? []),
      problem,
    )
  })
  return withoutHex.replaceAll(encoded, (whole, kind: string, digits: string) =>
    kind.toLowerCase() === 'unicode' ? decodeUnicode(digits, problem) : whole,
  )
}

function hexBytes(digits: string): number[] | undefined {
  const pairs = digits.trim().split(/[ \t\r\n]+/)
  return pairs.every(pair => pair.length <= 2) ? pairs.map(pair => Number.parseInt(pair, 16)) : undefined
}

function decodeUtf8(bytes: readonly number[], problem: (text: string) => void): string {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(new Uint8Array(bytes))
  if (text.includes('\0')) problem('${hex:00} is no character that a string may have.')
  return text
}

function decodeUnicode(digits: string, problem: (text: string) => void): string {
  let text = ''
  for (const number of digits.trim().split(/[ \t\r\n]+/)) {
    const point = Number.parseInt(number, 16)
    if (point === 0 || point > 0x10_ffff || (point >= 0xd800 && point <= 0xdfff))
      problem(
        `\${unicode:${number.slice(0, 20)}} is no character of Unicode: they go from 1 to D7FF and from E000 to 10FFFF.`,
      )
    else text += String.fromCodePoint(point)
  }
  return text
}
