// Storage for a thread that is not the store: reads on a connection of its own, writes over a port.
import type { MessagePort } from 'node:worker_threads'
import { Fault } from '../runtime/fault.ts'
import type { Operation, Storage, WakeListener, WakeTopic } from './operation.ts'
import { SqliteReader } from './sqlite-reader.ts'
import { StorageFault, storageIsGone } from './storage-fault.ts'
import type { FromStore, ToStore, WriteRequest } from './storage-messages.ts'
import { WakeListeners } from './wake-listeners.ts'

interface Waiting {
  readonly resolve: (output: never) => void
  readonly reject: (cause: Fault) => void
}

export function connectStorage(port: MessagePort, folder: string): Storage {
  return new ConnectedStorage(port, folder)
}

class ConnectedStorage implements Storage {
  readonly #port: MessagePort
  readonly #reader: SqliteReader
  readonly #waiting = new Map<number, Waiting>()
  readonly #listeners = new WakeListeners()
  #outbox: WriteRequest[] = []
  #lastId = 0
  #closed = false

  constructor(port: MessagePort, folder: string) {
    this.#port = port
    this.#reader = new SqliteReader(folder)
    port.on('message', (message: FromStore) => this.#take(message))
    port.on('close', () => this.#end())
  }

  run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> {
    if (operation.access === 'read') return this.#reader.run(operation, input)
    return new Promise<Output>((resolve, reject) => {
      if (this.#closed) {
        reject(storageIsGone())
        return
      }
      const id = ++this.#lastId
      this.#waiting.set(id, { resolve, reject })
      // What all sessions want in this turn of the event loop goes out together.
      const sent = operation.wire ? operation.wire.pack(input) : input
      if (this.#outbox.push({ id, operation: operation.name, input: sent }) === 1)
        setImmediate(() => this.#flush())
    })
  }

  onWake(topic: WakeTopic, listener: WakeListener): void {
    if (!this.#listeners.has(topic)) this.#port.postMessage({ kind: 'listen', topic } satisfies ToStore)
    this.#listeners.add(topic, listener)
  }

  async close(): Promise<void> {
    this.#flush()
    this.#port.postMessage({ kind: 'close' } satisfies ToStore)
    this.#port.close()
    this.#end()
    this.#reader.close()
  }

  #flush(): void {
    const writes = this.#outbox
    if (writes.length === 0) return
    this.#outbox = []
    this.#port.postMessage({ kind: 'writes', writes } satisfies ToStore)
  }

  #take({ wakes, results }: FromStore): void {
    for (const { topic, keys } of wakes) this.#listeners.wake(topic, keys)
    for (const result of results) {
      const waiting = this.#waiting.get(result.id)
      this.#waiting.delete(result.id)
      if ('code' in result) waiting?.reject(toFault(result.code, result.message))
      else waiting?.resolve(result.output as never)
    }
  }

  #end(): void {
    this.#closed = true
    for (const { reject } of this.#waiting.values()) reject(storageIsGone())
    this.#waiting.clear()
  }
}

function toFault(code: string, message: string): Fault {
  return code.startsWith('STORAGE_')
    ? new StorageFault(code as StorageFault['code'], message)
    : new Fault(code, message)
}
