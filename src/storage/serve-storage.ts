// The store thread's end of a port: runs the writes of another thread by their names.
import type { MessagePort } from 'node:worker_threads'
import { Fault } from '../runtime/fault.ts'
import type { OperationRegistry, Storage, WakeKeys, WakeTopic } from './operation.ts'
import type { FromStore, ToStore, WriteResult } from './storage-messages.ts'
import { WokenTopics } from './woken.ts'

/** So many commits that follow each other may what they wake be told together. */
const commitsTogether = 4

export function serveStorage(port: MessagePort, storage: Storage, registry: OperationRegistry): void {
  let results: WriteResult[] = []
  const woken = new WokenTopics()
  let isHeld = false
  let isNewlyWoken = false
  let turnsHeld = 0
  // A message costs both threads more than what is in it. A commit wakes, and resolves all its writes, in one go: the first of all
  // its results sends for the others, after them.
  const send = (): void => {
    const wakes = [...woken.take()].map(([topic, keys]) => ({ topic, keys }))
    port.postMessage({ wakes, results } satisfies FromStore)
    results = []
  }
  const answer = (result: WriteResult): void => {
    if (results.push(result) === 1) process.nextTick(send)
  }
  // No write waits for what is woken alone: while each turn of the event loop has a commit that wakes, it is one message for several.
  const sendWhenQuiet = (): void => {
    isHeld = isNewlyWoken && !woken.isEmpty && ++turnsHeld < commitsTogether
    isNewlyWoken = false
    if (isHeld) setImmediate(sendWhenQuiet)
    else if (!woken.isEmpty) send()
  }
  const wake = (topic: WakeTopic, keys: WakeKeys): void => {
    if (woken.isEmpty) turnsHeld = 0
    woken.addKeys(topic, keys)
    isNewlyWoken = true
    if (!isHeld) setImmediate(sendWhenQuiet)
    isHeld = true
  }
  const listen = (topic: WakeTopic): void => {
    storage.onWake(topic, keys => wake(topic, keys))
    wake(topic, undefined)
  }
  port.on('message', (message: ToStore) => {
    if (message.kind === 'close') {
      port.close()
      return
    }
    if (message.kind === 'listen') {
      listen(message.topic)
      return
    }
    for (const { id, operation: name, input } of message.writes) {
      const wire = registry.get(name)?.wire
      runWrite(storage, registry, name, wire ? wire.unpack(input) : input).then(
        output => answer({ id, output }),
        (cause: unknown) => answer({ id, ...describeFault(cause) }),
      )
    }
  })
}

/** Runs an operation by its name; only writes are to be had so. */
export function runWrite(
  storage: Storage,
  registry: OperationRegistry,
  name: string,
  input: unknown,
): Promise<unknown> {
  const operation = registry.get(name)
  if (operation?.access !== 'write') {
    return Promise.reject(
      new Fault(
        'OPERATION_UNKNOWN',
        `The server has no write operation "${name}": command and server differ in their version.`,
      ),
    )
  }
  return storage.run(operation, input)
}

export function describeFault(cause: unknown): { code: string; message: string } {
  if (cause instanceof Fault) return { code: cause.code, message: cause.message }
  return {
    code: 'OPERATION_FAILED',
    message: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
  }
}
