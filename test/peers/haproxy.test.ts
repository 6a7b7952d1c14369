// A real HAProxy with the configuration of deploy/, but for its addresses, before two servers over one PostgreSQL.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createTransport } from 'nodemailer'
import { eventually } from '../harness/eventually.ts'
import { createAccount, listMailbox, readMessage } from '../harness/mailboxes.ts'
import { type PostgresServer, startPostgres } from '../harness/postgres-server.ts'
import { findProgram, missing, runProgram } from '../harness/programs.ts'
import { openConnection, type RawConnection } from '../harness/raw-connection.ts'
import {
  createServerFolder,
  type ServerFolder,
  type ServerProcess,
  startServer,
} from '../harness/server-process.ts'

const anna = 'anna@example.test'
const password = 'correct horse battery staple'

// The ports of the shipped file, at addresses that nobody else has: all of 127.0.0.0/8 is this machine.
const network = `127.${randomInt(1, 255)}.${randomInt(255)}`
const balancer = `${network}.10`
const nodes = [`${network}.11`, `${network}.12`] as const
const client = `${network}.99`

const skip =
  missing('haproxy') ||
  (process.platform !== 'linux' && 'only Linux has all of 127.0.0.0/8') ||
  (process.getuid?.() !== 0 && 'port 25 takes root')

const shipped = join(import.meta.dirname, '../../deploy/haproxy/haproxy.cfg')

async function createNode(address: string, storage: string): Promise<ServerFolder> {
  const ports = { relay: 25, submission: 587, submissions: 465 }
  return await createServerFolder({
    settings: `storage = "${storage}"`,
    listeners: Object.entries(ports).map(([role, port]) => ({
      role,
      address,
      port,
      // HAProxy talks from whichever address of this machine the system chooses.
      proxyFrom: ['127.0.0.0/8'],
    })),
    tables: `[health]\naddress = "${address}"\nport = 8025\nstopDelaySeconds = 10`,
  })
}

async function greet(): Promise<RawConnection> {
  const connection = await openConnection(25, balancer, client)
  assert.equal((await connection.reply())?.code, 220)
  assert.equal((await connection.command('HELO client.example.net'))?.code, 250)
  return connection
}

async function beginMessage(connection: RawConnection): Promise<void> {
  assert.equal((await connection.command('MAIL FROM:<boris@example.net>'))?.code, 250)
  assert.equal((await connection.command(`RCPT TO:<${anna}>`))?.code, 250)
}

/** The reply to the end of mail data. */
async function endMessage(connection: RawConnection, subject: string): Promise<string> {
  assert.equal((await connection.command('DATA'))?.code, 354)
  const reply = await connection.command(`Subject: ${subject}\r\n\r\nGood day.\r\n.`)
  assert.ok(reply?.code === 250, reply?.text ?? 'the connection was closed')
  connection.destroy()
  return reply.text
}

async function send(subject: string): Promise<string> {
  const connection = await greet()
  await beginMessage(connection)
  return await endMessage(connection, subject)
}

describe('behind HAProxy', { skip, timeout: 180_000 }, () => {
  let database: PostgresServer
  const folders: ServerFolder[] = []
  const servers: ServerProcess[] = []
  let haproxy: ChildProcess
  let said = ''

  before(async () => {
    database = await startPostgres({ settings: ['fsync = off'] })
    const uri = await database.createDatabase('postrider')
    for (const address of nodes) folders.push(await createNode(address, uri))
    const [first] = folders
    assert.ok(first)
    await createAccount(first, anna, password)
    for (const folder of folders) servers.push(await startServer(folder))
    const text = (await readFile(shipped, 'utf8'))
      .replaceAll('192.0.2.11', nodes[0])
      .replaceAll('192.0.2.12', nodes[1])
      .replaceAll(/^( +bind) :/gm, `$1 ${balancer}:`)
    const file = join(first.folder, 'haproxy.cfg')
    await writeFile(file, text)
    haproxy = spawn(findProgram('haproxy') ?? 'haproxy', ['-db', '-f', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [haproxy.stdout, haproxy.stderr])
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        said += chunk
      })
    await eventually('HAProxy lets somebody through', async () => {
      if (haproxy.exitCode !== null) assert.fail(`HAProxy ended:\n${said}`)
      const connection = await greet().catch(() => undefined)
      connection?.destroy()
      return connection && true
    })
  })

  after(async () => {
    if (haproxy.exitCode === null) {
      haproxy.kill('SIGTERM')
      await once(haproxy, 'exit')
    }
    await Promise.all(servers.map(server => server.kill()))
    await Promise.all(folders.map(folder => folder.remove()))
    await database.stop()
  })

  it('the shipped file is in order as it stands', async () => {
    const { exitCode, stdout, stderr } = await runProgram(['haproxy', '-c', '-f', shipped])
    assert.equal(exitCode, 0, stdout + stderr)
    assert.doesNotMatch(stdout + stderr, /WARNING|ALERT/)
  })

  it('the address of the client, not that of HAProxy, stands in the message and in its trail', async () => {
    const [first] = folders
    assert.ok(first)
    const reply = await send('from outside')
    const message = await readMessage(first, anna, 'from outside')
    assert.ok(message.includes(`[${client}]`), message)
    assert.ok(!message.includes('[127.0.0.1]'), message)
    assert.ok((await first.postrider('trace', reply.split(' ').at(-1) ?? '')).includes(client))
  })

  it('users log in on both of their ports', async () => {
    const [first] = folders
    assert.ok(first)
    for (const [port, secure] of [
      [587, false],
      [465, true],
    ] as const) {
      const transport = createTransport({
        host: balancer,
        port,
        secure,
        requireTLS: true,
        localAddress: client,
        tls: { rejectUnauthorized: false },
        auth: { user: anna, pass: password },
      })
      await transport.sendMail({ from: anna, to: anna, subject: `by ${port}`, text: 'Good day.' })
      transport.close()
      assert.ok((await readMessage(first, anna, `by ${port}`)).includes(`[${client}]`))
    }
  })

  it('one server is stopped: no session fails, and every message is there', async () => {
    const [leaving, staying] = servers
    const other = folders[1]
    assert.ok(leaving && staying && other)
    // One with each of them, in the middle of a message.
    const open = [await greet(), await greet()]
    for (const connection of open) await beginMessage(connection)
    const ended = leaving.exited
    process.kill(leaving.pid, 'SIGTERM')
    const state = { hasEnded: false }
    void ended.then(() => {
      state.hasEnded = true
    })
    for (const [index, connection] of open.entries()) await endMessage(connection, `drained ${index}`)
    let sent = open.length
    // One session after another. Any reply but the expected one ends the test.
    while (!state.hasEnded) await send(`drained ${sent++}`)
    for (let n = 0; n < 20; n++) await send(`drained ${sent++}`)
    assert.equal(await ended, 0)
    assert.match(said, /Server smtp\/node1 is DOWN/)
    const arrived = await eventually('every message in the mailbox', async () => {
      const subjects = (await listMailbox(other, anna)).map(({ subject }) => subject)
      const drained = subjects.filter(subject => subject.startsWith('drained '))
      return drained.length >= sent ? drained : undefined
    })
    assert.equal(new Set(arrived).size, sent)
    assert.equal(arrived.length, sent)
  })
})
