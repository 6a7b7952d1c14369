// The health of a server as it is told while its parts really fail.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { settingsSchema } from '../../src/config/schema.ts'
import { formatProblems, type Health, ServerHealth } from '../../src/health/server-health.ts'
import { silentLog } from '../../src/runtime/log.ts'
import type { Operation, Storage } from '../../src/storage/operation.ts'
import { eventually } from '../harness/eventually.ts'
import { findFreePort } from '../harness/free-port.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { startPostgres } from '../harness/postgres-server.ts'
import { openConnection } from '../harness/raw-connection.ts'
import { createServerFolder, type ServerProcess, startServer } from '../harness/server-process.ts'
import { startOwnThreads } from '../harness/start-threads.ts'
import { createThreadKiller } from './kill-thread.ts'

const relay = [{ role: 'relay', address: '127.0.0.1', port: 0 }] as const

interface Told {
  readonly status: number
  readonly text: string
}

async function ask(port: number, path: string): Promise<Told> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  return { status: response.status, text: await response.text() }
}

test('a thread that hangs is found, whichever it is', async t => {
  for (const name of ['store', 'front', 'delivery'] as const) {
    const folder = await mkdtemp(join(tmpdir(), 'health-'))
    const clock = createManualClock()
    const killer = await createThreadKiller(t)
    const settings = settingsSchema.parse({
      hostname: 'mail.example.test',
      listeners: relay,
      threads: { front: 1 },
      log: { level: 'error' },
    })
    const threads = await startOwnThreads({ ...settings, dataFolder: folder }, { clock, log: silentLog })
    const health = new ServerHealth(clock, silentLog)
    const storage: Pick<Storage, 'run'> = {
      run: <Input, Output>({ name: operation }: Operation<Input, Output>, input: Input) =>
        threads.run(operation, input) as Promise<Output>,
    }
    health.serves({ threads: () => threads.all, storage, findLack: () => Promise.resolve(undefined) })
    try {
      assert.deepEqual(await health.examine(), { lifeless: [], unready: [], remarks: [] })
      await killer.block(name)
      let found: Health | undefined
      while (!found?.lifeless.length) {
        clock.advance(1000)
        const examining = health.examine()
        // Those that do answer do so on time that no clock of ours moves.
        await new Promise(resolve => setTimeout(resolve, 20))
        clock.advance(1000)
        found = await examining
      }
      const part = name === 'front' ? 'front-0' : name
      assert.deepEqual(formatProblems(found.lifeless), [`${part}: has not answered for 10 seconds`])
    } finally {
      const stopped = threads.stop(0)
      const hurry = setInterval(() => clock.advance(20_000), 20)
      await stopped
      clearInterval(hurry)
      await rm(folder, { recursive: true, force: true })
    }
  }
})

async function startTellingServer(
  t: TestContext,
  options: { readonly settings?: string; readonly health?: string } = {},
): Promise<{ readonly server: ServerProcess; readonly ask: (path: string) => Promise<Told> }> {
  const port = await findFreePort()
  const at = await createServerFolder({
    listeners: relay,
    settings: options.settings ?? '',
    tables: `[health]\nport = ${port}\n${options.health ?? ''}`,
  })
  t.after(() => at.remove())
  const server = await startServer(at)
  t.after(() => server.kill())
  // Which says nothing of what other threads and the storage do: they are asked first.
  await eventually('only a domain is missing', async () =>
    (await ask(port, '/ready')).text === 'not ready\ndirectory: has no domain\n' ? true : undefined,
  )
  assert.equal((await ask(port, '/health')).status, 200)
  await at.postrider('domain', 'create', 'example.test')
  await eventually('the server is ready', async () =>
    (await ask(port, '/ready')).status === 200 ? true : undefined,
  )
  return { server, ask: path => ask(port, path) }
}

test('a server that has been told to stop is not ready at once, and turns nobody away yet', async t => {
  const { server, ask } = await startTellingServer(t, { health: 'stopDelaySeconds = 600' })
  process.kill(server.pid, 'SIGTERM')
  await eventually('it is not ready', async () => ((await ask('/ready')).status === 503 ? true : undefined))
  assert.deepEqual(await ask('/ready'), { status: 503, text: 'not ready\nserver: is stopping\n' })
  assert.deepEqual(await ask('/health'), { status: 200, text: 'alive\n' })
  const connection = await openConnection(server.port('relay'))
  t.after(() => connection.destroy())
  assert.equal((await connection.reply())?.code, 220)
})

test('PostgreSQL that is stopped: not ready, with the reason; but alive', async t => {
  const database = await startPostgres({ settings: ['fsync = off'] })
  const uri = await database.createDatabase('postrider')
  const { server, ask } = await startTellingServer(t, { settings: `storage = "${uri}"` })
  await database.stop()
  const { text } = await eventually('the database is missed', async () => {
    const told = await ask('/ready')
    return told.text.includes('STORAGE_UNAVAILABLE') ? told : undefined
  })
  assert.equal(text, 'not ready\nstorage: STORAGE_UNAVAILABLE\n')
  assert.deepEqual(await ask('/health'), { status: 200, text: 'alive\n' })
  assert.match(server.output(), /the server takes no mail now/)
})

test('a health port that is taken ends the start with what to do', async t => {
  const taken = await openTakenPort()
  t.after(() => taken.close())
  const at = await createServerFolder({ listeners: relay, tables: `[health]\nport = ${taken.port}` })
  t.after(() => at.remove())
  const { exitCode, stderr } = await at.tryPostrider('serve')
  assert.equal(exitCode, 1)
  assert.match(stderr, new RegExp(`Another program listens on 127\\.0\\.0\\.1:${taken.port} already`))
  assert.match(stderr, /write another port in \[health\] of the settings file/)
})

async function openTakenPort(): Promise<{ readonly port: number; close(): void }> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const address = server.address()
  return { port: typeof address === 'object' && address ? address.port : 0, close: () => server.close() }
}
