// addheader and deleteheader (RFC 5293).
import { checkConstants } from '../language/arguments.ts'
import type { CommandDefinition } from '../language/definitions.ts'
import { checkMatch, matchAny, matchTags } from '../match/match-arguments.ts'
import { checkIndex, indexOf } from '../message/address-parts.ts'
import { isFieldName } from '../message/message-view.ts'
import { ScriptError } from '../script-error.ts'

/** §6: what shows where a message has been, and that it is automatic. Attempts are passed over. */
const protectedFields = ['received', 'auto-submitted']
/** These are what this server says of the message, or what it sees loops by. */
const ownFields = [...protectedFields, 'return-path', 'delivered-to', 'authentication-results']

function nameProblem(name: string): string | undefined {
  return isFieldName(name)
    ? undefined
    : `${JSON.stringify(name.slice(0, 60))} is no name of a field: it has letters, digits and -, no blank and no colon.`
}

const addheader: CommandDefinition = {
  name: 'addheader',
  extensions: ['editheader'],
  tags: { last: {} },
  parameters: [
    { name: 'the name of a field', kind: 'string' },
    { name: 'its value', kind: 'string' },
  ],
  check: ({ arguments: [name] }, checker) => checkConstants(name, checker, nameProblem),
  run(call, run) {
    const name = run.string(call.arguments[0])
    const problem = nameProblem(name)
    if (problem !== undefined) throw new ScriptError(call, problem)
    if (ownFields.includes(name.toLowerCase())) return 'next'
    const value = run.string(call.arguments[1])
    run.spend(value.length * 4 + run.message.fieldCount * 16)
    if (!run.message.addField(name, value, call.tags.has('last')))
      throw new ScriptError(
        call,
        `The header section would be longer than ${run.limits.maxHeaderBytes} bytes with this field.`,
      )
    run.tell('action', call, `addheader ${name}`)
    return 'next'
  },
}

const deleteheader: CommandDefinition = {
  name: 'deleteheader',
  extensions: ['editheader'],
  tags: { ...matchTags, index: { value: 'number' }, last: { needs: 'index' } },
  parameters: [
    { name: 'the name of a field', kind: 'string' },
    { name: 'values', kind: 'string-list', isOptional: true },
  ],
  check(call, checker) {
    checkMatch(call, call.arguments[1], checker)
    checkIndex(call, checker)
    checkConstants(call.arguments[0], checker, nameProblem)
  },
  run(call, run) {
    const [nameArgument, patterns] = call.arguments
    const name = run.string(nameArgument)
    const problem = nameProblem(name)
    if (problem !== undefined) throw new ScriptError(call, problem)
    if (protectedFields.includes(name.toLowerCase())) return 'next'
    const keys = patterns && run.strings(patterns)
    run.spend(run.message.fieldCount * 16)
    run.message.deleteFields(
      name,
      indexOf(call),
      call.tags.has('last'),
      value => keys === undefined || matchAny(call, run, [value], keys),
    )
    run.tell('action', call, `deleteheader ${name}`)
    return 'next'
  },
}

export const editHeaderCommands: readonly CommandDefinition[] = [addheader, deleteheader]
