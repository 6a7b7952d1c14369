// Names of variables that a script writes to (RFC 5229 §4, RFC 6609 §3.4.2).
import type { CallChecker } from '../language/definitions.ts'
import { maxVariableName, type Template } from '../language/template.ts'

const variableName = /^(?:global\.)?[a-z_][a-z0-9_]*$/i

export function isVariableName(name: string): boolean {
  return name.length <= maxVariableName && variableName.test(name)
}

export function checkVariableName(template: Template, checker: CallChecker): void {
  const name = template.constant
  if (name === undefined)
    return checker.problem(
      template,
      'The name of a variable stands as it is: no other variable can be in it.',
    )
  if (!isVariableName(name))
    return checker.problem(
      template,
      /^[0-9]+$/.test(name)
        ? `\${${name}} is set by what :matches finds, and by nothing else: take another name.`
        : `${JSON.stringify(name.slice(0, 60))} is no name of a variable: it has letters, digits and _, and begins with a letter.`,
    )
  if (name.toLowerCase().startsWith('global.') && !checker.isRequired('include'))
    checker.problem(
      template,
      'Global variables need an extension: write require "include"; at the top of the script.',
    )
}
