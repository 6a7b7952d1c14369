// A hook file of the administrator's own: loaded, loaded anew when it changes, asked within a deadline. A version that cannot
// be used leaves the one before in its place; a thread that ends is started anew.
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { formatProblem } from './hook-problem.ts'
import { HookThread } from './hook-thread.ts'
import type { Verdict } from './index.ts'
import { readVerdict } from './read-verdict.ts'
import { readIfThere, watchFile } from './watch-file.ts'
import type { HookProblem, HookSessions, HookStage } from './worker-messages.ts'

export interface HooksOptions {
  /** Absolute. */
  readonly file: string
  readonly timeoutMs: number
  readonly maxMegabytes: number
  readonly clock: Clock
  readonly log: Log
  /** A version of the file cannot be used. */
  readonly tell?: ((problem: HookProblem) => void) | undefined
}

/** `problem`: why there is no verdict. Neither: the function has nothing to say. */
export interface HookOutcome {
  readonly verdict?: Verdict | undefined
  readonly problem?: string | undefined
}

/** A thread that dies over and over is started no more often than that. */
const startEveryMs = 1000
/** What lasts is told again each hour. */
const tellEveryMs = 3_600_000

export class Hooks {
  readonly #options: HooksOptions
  #thread: HookThread | undefined
  /** Of the thread. */
  #source: string | undefined
  /** Of the newest version, while it cannot be used. */
  #problem: HookProblem | undefined
  #startedAt = -Infinity
  #watching: { close(): void } | undefined
  readonly #timers = new Set<Timer>()
  #isStopped = false
  #loading: Promise<void> = Promise.resolve()

  constructor(options: HooksOptions) {
    this.#options = options
  }

  get file(): string {
    return this.#options.file
  }

  /** Resolves when the file is loaded, or cannot be. */
  async start(): Promise<void> {
    const { file, clock } = this.#options
    this.#watching = watchFile(file, clock, changed => this.#changeTo(changed))
    const source = readIfThere(file)
    this.#timers.add(clock.every(tellEveryMs, () => this.#problem && this.#options.tell?.(this.#problem)))
    if (source === undefined) this.#refuse({ message: 'it cannot be read', file })
    else this.#changeTo(source)
    await this.#loading
  }

  stop(): void {
    this.#isStopped = true
    this.#watching?.close()
    for (const timer of this.#timers) timer.cancel()
    this.#thread?.end('the server stops')
  }

  /** The file has something to say at this stage; where it has not, nothing is asked. */
  has(stage: HookStage): boolean {
    return this.#thread?.has(stage) ?? false
  }

  /** Never rejects. */
  async ask<Stage extends HookStage>(stage: Stage, session: HookSessions[Stage]): Promise<HookOutcome> {
    const thread = this.#thread
    if (!thread) return {}
    const returned = await thread.call(stage, session)
    if ('problem' in returned) {
      this.#options.log.warn('a function of the hook file gave no verdict', {
        file: this.file,
        function: stage,
        reason: returned.problem,
      })
      return { problem: returned.problem }
    }
    const verdict = readVerdict(returned.value)
    return typeof verdict === 'string' ? { problem: verdict } : verdict ? { verdict } : {}
  }

  /** One after another: the newest is the last. */
  #changeTo(source: string): void {
    this.#loading = this.#loading.then(async () => await this.#load(source))
  }

  async #load(source: string): Promise<void> {
    if (this.#isStopped) return
    const { clock, file, log, maxMegabytes, timeoutMs } = this.#options
    this.#startedAt = clock.now()
    const thread = new HookThread({ file, source, maxMegabytes, timeoutMs, clock, log })
    const problem = await thread.loaded
    if (problem) {
      this.#refuse(problem)
      return
    }
    if (this.#isStopped) {
      thread.end('the server stops')
      return
    }
    log.info('the hook file is loaded', { file })
    this.#problem = undefined
    const before = this.#thread
    this.#thread = thread
    this.#source = source
    before?.retire()
    void thread.ended.then(reason => this.#startAgain(thread, reason))
  }

  #refuse(problem: HookProblem): void {
    this.#problem = problem
    this.#options.log.error('the hook file cannot be used', {
      problem: formatProblem(problem),
      meanwhile: this.#thread ? 'the version before is used' : 'no hooks are asked',
    })
    this.#options.tell?.(problem)
  }

  #startAgain(thread: HookThread, reason: string): void {
    if (this.#isStopped || this.#thread !== thread) return
    const { clock, log, file } = this.#options
    log.error('the thread of the hook file ended, and is started anew', { file, reason })
    const source = this.#source
    if (source === undefined) return
    const timer = clock.after(Math.max(0, this.#startedAt + startEveryMs - clock.now()), () => {
      this.#timers.delete(timer)
      this.#loading = this.#loading.then(async () => {
        // Another version may have come meanwhile.
        if (this.#thread === thread) await this.#load(source)
      })
    })
    this.#timers.add(timer)
  }
}
