// The hook file: does it run?
import { formatProblem } from '../../hooks/hook-problem.ts'
import { HookThread } from '../../hooks/hook-thread.ts'
import { readIfThere } from '../../hooks/watch-file.ts'
import type { Clock } from '../../runtime/clock.ts'
import { silentLog } from '../../runtime/log.ts'
import type { Settings } from '../settings.ts'
import { type Finding, ok } from './finding.ts'

/** Loads it as the server does, which runs what stands in it outside of its functions. */
export async function checkHooks({ hooks }: Settings, clock: Clock): Promise<Finding[]> {
  if (!hooks) return []
  const { file, maxMegabytes } = hooks
  const source = readIfThere(file) ?? ''
  const thread = new HookThread({ file, source, maxMegabytes, timeoutMs: 0, clock, log: silentLog })
  const problem = await thread.loaded
  thread.end('it was only looked at')
  await thread.ended
  if (!problem) return [ok('hooks', file)]
  return [
    {
      severity: 'warning',
      subject: 'hooks',
      what: `the hook file cannot be used: ${formatProblem(problem)}.`,
      cost: 'A server that starts now takes mail as if there were no hook file; one that runs keeps the version before.',
      remedy: 'Correct the file at that place; a server that runs notices it by itself.',
    },
  ]
}
