// Whether the server lives, and whether it takes mail now: asked of its threads and of its storage, not of a flag.
import { describeOpenAlerts } from '../alert/describe-alert.ts'
import { countOpenAlerts } from '../alert/operations.ts'
import type { Clock } from '../runtime/clock.ts'
import { Fault } from '../runtime/fault.ts'
import type { Log } from '../runtime/log.ts'
import { defineWrite, type Storage } from '../storage/operation.ts'
import { Question } from './question.ts'

/** A thread that can be asked whether it still gets to its work. */
export interface CheckedThread {
  /** False while it is being started. */
  readonly isReady: boolean
  /** Rejects when the thread ends. */
  ping(): Promise<void>
}

export interface CheckedParts {
  /** By name, as they are now; undefined: there is none. */
  readonly threads: () => ReadonlyMap<string, CheckedThread | undefined>
  readonly storage: Pick<Storage, 'run'>
  /** Why no mail can be taken although all parts work, asked of the storage too; undefined: it can. */
  readonly findLack: () => Promise<Problem | undefined>
}

export interface Problem {
  readonly part: string
  readonly what: string
  /** For the log only: whoever asks for health need not know where the database is. */
  readonly detail?: string | undefined
}

export interface Health {
  /** Why this process should be ended and started anew. What a database that is away does to it is no reason. */
  readonly lifeless: readonly Problem[]
  /** Why mail should go to another server for now. */
  readonly unready: readonly Problem[]
  /** What somebody should look at, while the server goes on. */
  readonly remarks: readonly string[]
}

/** However often it is asked for, the parts are examined once in this time. */
const sameForMs = 1000
const answerWithinMs = 1000
/** A thread works in steps of milliseconds; what keeps one for so long is not work. */
const threadOverdueMs = 10_000
/** Longer than the storage tries to reach its database: it answers, or says that it cannot. */
const storageOverdueMs = 120_000

/** A write that leaves nothing: a disk that is full, or a standby that commits wait for, is in nobody's way who only reads. */
export const probeStorage = defineWrite('health.probe', async tx => {
  const row = await tx.get<{ id: number }>(
    'INSERT INTO trail_event (queue_id, at, event) VALUES (NULL, 0, ?) RETURNING id',
    '{}',
  )
  await tx.run('DELETE FROM trail_event WHERE id = ?', row?.id ?? 0)
})

export class ServerHealth {
  readonly #clock: Clock
  readonly #log: Log
  readonly #ofThreads = new WeakMap<CheckedThread, Question<void>>()
  #parts: CheckedParts | undefined
  #ofStorage: Question<Problem | undefined> | undefined
  #ofAlerts: Question<number> | undefined
  #stopping = false
  #latest: Promise<Health> | undefined
  #wasReady = true

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  /** From now on there is something to examine; before, the server is starting. */
  serves(parts: CheckedParts): void {
    this.#parts = parts
    this.#ofStorage = new Question(
      async () => {
        await parts.storage.run(probeStorage, undefined)
        return await parts.findLack()
      },
      storageOverdueMs,
      this.#clock,
    )
    this.#ofAlerts = new Question(
      () => parts.storage.run(countOpenAlerts, undefined),
      storageOverdueMs,
      this.#clock,
    )
    this.#latest = undefined
  }

  /** From now on the server takes no mail. */
  stops(): void {
    this.#stopping = true
  }

  async examine(): Promise<Health> {
    const health = await (this.#latest ??= this.#examineOnce())
    return this.#stopping ? { ...health, unready: [{ part: 'server', what: 'is stopping' }] } : health
  }

  async #examineOnce(): Promise<Health> {
    const parts = this.#parts
    if (!parts) return this.#forget({ ...sound, unready: [{ part: 'server', what: 'is starting' }] }, 0)
    const [ofThreads, ofStorage, remarks] = await Promise.all([
      Promise.all([...parts.threads()].map(([name, thread]) => this.#examineThread(name, thread))),
      this.#examineStorage(),
      this.#remark(),
    ])
    const all = [...ofThreads, ofStorage]
    const health = {
      lifeless: all.flatMap(({ lifeless }) => lifeless),
      unready: all.flatMap(({ unready }) => unready),
      remarks,
    }
    this.#tellChange(health)
    return this.#forget(health, sameForMs)
  }

  #forget(health: Health, afterMs: number): Health {
    const forget = (): void => {
      this.#latest = undefined
    }
    if (afterMs === 0) queueMicrotask(forget)
    else this.#clock.after(afterMs, forget)
    return health
  }

  async #examineThread(part: string, thread: CheckedThread | undefined): Promise<Health> {
    if (!thread?.isReady) return notReady(part, 'is being started')
    let question = this.#ofThreads.get(thread)
    if (!question) {
      question = new Question(() => thread.ping(), threadOverdueMs, this.#clock)
      this.#ofThreads.set(thread, question)
    }
    const answer = await question.answerWithin(answerWithinMs)
    if (question.isOverdue) return lifeless(part, `has not answered for ${threadOverdueMs / 1000} seconds`)
    if (answer.kind === 'answered') return sound
    return notReady(part, answer.kind === 'silent' ? doesNotAnswer : 'has ended')
  }

  async #examineStorage(): Promise<Health> {
    const part = 'storage'
    const question = this.#ofStorage
    if (!question) return sound
    const answer = await question.answerWithin(answerWithinMs)
    if (question.isOverdue)
      return lifeless(part, `has neither answered nor failed for ${storageOverdueMs / 1000} seconds`)
    if (answer.kind === 'answered') {
      const lack = answer.result
      return lack ? notReady(lack.part, lack.what, lack.detail) : sound
    }
    if (answer.kind === 'silent') return notReady(part, doesNotAnswer)
    const { cause } = answer
    return notReady(part, cause instanceof Fault ? cause.code : 'failed', String(cause))
  }

  async #remark(): Promise<string[]> {
    const answer = await this.#ofAlerts?.answerWithin(answerWithinMs)
    return answer?.kind === 'answered' && answer.result > 0 ? [describeOpenAlerts(answer.result)] : []
  }

  #tellChange({ unready }: Health): void {
    const isReady = unready.length === 0
    if (isReady === this.#wasReady || this.#stopping) return
    this.#wasReady = isReady
    if (isReady) this.#log.info('the server takes mail again')
    else {
      const reasons = unready.map(({ part, what, detail }) => `${part}: ${detail ?? what}`)
      this.#log.warn('the server takes no mail now', { reason: reasons.join('; ') })
    }
  }
}

/** 'storage: does not answer' */
export function formatProblems(problems: readonly Problem[]): string[] {
  return problems.map(({ part, what }) => `${part}: ${what}`)
}

const sound: Health = { lifeless: [], unready: [], remarks: [] }

const doesNotAnswer = 'does not answer'

function notReady(part: string, what: string, detail?: string): Health {
  return { ...sound, unready: [{ part, what, detail }] }
}

function lifeless(part: string, what: string): Health {
  return { ...sound, lifeless: [{ part, what }], unready: [{ part, what }] }
}
