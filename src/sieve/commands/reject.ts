// reject and ereject (RFC 5429): the sender gets the message back, with a reason.
import type { CommandDefinition } from '../language/definitions.ts'
import { cleanText, shorten } from '../message/clean-text.ts'
import { ScriptError } from '../script-error.ts'

/** Nobody reads more, and a reply has lines. */
const maxReasonLength = 4000

function rejectCommand(name: 'reject' | 'ereject'): CommandDefinition {
  return {
    name,
    extensions: [name],
    parameters: [{ name: 'the reason', kind: 'string' }],
    run(call, run) {
      // §2.4
      if (run.has('reject'))
        throw new ScriptError(
          call,
          'The message was rejected before, and can be rejected once. Write stop; behind the first.',
        )
      if (run.hasVacation || run.has('keep', 'fileinto', 'redirect'))
        throw new ScriptError(
          call,
          'The message was delivered or answered before, and is not to be rejected as well. Write stop; behind what comes before this.',
        )
      run.keepsImplicitly = false
      const text = shorten(cleanText(run.string(call.arguments[0])), maxReasonLength)
      run.act({ kind: 'reject', by: name, text, origin: run.originOf(call) }, `${name}: ${firstLine(text)}`)
      return 'next'
    },
  }
}

function firstLine(text: string): string {
  return JSON.stringify(text.trim().split(/\r?\n/, 1)[0] ?? '')
}

export const rejectCommands: readonly CommandDefinition[] = [
  rejectCommand('reject'),
  rejectCommand('ereject'),
]
