// Match types and comparators, which most tests have (RFC 5228 §2.7, RFC 5231, draft-ietf-sieve-regex).
import { checkConstants, templateOf } from '../language/arguments.ts'
import type { Argument, Call, CallChecker, TagDefinition } from '../language/definitions.ts'
import type { Run } from '../run.ts'
import { ScriptError } from '../script-error.ts'
import { type Comparator, comparators, defaultComparator } from './comparators.ts'
import { containsText, costOfSearch } from './find-text.ts'
import { matchGlob, parseGlob } from './glob.ts'
import { matchPattern, type Pattern, parsePattern } from './regular-expression.ts'

export const matchTags: Readonly<Record<string, TagDefinition>> = {
  comparator: { value: 'string' },
  is: { group: 'match type' },
  contains: { group: 'match type' },
  matches: { group: 'match type' },
  regex: { group: 'match type', extension: 'regex' },
  count: { group: 'match type', value: 'string', extension: 'relational' },
  value: { group: 'match type', value: 'string', extension: 'relational' },
}

type MatchType = 'is' | 'contains' | 'matches' | 'regex' | 'count' | 'value'

const matchTypes: readonly MatchType[] = ['contains', 'matches', 'regex', 'count', 'value']

/** They look into texts, which some comparators cannot. */
const textMatchTypes: readonly MatchType[] = ['contains', 'matches', 'regex']

const relations: Readonly<Record<string, (order: number) => boolean>> = {
  gt: order => order > 0,
  ge: order => order >= 0,
  lt: order => order < 0,
  le: order => order <= 0,
  eq: order => order === 0,
  ne: order => order !== 0,
}

/** `keys`: what is sought, so that patterns are looked at while the script is read. */
export function checkMatch(call: Call, keys: Argument | undefined, checker: CallChecker): void {
  const comparator = checkComparator(call, checker)
  const matchType = matchTypeOf(call)
  checkConstants(call.tags.get(matchType), checker, name =>
    Object.hasOwn(relations, name.toLowerCase())
      ? undefined
      : `:${matchType} is followed by one of ${Object.keys(relations).join(', ')}.`,
  )
  if (textMatchTypes.includes(matchType) && comparator && !comparator.hasSubstrings)
    checker.problem(
      call,
      `:${matchType} looks into texts, which the comparator ${comparator.name} cannot. Use :is, or :value of "relational".`,
    )
  if (matchType === 'regex')
    checkConstants(keys, checker, key => {
      const pattern = parsePattern(key, ignoresCase(comparator ?? defaultComparator))
      return typeof pattern === 'string' ? pattern : undefined
    })
}

function checkComparator(call: Call, checker: CallChecker): Comparator | undefined {
  const template = templateOf(call.tags.get('comparator'))
  if (!template) return defaultComparator
  const name = template.constant
  if (name === undefined) {
    checker.problem(template, 'The name of a comparator stands as it is: no variable can be in it.')
    return undefined
  }
  const comparator = comparators.get(name)
  if (!comparator)
    checker.problem(
      template,
      `There is no comparator ${JSON.stringify(name.slice(0, 60))}: there are ${[...comparators.keys()].join(', ')}.`,
    )
  else if (!checker.isRequired(`comparator-${name}`))
    checker.problem(
      template,
      `This comparator is an extension: write require "comparator-${name}"; at the top of the script.`,
    )
  return comparator
}

function ignoresCase({ name }: Comparator): boolean {
  return name.endsWith('-casemap')
}

function matchTypeOf({ tags }: Call): MatchType {
  return matchTypes.find(each => tags.has(each)) ?? 'is'
}

export interface MatchOptions {
  /** RFC 5231 §4: where it is not the number of values. */
  readonly count?: number
  /** RFC 5173 §6: `body` sets none. */
  readonly setsVariables?: boolean
}

/** Whether any value matches any key. */
export function matchAny(
  call: Call,
  run: Run,
  values: readonly string[],
  keys: readonly string[],
  { count = values.length, setsVariables = true }: MatchOptions = {},
): boolean {
  const comparator = comparatorOf(call, run)
  const matchType = matchTypeOf(call)
  if (matchType === 'count') return matchOrder(call, run, [String(count)], keys, comparator)
  if (matchType === 'value') return matchOrder(call, run, values, keys, comparator)
  const found =
    matchType === 'matches'
      ? findGlob(run, values, keys, comparator)
      : matchType === 'regex'
        ? findPattern(call, run, values, keys, comparator)
        : findEqual(run, matchType, values, keys, comparator)
  if (!found) return false
  // RFC 5229 §3.2
  if (setsVariables && found !== true) run.frame.matches = found
  return true
}

function comparatorOf(call: Call, run: Run): Comparator {
  const argument = call.tags.get('comparator')
  const name = argument === undefined ? undefined : run.string(argument)
  return (name === undefined ? undefined : comparators.get(name)) ?? defaultComparator
}

function matchOrder(
  call: Call,
  run: Run,
  values: readonly string[],
  keys: readonly string[],
  comparator: Comparator,
): boolean {
  const name = run.string(call.tags.get('count') ?? call.tags.get('value')).toLowerCase()
  const relation = Object.hasOwn(relations, name) ? relations[name] : undefined
  if (!relation)
    throw new ScriptError(
      call,
      `${JSON.stringify(name.slice(0, 40))} is no relation: use one of ${Object.keys(relations).join(', ')}.`,
    )
  return values.some(value =>
    keys.some(key => {
      run.spend(64 + fast(value.length + key.length))
      return relation(comparator.compare(value, key))
    }),
  )
}

function findEqual(
  run: Run,
  matchType: 'is' | 'contains',
  values: readonly string[],
  keys: readonly string[],
  comparator: Comparator,
): boolean {
  const foldedKeys = fold(run, keys, comparator)
  return fold(run, values, comparator).some(value =>
    foldedKeys.some(key => {
      run.spend(32 + (matchType === 'is' ? 0 : costOfSearch(value, key)))
      return matchType === 'is' ? value === key : containsText(value, key)
    }),
  )
}

/** What the engine does in one go costs less than what is done here for each character. */
function fast(length: number): number {
  return Math.ceil(length / 4)
}

/** A state of a regular expression costs more. */
const slowness = 8

function fold(run: Run, texts: readonly string[], comparator: Comparator): string[] {
  return texts.map(text => {
    run.spend(fast(text.length))
    return comparator.fold(text)
  })
}

function findGlob(
  run: Run,
  values: readonly string[],
  keys: readonly string[],
  comparator: Comparator,
): readonly string[] | undefined {
  const globs = fold(run, keys, comparator).map(parseGlob)
  for (const value of values) {
    run.spend(value.length)
    const points = Array.from(comparator.prepare?.(value) ?? value)
    const folded = Array.from(comparator.fold(value))
    for (const glob of globs) {
      run.spend(64)
      const places = matchGlob(glob, folded, run.spend)
      if (places) return [value, ...places.map(([start, end]) => points.slice(start, end).join(''))]
    }
  }
  return undefined
}

function findPattern(
  call: Call,
  run: Run,
  values: readonly string[],
  keys: readonly string[],
  comparator: Comparator,
): readonly string[] | undefined {
  const patterns = keys.flatMap(key => readPattern(call, run, key, comparator) ?? [])
  for (const value of values) {
    for (const { pattern, cost } of patterns) {
      run.spend(64 + value.length * cost * slowness)
      const found = matchPattern(pattern, value)
      if (found) return found
    }
  }
  return undefined
}

/**
 * The engine looks at each character once for each state that the pattern has. undefined: what variables have made of it is no
 * pattern, and matches nothing: a stranger may have written what they hold, and must not end the script with it.
 */
function readPattern(
  call: Call,
  run: Run,
  key: string,
  comparator: Comparator,
): { readonly pattern: Pattern; readonly cost: number } | undefined {
  const pattern = compile(run, key, ignoresCase(comparator))
  if (typeof pattern === 'string') {
    run.tell('note', call, `:regex matches nothing here: ${pattern}`)
    return undefined
  }
  return { pattern, cost: Math.max(1, pattern.programSize()) }
}

/** Once in a run. A state costs some microseconds. */
function compile(run: Run, key: string, ignores: boolean): Pattern | string {
  const name = `${ignores ? 'i' : ''}:${key}`
  const known = run.patterns.get(name)
  if (known !== undefined) return known
  run.spend(1000 + key.length * 64)
  const pattern = parsePattern(key, ignores)
  if (typeof pattern !== 'string') run.spend(pattern.programSize() * 256)
  run.patterns.set(name, pattern)
  return pattern
}
