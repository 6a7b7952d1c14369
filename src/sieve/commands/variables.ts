// Variables: `set` and its modifiers, and the test `string` (RFC 5229 §4, §5; RFC 5435 §6; :quoteregex of draft-ietf-sieve-regex).
import { templateOf } from '../language/arguments.ts'
import type { CommandDefinition, TagDefinition, TestDefinition } from '../language/definitions.ts'
import { checkMatch, matchAny, matchTags } from '../match/match-arguments.ts'
import { checkVariableName } from './variable-names.ts'

/** §4.1: those with the largest number come first. */
const modifiers: readonly {
  readonly name: string
  readonly precedence: number
  readonly extension?: string
  readonly apply: (text: string) => string
}[] = [
  { name: 'lower', precedence: 40, apply: lowerAscii },
  { name: 'upper', precedence: 40, apply: upperAscii },
  { name: 'lowerfirst', precedence: 30, apply: text => lowerAscii(text.slice(0, 1)) + text.slice(1) },
  { name: 'upperfirst', precedence: 30, apply: text => upperAscii(text.slice(0, 1)) + text.slice(1) },
  { name: 'quotewildcard', precedence: 20, apply: text => text.replaceAll(/[*?\\]/g, '\\$&') },
  {
    name: 'quoteregex',
    precedence: 20,
    extension: 'regex',
    apply: text => text.replaceAll(/[.^$*+?()[\]{}|\\]/g, '\\$&'),
  },
  { name: 'encodeurl', precedence: 15, extension: 'enotify', apply: encodeForUrl },
  { name: 'length', precedence: 10, apply: text => String(Array.from(text).length) },
]

function lowerAscii(text: string): string {
  return text.replaceAll(/[A-Z]+/g, letters => letters.toLowerCase())
}

function upperAscii(text: string): string {
  return text.replaceAll(/[a-z]+/g, letters => letters.toUpperCase())
}

/** RFC 3986 §2.3: what needs no encoding. */
function encodeForUrl(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll(
    /[!'()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

const modifierTags = Object.fromEntries(
  modifiers.map(({ name, precedence, extension }): [string, TagDefinition] => [
    name,
    { group: `modifier ${precedence}`, ...(extension === undefined ? {} : { extension }) },
  ]),
)

const set: CommandDefinition = {
  name: 'set',
  extensions: ['variables'],
  tags: modifierTags,
  parameters: [
    { name: 'the name of a variable', kind: 'string' },
    { name: 'its value', kind: 'string' },
  ],
  check({ arguments: [name] }, checker) {
    const template = templateOf(name)
    if (!template) return
    checkVariableName(template, checker)
    checker.variables.set.add(template.constant?.toLowerCase() ?? '')
  },
  run({ tags, arguments: [name, value] }, run) {
    let text = run.string(value)
    for (const modifier of modifiers) if (tags.has(modifier.name)) text = modifier.apply(text)
    run.spend(text.length)
    run.writeVariable(run.string(name).toLowerCase(), text)
    return 'next'
  },
}

const string: TestDefinition = {
  name: 'string',
  extensions: ['variables'],
  tags: matchTags,
  parameters: [
    { name: 'texts', kind: 'string-list' },
    { name: 'what is sought', kind: 'string-list' },
  ],
  check: (call, checker) => checkMatch(call, call.arguments[1], checker),
  evaluate(call, run) {
    const values = run.strings(call.arguments[0])
    // §5: an empty one does not count.
    const count = values.filter(value => value !== '').length
    return matchAny(call, run, values, run.strings(call.arguments[1]), { count })
  },
}

export const variableCommands: readonly CommandDefinition[] = [set]
export const variableTests: readonly TestDefinition[] = [string]
