// The hook file: does it run?
import { statSync } from 'node:fs'
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
  const open = checkWriters(file)
  if (!problem) return open ?? [ok('hooks', file)]
  return [
    ...(open ?? []),
    {
      severity: 'warning',
      subject: 'hooks',
      what: `the hook file cannot be used: ${formatProblem(problem)}.`,
      cost: 'A server that starts now takes mail as if there were no hook file; one that runs keeps the version before.',
      remedy: 'Correct the file at that place; a server that runs notices it by itself.',
    },
  ]
}

const othersWrite = 0o002

/** undefined: only its owner and its group write it. */
function checkWriters(file: string): Finding[] | undefined {
  const { mode = 0 } = statSync(file, { throwIfNoEntry: false }) ?? {}
  // oxlint-disable-next-line no-bitwise -- file modes are bits
  if ((mode & othersWrite) === 0) return undefined
  return [
    {
      severity: 'warning',
      subject: 'hooks',
      what: `every user of this machine may write ${file}.`,
      cost: 'Whoever writes it runs what he likes with the rights of the server.',
      remedy: `chmod o-w ${file}`,
    },
  ]
}
