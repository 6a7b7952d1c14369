// What every worker thread does: tells the main thread that it is ready, or why it cannot be, and stops when told to.
import { parentPort, workerData } from 'node:worker_threads'
import { UsageFault } from '../runtime/fault.ts'
import type { FromThread, ThreadRole, ThreadStart, ToThread } from './thread-messages.ts'

export interface ThreadBody {
  readonly listeners?: Extract<FromThread, { kind: 'ready' }>['listeners']
  /** Every message but 'stop' and 'ping'. */
  take?(message: ToThread): void
  stop(graceMs: number): Promise<void>
}

export function tellMain(message: FromThread): void {
  parentPort?.postMessage(message)
}

/** For a thread whose work is over before it was told to stop: the main thread starts another. */
export function endThread(): void {
  parentPort?.close()
}

export function runThread<Role extends ThreadRole>(
  role: Role,
  start: (input: Extract<ThreadStart, { role: Role }>) => Promise<ThreadBody>,
): void {
  const input = workerData as Extract<ThreadStart, { role: Role }>
  if (input.role !== role) throw new Error(`the ${role} thread was started as ${input.role}`)
  // Messages that come before the thread is ready wait for it.
  const body = start(input)
  parentPort?.on('message', (message: ToThread) => {
    void body.then(
      async ready => {
        if (message.kind === 'ping') {
          tellMain({ kind: 'pong' })
          return
        }
        if (message.kind !== 'stop') {
          ready.take?.(message)
          return
        }
        await ready.stop(message.graceMs)
        parentPort?.close()
      },
      () => parentPort?.close(),
    )
  })
  body.then(
    ready => tellMain({ kind: 'ready', listeners: ready.listeners ?? [] }),
    (cause: unknown) => {
      if (cause instanceof UsageFault || (cause instanceof Error && cause.name === 'StorageFault')) {
        tellMain({ kind: 'refused', code: (cause as UsageFault).code, message: cause.message })
        parentPort?.close()
      } else {
        // An unhandled rejection ends the thread, and the main thread learns of it with its stack.
        throw cause
      }
    },
  )
}
