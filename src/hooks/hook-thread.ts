// The thread of a hook file, as whoever asks it holds it.
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { formatProblem } from './hook-problem.ts'
import type {
  FromHookWorker,
  HookProblem,
  HookSessions,
  HookStage,
  HookWorkerData,
  ToHookWorker,
} from './worker-messages.ts'

export interface HookThreadOptions {
  /** Absolute. */
  readonly file: string
  readonly source: string
  readonly maxMegabytes: number
  readonly timeoutMs: number
  readonly clock: Clock
  readonly log: Log
}

/** `value`: as it was returned. `problem`: why there is none. */
export type HookReturn = { readonly value: unknown } | { readonly problem: string }

/** Top-level code that takes longer is taken for a loop without an end. */
const loadTimeoutMs = 10_000
/** A thread that does not answer for so long, after a call took too long, runs in a loop. */
const aliveMs = 1000
/** More calls at once are not made: each holds the description of a session in memory. */
const maxPending = 200
const maxYoungGenerationSizeMb = 8
const maxLineLength = 500
/** What a file prints in a minute beyond that is not in the log. */
const maxLinesPerMinute = 100
const minuteMs = 60_000

// In dist/ it is a .js file, in src/ .ts: whatever this file is.
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
const workerFile = new URL(`./hook-worker${extension}`, import.meta.url)

interface Call {
  readonly settle: (returned: HookReturn) => void
  readonly timer: Timer
}

export class HookThread {
  readonly #options: HookThreadOptions
  readonly #worker: Worker
  readonly #loaded = Promise.withResolvers<HookProblem | undefined>()
  readonly #ended = Promise.withResolvers<string>()
  readonly #calls = new Map<number, Call>()
  #stages: ReadonlySet<HookStage> = new Set()
  #lastId = 0
  #ping: Timer | undefined
  #printed = { since: -Infinity, lines: 0 }
  #isRetired = false
  #isEnding = false
  /** Why it ends. */
  #reason = 'the thread of the hook file ended'

  constructor(options: HookThreadOptions) {
    this.#options = options
    const { file, source, maxMegabytes, clock } = options
    this.#worker = new Worker(workerFile, {
      workerData: { url: pathToFileURL(file).href, source } satisfies HookWorkerData,
      name: 'hooks',
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: maxMegabytes, maxYoungGenerationSizeMb },
    })
    const tooLong = clock.after(loadTimeoutMs, () => {
      this.#loaded.resolve({
        message: `it is not loaded after ${loadTimeoutMs / 1000} s`,
        file,
      })
      this.end('it is not loaded in time')
    })
    this.#worker.on('message', (message: FromHookWorker) => {
      if (message.kind === 'loaded' || message.kind === 'failed') tooLong.cancel()
      this.#take(message)
    })
    this.#worker.on('error', (cause: unknown) => {
      this.#reason = describeDeath(cause, maxMegabytes)
    })
    this.#worker.on('exit', () => {
      tooLong.cancel()
      this.#ping?.cancel()
      this.#isEnding = true
      this.#loaded.resolve({ message: this.#reason, file })
      for (const [id] of this.#calls) this.#settle(id, { problem: this.#reason })
      this.#ended.resolve(this.#reason)
    })
    for (const stream of [this.#worker.stdout, this.#worker.stderr]) this.#logLines(stream)
  }

  /** undefined: it is ready. Never rejects. */
  get loaded(): Promise<HookProblem | undefined> {
    return this.#loaded.promise
  }

  /** Why, for people. */
  get ended(): Promise<string> {
    return this.#ended.promise
  }

  has(stage: HookStage): boolean {
    return this.#stages.has(stage)
  }

  /** Never rejects. */
  async call<Stage extends HookStage>(stage: Stage, session: HookSessions[Stage]): Promise<HookReturn> {
    if (this.#isEnding) return { problem: this.#reason }
    if (this.#calls.size >= maxPending)
      return { problem: `${maxPending} calls of the hook file are under way already` }
    const { clock, timeoutMs } = this.#options
    const id = ++this.#lastId
    const returned = Promise.withResolvers<HookReturn>()
    const timer = clock.after(timeoutMs, () => {
      this.#settle(id, { problem: `it had not answered after ${timeoutMs / 1000} s` })
      this.#askWhetherAlive()
    })
    this.#calls.set(id, { settle: returned.resolve, timer })
    this.#send({ kind: 'call', id, stage, session })
    return await returned.promise
  }

  /** Ends when the calls that are under way have. */
  retire(): void {
    this.#isRetired = true
    if (this.#calls.size === 0) this.end('another version of the file has taken its place')
  }

  end(reason: string): void {
    if (!this.#isEnding) this.#reason = reason
    this.#isEnding = true
    void this.#worker.terminate()
  }

  #send(message: ToHookWorker): void {
    this.#worker.postMessage(message)
  }

  #take(message: FromHookWorker): void {
    switch (message.kind) {
      case 'loaded':
        this.#stages = new Set(message.stages)
        this.#loaded.resolve(undefined)
        return
      case 'failed':
        this.#loaded.resolve({ file: this.#options.file, ...message.problem })
        this.end('the file cannot be used')
        return
      case 'answered':
        this.#settle(message.id, { value: message.value })
        return
      case 'threw':
        this.#settle(message.id, { problem: formatProblem(message.problem) })
        return
      case 'strayed':
        this.#logLine(`an error outside of its functions: ${formatProblem(message.problem)}`, 'warn')
        return
      case 'pong':
        this.#ping?.cancel()
        this.#ping = undefined
        return
      default:
        message satisfies never
    }
  }

  #settle(id: number, returned: HookReturn): void {
    const call = this.#calls.get(id)
    if (!call) return
    this.#calls.delete(id)
    call.timer.cancel()
    call.settle(returned)
    if (this.#isRetired && this.#calls.size === 0) this.retire()
  }

  /** A promise that never ends is no harm to others; a loop is. */
  #askWhetherAlive(): void {
    if (this.#ping || this.#isEnding) return
    this.#send({ kind: 'ping' })
    this.#ping = this.#options.clock.after(aliveMs, () => {
      this.end('its thread ran in a loop, and was ended')
    })
  }

  /** What the file prints is for the administrator. */
  #logLines(stream: NodeJS.ReadableStream): void {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      for (const line of text.split('\n')) if (line.trim() !== '') this.#logLine(line)
    })
  }

  #logLine(line: string, level: 'info' | 'warn' = 'info'): void {
    const { clock, log } = this.#options
    if (clock.now() - this.#printed.since >= minuteMs) this.#printed = { since: clock.now(), lines: 0 }
    this.#printed.lines++
    if (this.#printed.lines <= maxLinesPerMinute)
      log[level]('the hook file says', { text: line.slice(0, maxLineLength) })
    else if (this.#printed.lines === maxLinesPerMinute + 1)
      log.warn('the hook file says more than is kept', { linesPerMinute: maxLinesPerMinute })
  }
}

function describeDeath(cause: unknown, maxMegabytes: number): string {
  if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY')
    return `its thread needed more than ${maxMegabytes} MB (hooks.maxMegabytes), and was ended`
  return `its thread died of ${cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)}`
}
