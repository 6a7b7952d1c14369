// What is said of the server when a part of it is silent, fails, or is not there.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countOpenAlerts } from '../../src/alert/operations.ts'
import {
  type CheckedThread,
  formatProblems,
  type Health,
  type Problem,
  ServerHealth,
} from '../../src/health/server-health.ts'
import { silentLog } from '../../src/runtime/log.ts'
import type { Storage } from '../../src/storage/operation.ts'
import { StorageFault } from '../../src/storage/storage-fault.ts'
import { createManualClock } from '../harness/manual-clock.ts'

interface Examined {
  readonly lifeless: string[]
  readonly unready: string[]
}

interface Server {
  readonly threads: Map<string, CheckedThread | undefined>
  /** Of the questions put to the storage. */
  asked(): number
  storageAnswers: () => Promise<unknown>
  openAlerts: number
  lack: Problem | undefined
  readonly health: ServerHealth
  advance(ms: number): void
  /** Whoever is silent is waited for to the end. */
  examine(): Promise<Examined>
}

const answers: CheckedThread = { isReady: true, ping: () => Promise.resolve() }

function createServer(): Server {
  const clock = createManualClock()
  const health = new ServerHealth(clock, silentLog)
  let asked = 0
  const storage = {
    run: (operation: unknown) => {
      if (operation === countOpenAlerts) return Promise.resolve(server.openAlerts)
      asked++
      return server.storageAnswers()
    },
  } as unknown as Pick<Storage, 'run'>
  const server: Server = {
    threads: new Map([
      ['store', answers],
      ['front-0', answers],
      ['delivery', answers],
    ]),
    asked: () => asked,
    storageAnswers: () => Promise.resolve(1),
    openAlerts: 0,
    lack: undefined,
    health,
    advance: ms => clock.advance(ms),
    async examine() {
      const examining = health.examine()
      // The parts have been asked, and those that answer have done so.
      await new Promise(resolve => setImmediate(resolve))
      clock.advance(1000)
      return told(await examining)
    },
  }
  health.serves({ threads: () => server.threads, storage, findLack: () => Promise.resolve(server.lack) })
  return server
}

const told = ({ lifeless, unready }: Health): Examined => ({
  lifeless: formatProblems(lifeless),
  unready: formatProblems(unready),
})

const sound: Examined = { lifeless: [], unready: [] }

test('a server whose parts answer is well, before it serves it is not ready, and stopping it is not', async () => {
  const starting = new ServerHealth(createManualClock(), silentLog)
  assert.deepEqual(told(await starting.examine()), { lifeless: [], unready: ['server: is starting'] })
  const server = createServer()
  assert.deepEqual(await server.examine(), sound)
  server.health.stops()
  // At once, whatever was found a moment ago.
  assert.deepEqual(told(await server.health.examine()), { lifeless: [], unready: ['server: is stopping'] })
})

test('open alerts are told, and are no reason to call the server unwell', async () => {
  const server = createServer()
  server.openAlerts = 2
  assert.deepEqual(await server.examine(), sound)
  assert.deepEqual((await server.health.examine()).remarks, [
    '2 alerts are open: "postrider alerts" says what to do',
  ])
})

test('a server whose parts all work, and which yet can take no mail, is not ready and lives', async () => {
  const server = createServer()
  server.lack = { part: 'directory', what: 'has no domain' }
  assert.deepEqual(await server.examine(), { lifeless: [], unready: ['directory: has no domain'] })
  server.lack = undefined
  server.advance(1000)
  assert.deepEqual(await server.examine(), sound)
})

test('a thread that does not answer takes no mail; after ten seconds the process is not worth keeping', async () => {
  const server = createServer()
  const pong = Promise.withResolvers<void>()
  server.threads.set('front-0', { isReady: true, ping: () => pong.promise })
  const silent = 'front-0: does not answer'
  assert.deepEqual(await server.examine(), { lifeless: [], unready: [silent] })
  server.advance(9000)
  const dead = 'front-0: has not answered for 10 seconds'
  assert.deepEqual(await server.examine(), { lifeless: [dead], unready: [dead] })
  server.threads.set('front-0', answers)
  server.advance(1000)
  assert.deepEqual(await server.examine(), sound)
})

test('a thread that is being started again is no reason to end the others', async () => {
  const server = createServer()
  server.threads.set('delivery', undefined)
  server.threads.set('front-0', { ...answers, isReady: false })
  assert.deepEqual(await server.examine(), {
    lifeless: [],
    unready: ['front-0: is being started', 'delivery: is being started'],
  })
})

test('a database that is away takes no mail, and is no reason to end the process', async () => {
  const server = createServer()
  server.storageAnswers = () =>
    Promise.reject(new StorageFault('STORAGE_UNAVAILABLE', 'PostgreSQL at db1.example.test is away'))
  assert.deepEqual(await server.examine(), { lifeless: [], unready: ['storage: STORAGE_UNAVAILABLE'] })
})

test('a storage that has a deadline of its own and does not even fail is broken here', async () => {
  const server = createServer()
  server.storageAnswers = () => new Promise(() => {})
  assert.deepEqual(await server.examine(), { lifeless: [], unready: ['storage: does not answer'] })
  server.advance(100_000)
  assert.deepEqual((await server.examine()).lifeless, [])
  server.advance(20_000)
  const broken = 'storage: has neither answered nor failed for 120 seconds'
  assert.deepEqual(await server.examine(), { lifeless: [broken], unready: [broken] })
})

test('a storage that takes longer to fail than anybody waits: why is told as soon as it is known', async () => {
  const server = createServer()
  const answer = Promise.withResolvers<unknown>()
  server.storageAnswers = () => answer.promise
  assert.deepEqual((await server.examine()).unready, ['storage: does not answer'])
  answer.reject(new StorageFault('STORAGE_UNAVAILABLE', 'PostgreSQL is away'))
  server.storageAnswers = () => new Promise(() => {})
  server.advance(1000)
  assert.deepEqual((await server.examine()).unready, ['storage: STORAGE_UNAVAILABLE'])
})

test('the storage is asked once a second at most, and one question at a time', async () => {
  const server = createServer()
  await Promise.all(Array.from({ length: 50 }, () => server.health.examine()))
  assert.equal(server.asked(), 1)
  server.advance(1000)
  await server.health.examine()
  assert.equal(server.asked(), 2)
  server.advance(1000)
  server.storageAnswers = () => new Promise(() => {})
  for (let n = 0; n < 5; n++) await server.examine()
  assert.equal(server.asked(), 3)
})
