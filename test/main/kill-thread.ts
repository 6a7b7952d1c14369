// Ends a worker thread of this process from outside, as a crash would: no code of ours has a say.
import { Session } from 'node:inspector/promises'
import type { TestContext } from 'node:test'

type ThreadName = 'store' | 'front' | 'delivery' | 'certificates'

export interface ThreadKiller {
  /** Waits for a thread of this name, ends it, and resolves when it has gone. */
  kill(name: ThreadName): Promise<void>
  /** Keeps a thread of this name from everything else, as an endless loop would. It can only be terminated. */
  block(name: ThreadName): Promise<void>
  /** How many threads of this name live. */
  count(name: ThreadName): number
}

interface WatchedThread {
  readonly sessionId: string
  readonly name: string
}

export async function createThreadKiller(t: TestContext): Promise<ThreadKiller> {
  const session = new Session()
  session.connect()
  const threads = new Set<WatchedThread>()
  let changed: () => void = () => {}
  session.on('NodeWorker.attachedToWorker', ({ params: { sessionId, workerInfo } }) => {
    // '[worker 3] front'
    threads.add({ sessionId, name: workerInfo.title.replace(/^.*\] /, '') })
    changed()
  })
  session.on('NodeWorker.detachedFromWorker', ({ params: { sessionId } }) => {
    for (const thread of threads) if (thread.sessionId === sessionId) threads.delete(thread)
    changed()
  })
  await session.post('NodeWorker.enable', { waitForDebuggerOnStart: false })
  t.after(() => session.disconnect())

  async function when<Answer>(ask: () => Answer | undefined): Promise<Answer> {
    for (;;) {
      const answer = ask()
      if (answer !== undefined) return answer
      await new Promise<void>(resolve => {
        changed = resolve
      })
    }
  }

  async function evaluate(name: ThreadName, expression: string): Promise<WatchedThread> {
    const thread = await when(() => [...threads].find(one => one.name === name))
    const message = { id: 1, method: 'Runtime.evaluate', params: { expression } }
    await session.post('NodeWorker.sendMessageToWorker', {
      sessionId: thread.sessionId,
      message: JSON.stringify(message),
    })
    return thread
  }

  return {
    count: name => [...threads].filter(thread => thread.name === name).length,
    async block(name) {
      await evaluate(name, 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)')
    },
    async kill(name) {
      // In a worker thread this ends the thread and not the process. Between two steps of the program: Node.js 26 aborts
      // where that comes upon it as it writes a file without its types into its compile cache.
      const thread = await evaluate(name, 'queueMicrotask(() => process.exit(1))')
      await when(() => (threads.has(thread) ? undefined : true))
    },
  }
}
