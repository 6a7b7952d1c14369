// A worker thread as the main thread holds it.
import { type MessagePort, Worker } from 'node:worker_threads'
import type { ServedListener } from '../config/listener-roles.ts'
import type { Clock } from '../runtime/clock.ts'
import { Fault, UsageFault } from '../runtime/fault.ts'
import type { Log } from '../runtime/log.ts'
import type { FromThread, ThreadRole, ThreadStart, ToThread } from './thread-messages.ts'

export interface Thread {
  readonly role: ThreadRole
  /** As in the log: of several fronts each has its own. */
  readonly name: string
  /** Rejects when the thread refuses to start or ends before it is ready. */
  readonly ready: Promise<readonly ServedListener[]>
  /** Until it ends. */
  readonly isReady: boolean
  readonly ended: Promise<void>
  send(message: ToThread, transfer?: readonly MessagePort[]): void
  /** Resolves when the thread gets to it; rejects when it ends. */
  ping(): Promise<void>
  /** Lets what is under way finish until `graceMs` is over. One that is not ready yet, or still there long after, is ended. */
  stop(graceMs: number): Promise<void>
  terminate(): Promise<void>
}

// In dist/ the threads are .js files, in src/ .ts: whatever this file is.
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
const threadFile = (role: ThreadRole): URL => new URL(`./${role}-thread${extension}`, import.meta.url)

export function frontName(number: number): string {
  return `front-${number}`
}

/**
 * Of each thread, for what lives for a moment: two semi-spaces of 8 MB and what they leave, half of what V8 takes. With less it
 * collects more often and survives the same. All writes wait while the store thread collects, so it has four times as much.
 */
function youngGenerationMb(role: ThreadRole): number {
  return role === 'store' ? 96 : 24
}

/**
 * Of each thread, for what lives on; a thread that needs more ends, and is started anew. V8 lets the old generation grow
 * fourfold from one collection to the next where the limit is 2 GB or more, and less than twofold where it is less.
 * A front has more, for sessions that wait in their thousands.
 */
function oldGenerationMb(role: ThreadRole): number {
  return role === 'front' ? 2000 : 1024
}

/** For what a thread has to do after its grace: connections to close, leases to give back. */
export const lastGraceMs = 15_000

export function startThread(
  start: ThreadStart,
  transfer: readonly MessagePort[],
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  receive: (message: FromThread, thread: Thread) => void,
): Thread {
  const { role } = start
  const name = start.role === 'front' ? frontName(start.number) : role
  const worker = new Worker(threadFile(role), {
    workerData: start,
    transferList: [...transfer],
    name: role,
    resourceLimits: {
      maxYoungGenerationSizeMb: youngGenerationMb(role),
      maxOldGenerationSizeMb: oldGenerationMb(role),
    },
  })
  let isReady = false
  const ready = Promise.withResolvers<readonly ServedListener[]>()
  const ended = Promise.withResolvers<void>()
  const pings: PromiseWithResolvers<void>[] = []
  ready.promise.catch(() => {})
  const thread: Thread = {
    role,
    name,
    ready: ready.promise,
    ended: ended.promise,
    get isReady() {
      return isReady
    },
    send(message, ports = []) {
      worker.postMessage(message, ports)
    },
    async ping() {
      const pong = Promise.withResolvers<void>()
      pings.push(pong)
      thread.send({ kind: 'ping' })
      await pong.promise
    },
    async stop(graceMs) {
      if (!isReady) {
        await worker.terminate()
        return
      }
      thread.send({ kind: 'stop', graceMs })
      const tooLate = clock.after(graceMs + lastGraceMs, () => {
        log.error(`the ${role} thread does not stop, and is ended`)
        void worker.terminate()
      })
      await ended.promise
      tooLate.cancel()
    },
    async terminate() {
      await worker.terminate()
    },
  }
  worker.on('message', (message: FromThread) => {
    if (message.kind === 'ready') {
      isReady = true
      ready.resolve(message.listeners)
    } else if (message.kind === 'pong') pings.shift()?.resolve()
    else if (message.kind === 'refused') {
      ready.reject(new UsageFault(message.code, message.message))
      // It keeps what it had opened, and would live on.
      void worker.terminate()
    } else receive(message, thread)
  })
  worker.on('error', cause => {
    log.error(`the ${role} thread failed`, {}, cause)
    const reason = cause instanceof Error ? cause.message : String(cause)
    ready.reject(new Fault('THREAD_FAILED', `The ${role} thread failed: ${reason}`))
  })
  worker.on('exit', () => {
    isReady = false
    ready.reject(new Fault('THREAD_ENDED', `The ${role} thread ended before it was ready.`))
    for (const ping of pings) ping.reject(new Fault('THREAD_ENDED', `The ${role} thread ended.`))
    ended.resolve()
  })
  return thread
}
