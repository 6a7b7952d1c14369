// include, return and global (RFC 6609): scripts in scripts.
import { templateOf, templatesOf } from '../language/arguments.ts'
import type { CommandDefinition, IncludeLocation } from '../language/definitions.ts'
import { formatProblem } from '../problem.ts'
import { newFrame, type Run } from '../run.ts'
import { ScriptError } from '../script-error.ts'
import { checkVariableName } from './variable-names.ts'

/** RFC 5804 §1.6: no control characters, no line separators. A slash could be taken for a folder. */
const scriptName = /^[^\0-\x1f\x7f-\x9f\u2028\u2029/]{1,128}$/

export function isScriptName(name: string): boolean {
  return scriptName.test(name) && name.isWellFormed()
}

const include: CommandDefinition = {
  name: 'include',
  extensions: ['include'],
  tags: { personal: { group: 'location' }, global: { group: 'location' }, once: {}, optional: {} },
  parameters: [{ name: 'the name of a script', kind: 'string' }],
  check(call, checker) {
    const template = templateOf(call.arguments[0])
    if (!template) return
    const name = template.constant
    if (name === undefined)
      return checker.problem(template, 'The name of a script stands as it is: no variable can be in it.')
    if (!isScriptName(name))
      return checker.problem(
        template,
        'A script has a name of 1 to 128 characters, without / and control characters.',
      )
    checker.note({ kind: 'include', location: call.tags.has('global') ? 'global' : 'personal', name })
  },
  async run(call, run) {
    const name = run.string(call.arguments[0])
    const location: IncludeLocation = call.tags.has('global') ? 'global' : 'personal'
    const key = `${location} ${name}`
    if (call.tags.has('once') && run.included.has(key)) return 'next'
    if (run.includeStack.includes(key))
      throw new ScriptError(
        call,
        `The script ${JSON.stringify(name)} includes itself, perhaps through another: take one of these includes away, or add :once to it.`,
      )
    const { maxIncludeDepth, maxIncludes } = run.limits
    if (run.includeStack.length >= maxIncludeDepth)
      throw new ScriptError(
        call,
        `Scripts may include each other ${maxIncludeDepth} deep, and this would be one deeper.`,
      )
    const parsed = await run.circumstances.readScript(location, name)
    if (!parsed) {
      if (call.tags.has('optional')) return 'next'
      throw new ScriptError(
        call,
        `There is no ${location} script ${JSON.stringify(name)}. Write it, or add :optional to the include.`,
      )
    }
    if (parsed.problems) {
      const [first] = parsed.problems
      throw new ScriptError(
        call,
        `The script ${JSON.stringify(name)} cannot be run: ${first ? formatProblem(first) : 'it has mistakes'}`,
      )
    }
    run.included.add(key)
    if (++run.includeCount > maxIncludes)
      throw new ScriptError(call, `A run may include ${maxIncludes} scripts, and this would be one more.`)
    const outer = run.frame
    run.includeStack.push(key)
    run.frame = newFrame(parsed.script, { location, name })
    const flow = await run.runBlock(parsed.script.commands)
    run.frame = outer
    run.includeStack.pop()
    // §3.3: return ends this one; stop ends all.
    return flow === 'stop' ? 'stop' : 'next'
  },
}

const returnCommand: CommandDefinition = { name: 'return', extensions: ['include'], run: () => 'return' }

const global: CommandDefinition = {
  name: 'global',
  extensions: ['include', 'variables'],
  needsAll: true,
  parameters: [{ name: 'names of variables', kind: 'string-list' }],
  check({ arguments: [names] }, checker) {
    for (const template of templatesOf(names)) {
      checkVariableName(template, checker)
      const name = template.constant?.toLowerCase() ?? ''
      if (name.includes('.'))
        checker.problem(template, 'The names of global variables stand here without "global." before them.')
      // §3.4.1
      if (checker.variables.set.has(name) && !checker.variables.global.has(name))
        checker.problem(
          template,
          `The variable ${name} has been set before as one of this script alone: move this global to the top.`,
        )
      checker.variables.global.add(name)
    }
  },
  run(call, run) {
    declare(run, run.strings(call.arguments[0]))
    return 'next'
  },
}

function declare(run: Run, names: readonly string[]): void {
  for (const name of names) run.frame.globals.add(name.toLowerCase())
}

export const includeCommands: readonly CommandDefinition[] = [include, returnCommand, global]
