// What an argument of a call holds, for whoever knows by its definition what stands there.
import type { Argument, CallChecker } from './definitions.ts'
import type { Template } from './template.ts'

/** `true`: a tag without a value. undefined: it is not there. */
export type GivenArgument = Argument | true | undefined

export function templatesOf(argument: GivenArgument): readonly Template[] {
  return argument !== undefined && argument !== true && argument.kind === 'strings' ? argument.values : []
}

export function templateOf(argument: GivenArgument): Template | undefined {
  return templatesOf(argument)[0]
}

export function numberOf(argument: GivenArgument): number | undefined {
  return argument !== undefined && argument !== true && argument.kind === 'number'
    ? argument.value
    : undefined
}

/** Of its strings those that no variable is in: what is wrong with them can be told before the script runs. */
export function checkConstants(
  argument: GivenArgument,
  checker: CallChecker,
  problemOf: (text: string) => string | undefined,
): void {
  for (const template of templatesOf(argument)) {
    const problem = template.constant === undefined ? undefined : problemOf(template.constant)
    if (problem !== undefined) checker.problem(template, problem)
  }
}
