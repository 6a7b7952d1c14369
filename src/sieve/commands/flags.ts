// Flags of a message (RFC 5232): setflag, addflag, removeflag, and the test hasflag.
import { templateOf, templatesOf } from '../language/arguments.ts'
import type { Argument, CallChecker, CommandDefinition, TestDefinition } from '../language/definitions.ts'
import { checkMatch, matchAny, matchTags } from '../match/match-arguments.ts'
import type { Run } from '../run.ts'
import { checkVariableName, isVariableName } from './variable-names.ts'

/** RFC 9051 §9 flag-keyword: an atom. */
const keyword = /^[!#$&'+,\-./0-9:;<=>?@A-Z[^_`a-z|}~]+$/
/** \Recent is not for clients to set (RFC 5232 §2). */
const systemFlags = ['\\answered', '\\flagged', '\\deleted', '\\seen', '\\draft']
const maxFlags = 100

function isFlag(text: string): boolean {
  return (
    text.length <= 128 &&
    (text.startsWith('\\') ? systemFlags.includes(text.toLowerCase()) : keyword.test(text))
  )
}

/** §2: blanks part flags; what is none is passed over, and each stands once. */
export function readFlags(texts: readonly string[]): string[] {
  const flags = new Map<string, string>()
  for (const text of texts)
    for (const flag of text.split(/\s+/))
      if (isFlag(flag) && !flags.has(flag.toLowerCase()) && flags.size < maxFlags)
        flags.set(flag.toLowerCase(), flag)
  return [...flags.values()]
}

/** Without a variable, the flags of the message itself. */
function readSet(run: Run, variable: string | undefined): string[] {
  return variable === undefined ? [...run.flags] : readFlags([run.readVariable(variable)])
}

function writeSet(run: Run, variable: string | undefined, flags: readonly string[]): void {
  if (variable === undefined) run.flags = flags
  else run.writeVariable(variable, flags.join(' '))
}

function checkVariable(argument: Argument | undefined, checker: CallChecker): void {
  if (!argument) return
  if (!checker.isRequired('variables'))
    checker.problem(
      argument,
      'A variable for flags needs an extension: write require "variables"; at the top of the script.',
    )
  for (const name of templatesOf(argument)) checkVariableName(name, checker)
}

type Change = (before: readonly string[], flags: readonly string[]) => readonly string[]

function flagCommand(name: string, change: Change): CommandDefinition {
  return {
    name,
    extensions: ['imap4flags'],
    parameters: [
      { name: 'a variable', kind: 'string', isOptional: true },
      { name: 'flags', kind: 'string-list' },
    ],
    check({ arguments: [variable] }, checker) {
      checkVariable(variable, checker)
      const template = templateOf(variable)
      if (template) checker.variables.set.add(template.constant?.toLowerCase() ?? '')
    },
    run({ arguments: [variable, list] }, run) {
      const target = variable && run.string(variable).toLowerCase()
      writeSet(run, target, change(readSet(run, target), readFlags(run.strings(list))))
      return 'next'
    },
  }
}

const lower = (flags: readonly string[]): string[] => flags.map(flag => flag.toLowerCase())

export const flagCommands: readonly CommandDefinition[] = [
  flagCommand('setflag', (_, flags) => flags),
  flagCommand('addflag', (before, flags) => readFlags([...before, ...flags])),
  flagCommand('removeflag', (before, flags) => {
    const gone = lower(flags)
    return before.filter(flag => !gone.includes(flag.toLowerCase()))
  }),
]

const hasflag: TestDefinition = {
  name: 'hasflag',
  extensions: ['imap4flags'],
  tags: matchTags,
  parameters: [
    { name: 'variables', kind: 'string-list', isOptional: true },
    { name: 'flags', kind: 'string-list' },
  ],
  check(call, checker) {
    checkMatch(call, call.arguments[1], checker)
    checkVariable(call.arguments[0], checker)
  },
  evaluate(call, run) {
    const [variables, list] = call.arguments
    const names = variables ? run.strings(variables).map(name => name.toLowerCase()) : [undefined]
    const sets = names.map(name => (name === undefined || isVariableName(name) ? readSet(run, name) : []))
    const count = sets.reduce((sum, flags) => sum + flags.length, 0)
    // Keys of :matches and :count are no flags; others are parted like them.
    const keys = run.strings(list)
    const parted =
      call.tags.has('count') || call.tags.has('value')
        ? keys
        : keys.flatMap(key => key.split(/\s+/).filter(each => each !== ''))
    return matchAny(call, run, sets.flat(), parted, { count })
  },
}

export const flagTests: readonly TestDefinition[] = [hasflag]
