// The hook file that the settings name, in a thread of its own beside a front.
import { raiseAlert } from '../alert/operations.ts'
import type { Settings } from '../config/settings.ts'
import { formatProblem } from '../hooks/hook-problem.ts'
import { Hooks } from '../hooks/hooks.ts'
import type { HookProblem } from '../hooks/worker-messages.ts'
import type { Clock } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import type { Storage } from '../storage/operation.ts'

export interface HooksParts {
  readonly settings: Pick<Settings, 'hooks'>
  readonly storage: Pick<Storage, 'run'>
  readonly clock: Clock
  readonly log: Log
  /** Of several fronts one raises the alert. */
  readonly raisesAlerts: boolean
}

/** undefined: the settings name none. It has yet to be started. */
export function composeHooks({
  settings: { hooks },
  storage,
  clock,
  log,
  raisesAlerts,
}: HooksParts): Hooks | undefined {
  if (!hooks) return undefined
  const { file, timeoutSeconds, maxMegabytes } = hooks
  const trouble = new LastingTrouble(log, {
    begins: 'an alert about the hook file is not kept',
    ends: 'alerts about the hook file are kept again',
  })
  const tell = (problem: HookProblem): void => {
    const evidence = { detail: formatProblem(problem) }
    storage.run(raiseAlert, { kind: 'hook-file', subject: file, at: clock.now(), evidence }).then(
      () => trouble.over(),
      (cause: unknown) => trouble.hit(cause),
    )
  }
  return new Hooks({
    file,
    timeoutMs: timeoutSeconds * 1000,
    maxMegabytes,
    clock,
    log,
    ...(raisesAlerts ? { tell } : {}),
  })
}
