// What another thread hears of commits, over its port.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { createOperationRegistry } from '../../src/storage/operation.ts'
import { serveStorage } from '../../src/storage/serve-storage.ts'
import type { FromStore, ToStore } from '../../src/storage/storage-messages.ts'
import { createNotes, makeFolder, openStorage, wakeForNote } from './notes.ts'

interface Thread {
  readonly heard: FromStore[]
  /** The ids of mailboxes that it was woken for; 0: all. */
  readonly woken: Set<number>
  send(message: ToStore): void
  /** Resolves when it has heard enough for that. */
  until(done: () => boolean): Promise<void>
}

async function openThreads(t: TestContext, count: number): Promise<readonly Thread[]> {
  const storage = await openStorage(t, makeFolder(t))
  await storage.run(createNotes, undefined)
  const registry = createOperationRegistry([wakeForNote])
  return Array.from({ length: count }, () => {
    const { port1, port2 } = new MessageChannel()
    serveStorage(port1, storage, registry)
    t.after(() => port2.close())
    return listen(port2)
  })
}

function listen(port: MessagePort): Thread {
  const heard: FromStore[] = []
  const woken = new Set<number>()
  let look = (): void => {}
  port.on('message', (message: FromStore) => {
    heard.push(message)
    for (const { keys } of message.wakes) for (const key of keys ?? [0]) woken.add(key)
    look()
  })
  return {
    heard,
    woken,
    send: message => port.postMessage(message),
    until: done =>
      new Promise(resolve => {
        look = () => {
          if (done()) resolve()
        }
        look()
      }),
  }
}

const write = (id: number): ToStore => ({
  kind: 'writes',
  writes: [{ id, operation: wakeForNote.name, input: { id, text: '' } }],
})

/** One that writes, and one that wants to be woken, and is told at first that all may have changed. */
async function openTwo(t: TestContext): Promise<readonly [Thread, Thread]> {
  const [writer, waiting] = await openThreads(t, 2)
  assert.ok(writer && waiting)
  waiting.send({ kind: 'listen', topic: 'mailbox' })
  await waiting.until(() => waiting.woken.has(0))
  return [writer, waiting]
}

test('a thread that waits hears of every commit, also while others follow', async t => {
  const [writer, waiting] = await openTwo(t)
  const ids = Array.from({ length: 300 }, (_, at) => at + 1)
  for (const id of ids) {
    writer.send(write(id))
    if (id % 10 === 0) await turn()
  }
  await waiting.until(() => ids.every(id => waiting.woken.has(id)))
})

test('a commit that wakes, and nothing behind it, is heard of', async t => {
  const [writer, waiting] = await openTwo(t)
  for (const id of [1, 2]) {
    writer.send(write(id))
    await waiting.until(() => waiting.woken.has(id))
  }
})

test('who writes has heard what his write wakes before its result', async t => {
  const [both] = await openThreads(t, 1)
  assert.ok(both)
  both.send({ kind: 'listen', topic: 'mailbox' })
  await both.until(() => both.woken.has(0))
  for (const id of [1, 2, 3]) both.send(write(id))
  await both.until(() => both.heard.flatMap(({ results }) => results).length === 3)
  const woken = new Set<number>()
  for (const { wakes, results } of both.heard) {
    for (const { keys } of wakes) for (const key of keys ?? []) woken.add(key)
    for (const { id } of results) assert.ok(woken.has(id), `write ${id} was answered before its wake-up`)
  }
})
