// A TOML text as plain values that remember where they stood, so that each mistake can be shown in its line.
import type { AST } from 'toml-eslint-parser'
import { parseTomlText, type SyntaxMistake, type TextPosition } from '../runtime/toml-text.ts'

export type TomlPath = readonly PropertyKey[]

export interface TomlDocument {
  readonly value: Readonly<Record<string, unknown>>
  /** Lines that could not be read; `value` holds what the others say. */
  readonly mistakes: readonly SyntaxMistake[]
  readonly lines: readonly string[]
  /** Of a value, else of the nearest table around it; `undefined` where the text says nothing of it. */
  positionOf(path: TomlPath): TextPosition | undefined
  /** Of the key, not of its value. */
  positionOfKey(path: TomlPath): TextPosition | undefined
}

export function parseTomlDocument(text: string): TomlDocument {
  const { program, mistakes, lines } = parseTomlText(text)
  return { ...(program ? readProgram(program) : nothing), mistakes, lines }
}

const nothing = { value: {}, positionOf: () => undefined, positionOfKey: () => undefined }

interface Place {
  value: TextPosition
  key: TextPosition
}

type Readout = Pick<TomlDocument, 'value' | 'positionOf' | 'positionOfKey'>

function readProgram(program: AST.TOMLProgram): Readout {
  const places = new Map<string, Place>()
  const root = newTable()
  for (const node of program.body[0].body) {
    if (node.type === 'TOMLKeyValue') readKeyValue(places, root, [], node)
    else readTable(places, root, node)
  }
  return {
    value: root,
    positionOf(path) {
      for (let length = path.length; length > 0; length--) {
        const place = places.get(keyOf(path.slice(0, length)))
        if (place) return place.value
      }
      return undefined
    },
    positionOfKey: path => places.get(keyOf(path))?.key,
  }
}

interface Table {
  [key: string]: unknown
}

// Without a prototype, so that a key "__proto__" in the file is a key like any other.
function newTable(): Table {
  return Object.setPrototypeOf({}, null)
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What is at `key`, made where it is missing. The parser has refused every text in which something else stands there. */
function descend(table: Table, key: string): Table {
  const found = table[key]
  if (isTable(found)) return found
  const made = newTable()
  table[key] = made
  return made
}

const keyOf = (path: TomlPath): string => JSON.stringify(path.map(String))

const position = (node: AST.TOMLNode): TextPosition => ({
  line: node.loc.start.line,
  column: node.loc.start.column + 1,
})

function readTable(places: Map<string, Place>, root: Table, node: AST.TOMLTable): void {
  const path = node.resolvedKey
  let table = root
  for (const [index, key] of path.entries()) {
    const next = path[index + 1]
    // ['listeners', 1]: the second [[listeners]]; the list is reached together with its key.
    if (typeof key === 'string')
      table = typeof next === 'number' ? element(table, key, next) : descend(table, key)
    const here = keyOf(path.slice(0, index + 1))
    if (!places.has(here)) places.set(here, { value: position(node), key: position(node) })
  }
  for (const child of node.body) readKeyValue(places, table, path, child)
}

function element(table: Table, key: string, index: number): Table {
  const found = table[key]
  const list: unknown[] = Array.isArray(found) ? found : []
  table[key] = list
  const existing = list[index]
  if (isTable(existing)) return existing
  const made = newTable()
  list[index] = made
  return made
}

function readKeyValue(
  places: Map<string, Place>,
  table: Table,
  tablePath: TomlPath,
  node: AST.TOMLKeyValue,
): void {
  let parent = table
  let path = tablePath
  const { keys } = node.key
  for (const [index, key] of keys.entries()) {
    const name = key.type === 'TOMLBare' ? key.name : key.value
    path = [...path, name]
    if (index === keys.length - 1) parent[name] = readValue(places, path, node.value)
    else parent = descend(parent, name)
    const here = keyOf(path)
    if (!places.has(here)) places.set(here, { value: position(node.value), key: position(key) })
  }
}

function readValue(places: Map<string, Place>, path: TomlPath, node: AST.TOMLContentNode): unknown {
  if (node.type === 'TOMLValue') return node.value
  if (node.type === 'TOMLArray') {
    return node.elements.map((item, index) => {
      const itemPath = [...path, index]
      places.set(keyOf(itemPath), { value: position(item), key: position(item) })
      return readValue(places, itemPath, item)
    })
  }
  const table = newTable()
  for (const child of node.body) readKeyValue(places, table, path, child)
  return table
}
