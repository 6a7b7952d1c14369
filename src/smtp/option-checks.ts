// What a program hands to the server or the client, held against a table of names and of what each may be.
//
// A check that finds nothing makes nothing, so the client can afford it on every connection and message.
import { UsageFault } from '../runtime/fault.ts'
import { nearestName } from '../runtime/nearest-name.ts'

interface OptionProblem {
  readonly code: string
  /** Where in the value, '.port' or '[0].role'; '' is the value itself. */
  readonly at: string
  /** The sentence that follows the name. */
  readonly says: string
}

/** `undefined`: nothing against it. */
export type OptionCheck = (value: unknown) => OptionProblem | undefined

/** One check for each member, optional ones too: a new option cannot be forgotten. */
export type ChecksOf<T> = Readonly<Record<keyof T, OptionCheck>>

/** Throws a UsageFault at the first that will not do; `name` stands before it in the message. */
export function assertSound(value: unknown, check: OptionCheck, name = ''): void {
  const problem = check(value)
  if (!problem) return
  const where = `${name}${problem.at}`.replace(/^\./, '')
  throw new UsageFault(problem.code, `${where === '' ? 'The argument' : where} ${problem.says}`)
}

/** `expected` completes "it has to be …". */
export function mustBe(
  expected: string,
  isSound: (value: unknown) => boolean,
  code = 'OPTION_VALUE',
): OptionCheck {
  return value => (isSound(value) ? undefined : unsound(shown(value), expected, code))
}

export function optional(check: OptionCheck): OptionCheck {
  return value => (value === undefined ? undefined : check(value))
}

export interface GroupTerms {
  readonly expected?: string
  readonly code?: string
  /** The code for a name that there is not. */
  readonly unknownCode?: string
}

/**
 * An object that is read and nothing else: what it has of its own beyond the table is a typing mistake. An instance of a
 * class may have more.
 */
export function record<T>(checks: ChecksOf<T>, terms: GroupTerms = {}): OptionCheck {
  const { unknownCode = 'OPTION_UNKNOWN' } = terms
  const checkMembers = part(checks, terms)
  const known = Object.keys(checks)
  return value => {
    const stranger = isPlainObject(value)
      ? Object.keys(value).find(name => !Object.hasOwn(checks, name))
      : undefined
    return stranger === undefined
      ? checkMembers(value)
      : { code: unknownCode, at: `.${stranger}`, says: describeUnknown(stranger, known) }
  }
}

/** An object of the caller's that has at least these members, its own or inherited: a clock, a log, an address. */
export function part<T>(checks: ChecksOf<T>, { expected = 'an object', code }: GroupTerms = {}): OptionCheck {
  const members = Object.entries<OptionCheck>(checks)
  return value => {
    if (!isObject(value)) return unsound(kindOf(value), expected, code)
    for (const [name, check] of members) {
      const problem = check(value[name])
      if (problem) return { ...problem, at: `.${name}${problem.at}` }
    }
    return undefined
  }
}

export function listOf(
  check: OptionCheck,
  { expected = 'an array', code }: Omit<GroupTerms, 'unknownCode'> = {},
): OptionCheck {
  return value => {
    if (!Array.isArray(value)) return unsound(shown(value), expected, code)
    for (let index = 0; index < value.length; index++) {
      const problem = check(value[index])
      if (problem) return { ...problem, at: `[${index}]${problem.at}` }
    }
    return undefined
  }
}

export const isText = (value: unknown): value is string => typeof value === 'string'
export const isCallable = (value: unknown): boolean => typeof value === 'function'

export const text = mustBe('a text', isText)
export const filledText = mustBe('a text that is not empty', value => isText(value) && value !== '')
export const trueOrFalse = mustBe('true or false', value => typeof value === 'boolean')
export const callable = mustBe('a function', isCallable)

/** Of a text that no message may show. */
export const secretText: OptionCheck = value => (isText(value) ? undefined : unsound(kindOf(value), 'a text'))

export function oneOf(words: readonly string[], code?: string): OptionCheck {
  return mustBe(`one of ${words.join(', ')}`, value => isText(value) && words.includes(value), code)
}

export function wholeNumber(
  least: number,
  most: number,
  { expected = `a whole number from ${least} to ${most}`, code }: GroupTerms = {},
): OptionCheck {
  return mustBe(
    expected,
    value => Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most,
    code,
  )
}

/** A name that stands in a greeting, in EHLO, in its answer and in trace fields: a word of its own in each. */
export const hostname = mustBe(
  'one word in ASCII, as mail.example.org; a name in other letters in its ASCII form (xn--…)',
  value => isText(value) && /^[!-~]{1,255}$/.test(value),
  'HOSTNAME_SYNTAX',
)

export const clock = part({ now: callable, after: callable, every: callable })

function unsound(got: string, expected: string, code = 'OPTION_VALUE'): OptionProblem {
  return { code, at: '', says: `is ${got}; it has to be ${expected}.` }
}

function describeUnknown(name: string, known: readonly string[]): string {
  const near = nearestName(name, known)
  return near === undefined
    ? `is not known here. There are ${known.join(', ')}.`
    : `is not known here. Did you mean ${near}?`
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isPlainObject(value: unknown): value is object {
  if (!isObject(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function shown(value: unknown): string {
  if (isText(value)) return JSON.stringify(value)
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : kindOf(value)
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
