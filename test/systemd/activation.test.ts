// The server as systemd starts it, by something that does the same: sockets handed over, and what it says of itself.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { settingsSchema } from '../../src/config/schema.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { takeActivatedSockets } from '../../src/systemd/activated-sockets.ts'
import { eventually } from '../harness/eventually.ts'
import { findFreePort } from '../harness/free-port.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { missing } from '../harness/programs.ts'
import { openConnection } from '../harness/raw-connection.ts'
import { createServerFolder, type ServerFolder } from '../harness/server-process.ts'
import { startOwnThreads } from '../harness/start-threads.ts'
import { type ServiceManagerStandIn, startAsService } from '../harness/systemd-stand-in.ts'
import { createThreadKiller } from '../main/kill-thread.ts'

const skip = process.platform === 'linux' ? missing('python3') : 'there is systemd on Linux only'
/** The server runs its own without systemd-notify too, but then nobody hears of it. */
const skipNotify = skip || missing('systemd-notify')

interface Ports {
  readonly relay: number
  readonly submission: number
}

async function createFolder(t: TestContext): Promise<{ readonly at: ServerFolder; readonly ports: Ports }> {
  const [relay, submission] = [await findFreePort(), await findFreePort()]
  const at = await createServerFolder({
    listeners: [
      { role: 'relay', address: '127.0.0.1', port: relay },
      { role: 'submission', address: '127.0.0.1', port: submission },
    ],
    tables: '[threads]\nfront = 2',
  })
  t.after(() => at.remove())
  return { at, ports: { relay, submission } }
}

function start(
  t: TestContext,
  at: ServerFolder,
  ports: readonly number[],
  environment?: Record<string, string>,
): ServiceManagerStandIn {
  const service = startAsService(
    at,
    ports.map(port => `127.0.0.1:${port}`),
    environment,
  )
  t.after(() => service.stop())
  return service
}

async function greetingOf(port: number): Promise<number | undefined> {
  const connection = await openConnection(port)
  const greeting = await connection.reply()
  connection.destroy()
  return greeting?.code
}

const many = <Result>(count: number, make: () => Promise<Result>): Promise<Result[]> =>
  Promise.all(Array.from({ length: count }, make))

test('sockets of systemd: shared out, and whoever comes while the server is started again waits', {
  skip,
}, async t => {
  const { at, ports } = await createFolder(t)
  const service = start(t, at, [ports.relay, ports.relay, ports.submission])
  const pid = Number((await service.next('started')).split(' ')[1])
  // Before it is there: both sockets of one port are answered, each by a front of its own; so is the only one of the other.
  assert.deepEqual(new Set(await many(16, () => greetingOf(ports.relay))), new Set([220]))
  assert.equal(await greetingOf(ports.submission), 220)
  assert.match(service.output(), /"sockets":3,"fronts":2,"msg":"systemd opened sockets"/)
  await eventually('the server can be told to stop', async () =>
    service.output().includes('"msg":"listening"') ? true : undefined,
  )
  const session = await openConnection(ports.relay)
  t.after(() => session.destroy())
  await session.reply()
  await session.command('HELO client.example.net')
  await session.command('MAIL FROM:<boris@example.net>')
  // So many that each front has some. They are told as it closes its sockets.
  const idle = await many(32, () => openConnection(ports.relay))
  for (const connection of idle) {
    t.after(() => connection.destroy())
    assert.equal((await connection.reply())?.code, 220)
  }
  process.kill(pid, 'SIGTERM')
  for (const connection of idle) assert.equal((await connection.reply())?.code, 421)
  // One that is under way ends as it would without systemd; nobody new is told 421 or refused.
  const newcomers = many(16, () => greetingOf(ports.relay))
  await session.command('RSET')
  assert.equal(await service.next('ended'), 'ended 0')
  await service.next('started')
  assert.deepEqual(new Set(await newcomers), new Set([220]))
})

test('what systemd is told: ready, alive, stopping', { skip: skipNotify }, async t => {
  const { at, ports } = await createFolder(t)
  const service = start(t, at, [ports.relay, ports.submission], { WATCHDOG_USEC: '600000' })
  const pid = Number((await service.next('started')).split(' ')[1])
  assert.equal(
    await service.next('notified READY=1'),
    `notified READY=1|STATUS=listening: relay 127.0.0.1:${ports.relay}, submission 127.0.0.1:${ports.submission}`,
  )
  await service.next('notified WATCHDOG=1')
  await service.next('notified WATCHDOG=1')
  process.kill(pid, 'SIGTERM')
  // drainSeconds for those who talk to clients, again for the storage, and what threads need after that.
  assert.equal(
    await service.next('notified STOPPING=1'),
    'notified STOPPING=1|STATUS=stopping|EXTEND_TIMEOUT_USEC=90000000',
  )
  await service.next('ended 0')
})

test('a socket that no listener is for ends the start with what to do', { skip }, async t => {
  const { at, ports } = await createFolder(t)
  const service = start(t, at, [ports.relay, await findFreePort()])
  assert.equal(await service.next('ended'), 'ended 1')
  assert.match(
    service.output(),
    /systemd hands over a socket on 127\.0\.0\.1:\d+, and no listener of the settings has this address and port/,
  )
  assert.match(
    service.output(),
    /\[\[listeners\]\] of the settings file and after ListenStream= in postrider\.socket/,
  )
  assert.doesNotMatch(service.output(), /at .*\.ts:\d+/)
})

test('variables that are about another process are none of ours, and go no further', () => {
  const environment = { LISTEN_PID: '1', LISTEN_FDS: '3', LISTEN_FDNAMES: 'a:b:c', LANG: 'C' }
  assert.deepEqual(takeActivatedSockets(environment, process.pid), [])
  assert.deepEqual(environment, { LANG: 'C' })
})

test('what is handed over and is no socket that listens is refused', { skip }, () => {
  const { pid } = process
  assert.throws(() => takeActivatedSockets({ LISTEN_PID: String(pid), LISTEN_FDS: '1' }, pid), {
    code: 'ACTIVATED_SOCKET_UNFIT',
    message: /Write ListenStream= with a port/,
  })
})

for (const role of ['front', 'store'] as const) {
  test(`with sockets of systemd, a ${role} thread that dies ends the process, which gets them again`, async t => {
    const folder = await mkdtemp(join(tmpdir(), 'activation-'))
    const killer = await createThreadKiller(t)
    // Stands for what systemd keeps open. Its descriptor goes with the thread, so it is never closed here.
    const kept = createServer().listen(0, '127.0.0.1').unref()
    await new Promise(resolve => kept.once('listening', resolve))
    const { fd } = (kept as unknown as { readonly _handle: { readonly fd: number } })._handle
    const settings = settingsSchema.parse({
      hostname: 'mail.example.test',
      listeners: [{ role: 'relay', address: '127.0.0.1', port: 25 }],
      threads: { front: 1 },
      log: { level: 'error' },
    })
    const threads = await startOwnThreads(
      { ...settings, dataFolder: folder },
      { clock: createManualClock(), log: silentLog, sockets: [[fd]] },
    )
    t.after(async () => {
      await threads.stop(0)
      await rm(folder, { recursive: true, force: true })
    })
    await killer.kill('delivery')
    await killer.kill(role)
    await assert.rejects(threads.failed, { code: 'THREAD_HAD_SOCKETS' })
  })
}
