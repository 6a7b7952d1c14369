// Threads that die are started again; nothing that was answered 250 is lost (docs/adr/0004).

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import { parseAddress } from '../../src/address/parse-address.ts'
import { settingsSchema } from '../../src/config/schema.ts'
import { createAccount } from '../../src/directory/accounts.ts'
import { createDomain } from '../../src/directory/domains.ts'
import { listMailboxMessages } from '../../src/mailbox/operations.ts'
import { createConnectionCountTable } from '../../src/main/shared-connection-counts.ts'
import { startThread } from '../../src/main/start-thread.ts'
import type { Threads } from '../../src/main/threads.ts'
import { createLoginTables } from '../../src/policy/login-limiter.ts'
import { createStrangerTables } from '../../src/policy/stranger-limits.ts'
import { type Clock, systemClock } from '../../src/runtime/clock.ts'
import { type Log, silentLog } from '../../src/runtime/log.ts'
import { SqliteReader } from '../../src/storage/sqlite-reader.ts'
import { eventually } from '../harness/eventually.ts'
import { createManualClock, type ManualClock } from '../harness/manual-clock.ts'
import { openConnection, type RawConnection } from '../harness/raw-connection.ts'
import { startOwnThreads } from '../harness/start-threads.ts'
import { createThreadKiller, type ThreadKiller } from './kill-thread.ts'

interface RunningThreads extends ThreadKiller {
  readonly threads: Threads
  connect(): Promise<RawConnection>
  /** Sends a message to anna; the code of the last reply, undefined when the connection was cut. */
  send(connection: RawConnection): Promise<number | undefined>
  /** Messages in anna's mailbox. */
  delivered(): Promise<number>
  /** From now on no thread can start: it fails, or is told that its data folder is away; returns what ends that. Vain starts count anew. */
  spoilSettings(how?: 'fails' | 'away'): () => void
  /** Waits until the log has it that a thread could not be started again so often. */
  awaitVain(count: number): Promise<void>
}

async function start(
  t: TestContext,
  fronts: number,
  limits: {
    readonly maxConnectionsPerAddress?: number
    readonly strangers?: { readonly connectionsPerMinute: number }
  } = {},
  clock: Clock = systemClock,
): Promise<RunningThreads> {
  const folder = await mkdtemp(join(tmpdir(), 'threads-'))
  const killer = await createThreadKiller(t)
  const settings = settingsSchema.parse({
    hostname: 'mail.example.test',
    listeners: [
      {
        role: 'relay',
        address: '127.0.0.1',
        port: 0,
        // They say from where they come.
        proxyFrom: limits.strangers ? ['127.0.0.0/8'] : [],
      },
    ],
    spam: { greetingDelaySeconds: 0 },
    threads: { front: fronts },
    limits,
    log: { level: 'error' },
  })
  const spoilable = { ...settings, dataFolder: folder }
  let vain = 0
  const count = (text: string): void => {
    if (text.includes('could not be started again')) vain++
  }
  // Told as an error the first time only.
  const log: Log = { ...silentLog, isDebugEnabled: true, debug: count, error: count }
  const threads = await startOwnThreads(spoilable, { clock, log })
  const reader = new SqliteReader(folder)
  t.after(async () => {
    reader.close()
    await threads.stop(0)
    await rm(folder, { recursive: true, force: true })
  })
  await threads.run(createDomain.name, { name: 'example.test', at: 0 })
  await threads.run(createAccount.name, {
    address: parseAddress('anna@example.test'),
    name: '',
    passwordHash: `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
    language: 'en',
    enabled: true,
    at: 0,
  })
  const port = threads.listeners[0]?.port ?? 0
  return {
    ...killer,
    threads,
    spoilSettings(how = 'fails') {
      vain = 0
      spoilable.dataFolder = how === 'fails' ? 'no\0folder' : join(folder, 'absent', 'absent')
      return () => {
        spoilable.dataFolder = folder
      }
    },
    awaitVain: count =>
      eventually(`${count} vain starts`, async () => (vain >= count ? true : undefined)).then(() => {}),
    async connect() {
      const connection = await openConnection(port)
      t.after(() => connection.destroy())
      await connection.reply()
      await connection.command('HELO client.example.org')
      return connection
    },
    async send(connection) {
      await connection.command('MAIL FROM:<boris@example.org>')
      await connection.command('RCPT TO:<anna@example.test>')
      await connection.command('DATA')
      return (await connection.command('Subject: Test\r\n\r\nText\r\n.'))?.code
    },
    async delivered() {
      const page = { accountId: 1, mailbox: 'INBOX', limit: 1000 }
      return (await reader.run(listMailboxMessages, page)).length
    },
  }
}

/** As soon as the server listens again. */
async function connectAgain(server: RunningThreads): Promise<RawConnection> {
  const { port = 0 } = server.threads.listeners[0] ?? {}
  await eventually('the server listens again', async () => {
    const probe = connect(port, '127.0.0.1')
    const outcome = await Promise.race([
      once(probe, 'data').then(() => true),
      once(probe, 'close').then(() => undefined),
    ]).catch(() => undefined)
    probe.destroy()
    return outcome
  })
  return await server.connect()
}

/** So often a thread is tried, and cannot be started. */
async function tryInVain(server: RunningThreads, clock: ManualClock, times: number): Promise<void> {
  for (let vain = 1; vain <= times; vain++) {
    await server.awaitVain(vain)
    clock.advance(1000)
  }
}

async function awaitDelivered(server: RunningThreads, count: number): Promise<void> {
  await eventually(`${count} messages are in the mailbox`, async () =>
    (await server.delivered()) >= count ? true : undefined,
  )
  assert.equal(await server.delivered(), count)
}

test('threads of a server with one front die', async t => {
  const server = await start(t, 1)
  await t.test('a front that dies takes its own sessions along, and is there again', async () => {
    const connection = await server.connect()
    assert.equal(await server.send(connection), 250)
    await server.kill('front')
    await connection.closed
    assert.equal(await server.send(await connectAgain(server)), 250)
    await awaitDelivered(server, 2)
  })

  await t.test('a delivery thread that dies leaves its work to the next', async () => {
    const connection = await server.connect()
    await server.kill('delivery')
    for (let n = 0; n < 20; n++) assert.equal(await server.send(connection), 250)
    await awaitDelivered(server, 22)
  })

  await t.test('a store that dies while the others start is replaced once more', async () => {
    for (let deaths = 0; deaths < 4; deaths++) await server.kill('store')
    assert.equal(await server.send(await connectAgain(server)), 250)
    await awaitDelivered(server, 23)
    for (const name of ['store', 'front', 'delivery'] as const) assert.equal(server.count(name), 1, name)
  })
})

test('threads of a server with two fronts die', async t => {
  const server = await start(t, 2)
  let taken = 0
  await t.test('one front of two dies: the sessions of the other go on', async () => {
    const connections = await Promise.all(Array.from({ length: 16 }, () => server.connect()))
    await server.kill('front')
    const codes = await Promise.all(connections.map(connection => server.send(connection)))
    const survived = codes.filter(code => code === 250).length
    assert.ok(survived > 0 && survived < 16, `${survived} of 16 sessions survived`)
    assert.equal(await server.send(await connectAgain(server)), 250)
    await awaitDelivered(server, survived + 1)
    taken = survived + 1
  })

  await t.test(
    'a store that dies: every thread starts again, and what was answered 250 is there',
    async () => {
      const connection = await server.connect()
      assert.equal(await server.send(connection), 250)
      await server.kill('store')
      await connection.closed
      const next = await connectAgain(server)
      assert.equal(await server.send(next), 250)
      await awaitDelivered(server, taken + 2)
    },
  )
})

test('threads that cannot be started again', async t => {
  const clock = createManualClock()
  const server = await start(t, 1, {}, clock)
  await t.test('a thread that cannot be started again is tried later, once', async () => {
    const mend = server.spoilSettings()
    await server.kill('delivery')
    await server.awaitVain(1)
    clock.advance(1000)
    await server.awaitVain(2)
    mend()
    clock.advance(1000)
    assert.equal(await server.send(await server.connect()), 250)
    await awaitDelivered(server, 1)
    assert.equal(server.count('delivery'), 1)
  })

  await t.test(
    'a store that dies while a thread waits to be started again: there is one of each after it',
    async () => {
      const connection = await server.connect()
      const mend = server.spoilSettings()
      await server.kill('delivery')
      await server.awaitVain(1)
      mend()
      await server.kill('store')
      await connection.closed
      assert.equal(await server.send(await connectAgain(server)), 250)
      await awaitDelivered(server, 2)
      clock.advance(1000)
      assert.equal(await server.send(await server.connect()), 250)
      await awaitDelivered(server, 3)
      for (const name of ['store', 'front', 'delivery'] as const) assert.equal(server.count(name), 1, name)
    },
  )

  await t.test('a storage that is away is waited for, however long', async () => {
    const mend = server.spoilSettings('away')
    await server.kill('delivery')
    await tryInVain(server, clock, 15)
    await server.awaitVain(16)
    mend()
    clock.advance(1000)
    assert.equal(await server.send(await server.connect()), 250)
    await awaitDelivered(server, 4)
  })
})

test('connections of one address count over all fronts', async t => {
  const server = await start(t, 2, { maxConnectionsPerAddress: 5 })
  const { port = 0 } = server.threads.listeners[0] ?? {}
  // One behind the other: of two at one moment each may count the other.
  const codes: (number | undefined)[] = []
  for (let n = 0; n < 12; n++) {
    const connection = await openConnection(port)
    t.after(() => connection.destroy())
    codes.push((await connection.reply())?.code)
  }
  assert.deepEqual(codes, [...Array.from({ length: 5 }, () => 220), ...Array.from({ length: 7 }, () => 421)])
})

test('what a network of strangers brings counts over all fronts', async t => {
  const server = await start(t, 2, { strangers: { connectionsPerMinute: 5 } })
  const { port = 0 } = server.threads.listeners[0] ?? {}
  const codes: (number | undefined)[] = []
  for (let n = 0; n < 12; n++) {
    const connection = await openConnection(port)
    await connection.write(`PROXY TCP4 203.0.113.${n} 203.0.113.200 40000 25\r\n`)
    codes.push((await connection.reply())?.code)
    connection.destroy()
  }
  assert.deepEqual(codes, [...Array.from({ length: 5 }, () => 220), ...Array.from({ length: 7 }, () => 421)])
})

test('the connections of a front that died count no longer', async t => {
  const alone = await start(t, 1, { maxConnectionsPerAddress: 1 })
  await alone.connect()
  await alone.kill('front')
  await eventually('the only connection that is allowed is free again', async () => {
    const again = await openConnection(alone.threads.listeners[0]?.port ?? 0).catch(() => undefined)
    const greeting = await again?.reply()
    again?.destroy()
    return greeting?.code === 220 ? true : undefined
  })
})

test('a thread that is refused ends, whatever it had opened', async t => {
  const busy = createServer().listen(0, '127.0.0.1')
  await once(busy, 'listening')
  t.after(() => busy.close())
  const { port } = busy.address() as AddressInfo
  const folder = await mkdtemp(join(tmpdir(), 'threads-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const settings = settingsSchema.parse({
    hostname: 'mail.example.test',
    listeners: [{ role: 'relay', address: '127.0.0.1', port }],
    log: { level: 'error' },
  })
  const parts = { clock: systemClock, log: silentLog }
  const store = startThread(
    { role: 'store', settings: { ...settings, dataFolder: folder } },
    [],
    parts,
    () => {},
  )
  t.after(() => store.stop(0))
  await store.ready
  const { port1: storagePort, port2 } = new MessageChannel()
  store.send({ kind: 'connect-storage', port: port2 }, [port2])
  const front = startThread(
    {
      role: 'front',
      settings: { ...settings, dataFolder: folder },
      storagePort,
      number: 0,
      idSpace: 0,
      listeners: settings.listeners,
      connectionCounts: createConnectionCountTable(1),
      loginTables: createLoginTables(),
      strangerTables: createStrangerTables(),
      openTerminals: [],
      ticketKey: new Uint8Array(48),
    },
    [storagePort],
    parts,
    () => {},
  )
  await assert.rejects(front.ready, { code: 'LISTEN_PORT_IN_USE' })
  await front.ended
})

test('threads that die again and again end the server with a message', async t => {
  const clock = createManualClock()
  const server = await start(t, 1, {}, clock)
  const failed = assert.rejects(server.threads.failed, { code: 'THREADS_KEEP_DYING' })
  server.spoilSettings()
  await server.kill('delivery')
  await tryInVain(server, clock, 10)
  await failed
})

test('the thread that gets certificates may die: it is started again after a minute, and is no part of what mail needs', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'threads-'))
  const killer = await createThreadKiller(t)
  const settings = settingsSchema.parse({
    hostname: 'mail.example.test',
    listeners: [{ role: 'relay', address: '127.0.0.1', port: 0 }],
    threads: { front: 1 },
    tls: {
      acme: { agreeToTerms: true, address: '127.0.0.1', port: 0, directory: 'https://127.0.0.1:1/directory' },
    },
    log: { level: 'error' },
  })
  const clock = createManualClock(Date.now())
  const threads = await startOwnThreads({ ...settings, dataFolder: folder }, { clock, log: silentLog })
  t.after(async () => {
    await threads.stop(0)
    await rm(folder, { recursive: true, force: true })
  })
  let hasFailed = false
  threads.failed.catch(() => {
    hasFailed = true
  })
  for (let deaths = 0; deaths < 3; deaths++) {
    await killer.kill('certificates')
    await eventually('it to be started again', async () => {
      clock.advance(60_000)
      return killer.count('certificates') === 1 || undefined
    })
  }
  assert.deepEqual([...threads.all.keys()].sort(), ['delivery', 'front-0', 'store'])
  assert.ok([...threads.all.values()].every(thread => thread?.isReady))
  const connection = await openConnection(threads.listeners[0]?.port ?? 0)
  assert.equal((await connection.reply())?.code, 220)
  connection.destroy()
  assert.equal(hasFailed, false)
})
