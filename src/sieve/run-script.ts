// Runs a script for a message: what is to be done with it (RFC 5228 §2.10). Nothing is done here.
import type { Circumstances } from './circumstances.ts'
import { defaultLimits, type SieveLimits } from './limits.ts'
import type { SieveOutcome } from './outcome.ts'
import { Run } from './run.ts'
import type { SieveScript } from './script.ts'
import { ScriptError } from './script-error.ts'

/** Rejects only where `circumstances` does: whatever a script does wrong is part of the outcome, and the message is kept. */
export async function runScript(
  script: SieveScript,
  circumstances: Circumstances,
  limits: SieveLimits = defaultLimits,
): Promise<SieveOutcome> {
  const run = new Run(script, circumstances, limits)
  try {
    await run.runBlock(script.commands)
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error
    return {
      // RFC 5228 §2.10.6, RFC 5293 §7: the message as it came.
      actions: [{ kind: 'keep', flags: [], headerSection: undefined, origin: undefined }],
      remember: [],
      trace: run.trace,
      error: { ...error.at, text: error.message, script: run.frame.name },
    }
  }
  return finishRun(run)
}

export function finishRun(run: Run): SieveOutcome {
  if (run.keepsImplicitly)
    run.act(
      { kind: 'keep', flags: run.flags, headerSection: run.message.editedSection(), origin: undefined },
      'keep',
    )
  return { actions: run.actions, remember: [...run.remembered.values()], trace: run.trace, error: undefined }
}
