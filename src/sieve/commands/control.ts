// Control structures (RFC 5228 §3), and `error` (RFC 5463 §5). `if` chains are run where blocks are.
import type { CommandDefinition } from '../language/definitions.ts'
import { ScriptError } from '../script-error.ts'

const ifCommand: CommandDefinition = { name: 'if', tests: 'one', block: 'required', run: () => 'next' }

const elsif: CommandDefinition = { ...ifCommand, name: 'elsif', follows: ['if', 'elsif'] }

const elseCommand: CommandDefinition = {
  name: 'else',
  block: 'required',
  follows: ['if', 'elsif'],
  run: () => 'next',
}

const stop: CommandDefinition = {
  name: 'stop',
  run(call, run) {
    run.tell('action', call, 'stop')
    return 'stop'
  },
}

const error: CommandDefinition = {
  name: 'error',
  extensions: ['ihave'],
  parameters: [{ name: 'a text', kind: 'string' }],
  run(call, run) {
    throw new ScriptError(call, run.string(call.arguments[0]))
  },
}

export const controlCommands: readonly CommandDefinition[] = [ifCommand, elsif, elseCommand, stop, error]
