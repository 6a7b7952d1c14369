// The thread in which a hook file runs: alone, so that a loop without an end, or memory without one, ends this thread only.
import { registerHooks } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import { describeProblem } from './hook-problem.ts'
import {
  type FromHookWorker,
  type HookStage,
  type HookWorkerData,
  hookStages,
  type ToHookWorker,
} from './worker-messages.ts'

const { url, source } = workerData as HookWorkerData
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
const library = new URL(`./index${extension}`, import.meta.url).href
const own = [import.meta.url]

// A file in /etc has no package beside it; and what is run is the text that was read.
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'postrider/hooks' ? { url: library, shortCircuit: true } : next(specifier, context),
  load: (wanted, context, next) =>
    wanted === url
      ? {
          format: /\.m?ts$/.test(new URL(url).pathname) ? 'module-typescript' : 'module',
          source,
          shortCircuit: true,
        }
      : next(wanted, context),
})

type AnyHook = (session: unknown) => unknown

const functions = new Map<HookStage, AnyHook>()

function tell(message: FromHookWorker): void {
  parentPort?.postMessage(message)
}

async function load(): Promise<void> {
  const file = (await import(url)) as Readonly<Record<string, unknown>>
  for (const stage of hookStages) {
    const found = file[stage]
    if (found === undefined) continue
    if (typeof found !== 'function') throw new TypeError(`its export ${stage} is no function`)
    functions.set(stage, found as AnyHook)
  }
  if (functions.size === 0) throw new TypeError(`it exports none of the functions ${hookStages.join(', ')}`)
}

async function call({ id, stage, session }: Extract<ToHookWorker, { kind: 'call' }>): Promise<void> {
  try {
    const value = await functions.get(stage)?.(freeze(session))
    // Throws for what cannot be copied, such as a function.
    tell({ kind: 'answered', id, value })
  } catch (cause) {
    tell({ kind: 'threw', id, problem: describeProblem(cause, own) })
  }
}

function freeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) freeze(part)
    Object.freeze(value)
  }
  return value
}

// A timer, or a promise for which a function does not wait, costs nobody else his verdict.
process.on('uncaughtException', cause => tell({ kind: 'strayed', problem: describeProblem(cause, own) }))

load().then(
  () => {
    parentPort?.on('message', (message: ToHookWorker) => {
      if (message.kind === 'ping') tell({ kind: 'pong' })
      else void call(message)
    })
    tell({ kind: 'loaded', stages: [...functions.keys()] })
  },
  (cause: unknown) => tell({ kind: 'failed', problem: describeProblem(cause, own) }),
)
