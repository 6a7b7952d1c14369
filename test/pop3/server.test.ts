// What a client sees of a POP3 server beyond a dialogue: large answers, floods, an end at any time.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { TurnedAway } from '../../src/connection/connection-host.ts'
import type { Response } from '../../src/pop3/responses/response.ts'
import { createPop3Server } from '../../src/pop3/server/create-pop3-server.ts'
import type { ListenerRole } from '../../src/pop3/server/services.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { Pop3Client } from '../harness/pop3-client.ts'
import { resetSocket } from '../harness/reset-socket.ts'
import { createScramClient } from '../harness/scram-client.ts'
import { testSecureContext } from '../harness/secure-context.ts'
import { createHouse } from './house.ts'
import { startServer } from './start-server.ts'

const mebibyte = 1024 * 1024

/** What the server's process does about what it has heard, it has done after so many turns. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await nextTurn()
}

test('SCRAM: the server proves itself in a last challenge (RFC 5034 §4)', async t => {
  const { connect } = await startServer(t)
  const client = await connect('greeted')
  const scram = createScramClient({ name: 'anna@example.test', password: 'secret word' })
  const decode = (line: string | undefined): string => Buffer.from(line?.slice(2) ?? '', 'base64').toString()
  const encode = (text: string): string => Buffer.from(text).toString('base64')
  const challenge = decode(await client.command(`AUTH SCRAM-SHA-256 ${encode(scram.first)}`))
  const proof = decode(await client.command(encode(scram.answer(challenge))))
  assert.equal(proof, scram.expected)
  assert.equal(await client.command(''), '+OK Messages: 5, octets: 201')
})

test('a message of 64 MiB goes out as fast as it is read, in bounded memory', async t => {
  const block = Buffer.alloc(mebibyte, `${'x'.repeat(62)}\r\n`)
  let made = 0
  async function* text(): AsyncGenerator<Uint8Array> {
    for (let count = 0; count < 64; count++) {
      made++
      yield block
    }
  }
  const { connect, house } = await startServer(t, {}, { messages: [{ size: 64 * mebibyte, text }] })
  const client = await connect()
  client.socket.removeAllListeners('data')
  client.socket.pause()
  client.write('RETR 1\r\nSTAT\r\nQUIT\r\n')
  await turns(500)
  assert.ok(made < 16, `${made} MiB were made for a client that reads nothing`)
  let octets = 0
  let tail = ''
  for await (const piece of client.socket as AsyncIterable<Buffer>) {
    octets += piece.length
    tail = (tail + piece.subarray(-100).toString('latin1')).slice(-100)
  }
  const answers = `.\r\n+OK 1 ${64 * mebibyte}\r\n+OK Until next time\r\n`
  assert.ok(tail.endsWith(answers), tail)
  assert.equal(octets, '+OK 67108864 octets\r\n'.length + 64 * mebibyte + answers.length)
  assert.deepEqual(house.updates, ['deleted , seen 1'])
})

test('who goes away in the middle of a message leaves nothing open, and nothing is seen or deleted', async t => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield Buffer.alloc(64 * 1024, 'x')
  }
  const { connect, house, server, logged } = await startServer(
    t,
    {},
    { messages: [{ size: 1, text: endless }] },
  )
  const client = await connect()
  client.write('DELE 1\r\nRSET\r\nRETR 1\r\n')
  await once(client.socket, 'data')
  client.destroy()
  while (server.connectionCount > 0 || house.open() > 0) await nextTurn()
  assert.deepEqual(house.updates, [])
  assert.deepEqual(
    logged.filter(line => line.includes('unexpected')),
    [],
  )
})

test('a client that does not read is given up, and its maildrop is free', async t => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield Buffer.alloc(mebibyte, 'x')
  }
  const clock = createManualClock()
  const { connect, house, server } = await startServer(
    t,
    { clock },
    { messages: [{ size: 1, text: endless }] },
  )
  const client = await connect()
  client.socket.pause()
  client.write('RETR 1\r\n')
  await turns(200)
  clock.advance(170_000)
  await turns(20)
  assert.equal(server.connectionCount, 1)
  clock.advance(20_000)
  while (server.connectionCount > 0 || house.open() > 0) await nextTurn()
  client.destroy()
})

test('commands that come all at once are answered in their order, as fast as they are read', async t => {
  const { connect } = await startServer(t)
  const client = await connect()
  client.socket.pause()
  const count = 5000
  client.write('STAT\r\nUIDL\r\n'.repeat(count))
  await turns(200)
  client.socket.resume()
  for (let answered = 0; answered < count; answered++) {
    assert.equal(await client.line(), '+OK 5 201')
    assert.equal(await client.line(), '+OK Messages: 5')
    assert.equal((await client.lines()).length, 4)
  }
})

test('who goes away while his maildrop is opened has none', async t => {
  const gate = Promise.withResolvers<void>()
  const { connect, house, server } = await startServer(t, {}, { whenOpening: () => gate.promise })
  const client = await connect('greeted')
  client.write('USER anna@example.test\r\nPASS secret word\r\n')
  assert.equal(await client.line(), '+OK And the password?')
  resetSocket(client.socket)
  while (server.connectionCount > 0) await nextTurn()
  gate.resolve()
  await turns(20)
  assert.equal(house.open(), 0)
})

test('who goes away behind QUIT has what he wanted', async t => {
  const gate = Promise.withResolvers<void>()
  const { connect, house, server } = await startServer(t, {}, { whenUpdating: () => gate.promise })
  const client = await connect()
  client.write('DELE 1\r\nQUIT\r\n')
  assert.equal(await client.line(), '+OK Deleted when you QUIT')
  resetSocket(client.socket)
  while (server.connectionCount > 0) await nextTurn()
  gate.resolve()
  while (house.open() > 0) await nextTurn()
  assert.deepEqual(house.updates, ['deleted 1, seen '])
})

test('a server that stops lets those finish who have deleted something', async t => {
  const { connect, house, server } = await startServer(t)
  const [idle, deleting] = [await connect(), await connect()]
  await deleting.command('DELE 1')
  const closed = server.close(60_000)
  assert.deepEqual(await idle.rest(), [
    '-ERR [SYS/TEMP] The server is about to stop; connect again in a moment',
  ])
  assert.equal(await deleting.command('STAT'), '+OK 4 155')
  assert.equal(await deleting.command('QUIT'), '+OK Until next time; messages deleted: 1')
  assert.deepEqual(await deleting.rest(), [])
  for (const client of [idle, deleting]) client.destroy()
  await closed
  assert.deepEqual(house.updates, ['deleted 1, seen '])
})

test('a server that stops does not wait for ever: then nothing is deleted', async t => {
  const { connect, house, server } = await startServer(t)
  const client = await connect()
  await client.command('DELE 1')
  await server.close()
  assert.deepEqual(await client.rest(), [
    '-ERR [SYS/TEMP] The server is about to stop; connect again in a moment',
  ])
  assert.deepEqual(house.updates, [])
  assert.equal(house.open(), 0)
})

test('too many connections from one address are told so, and to the trail', async t => {
  const turnedAway: TurnedAway<ListenerRole, Response>[] = []
  const { port, connect } = await startServer(t, {
    limits: { maxConnectionsPerAddress: 1 },
    services: { ...createHouse().services, turnedAway: peer => void turnedAway.push(peer) },
  })
  await connect('greeted')
  const second = await Pop3Client.open(port)
  assert.deepEqual(await second.rest(), ['-ERR [SYS/TEMP] Too many connections from 127.0.0.1'])
  second.destroy()
  assert.deepEqual(
    turnedAway.map(({ role, remoteAddress, response }) => [role, remoteAddress, response?.code]),
    [['pop3', '127.0.0.1', 'SYS/TEMP']],
  )
})

test('a handshake that fails is told to the trail with its reason, and disturbs nobody', async t => {
  const turnedAway: TurnedAway<ListenerRole, Response>[] = []
  const { port, server } = await startServer(t, {
    listeners: [{ role: 'pop3s', address: '127.0.0.1', port: 0 }],
    tls: { secureContext: testSecureContext },
    services: { ...createHouse().services, turnedAway: peer => void turnedAway.push(peer) },
  })
  const client = await Pop3Client.open(port)
  client.write('USER anna@example.test\r\n')
  await client.rest()
  while (server.connectionCount > 0) await nextTurn()
  assert.deepEqual(
    turnedAway.map(({ problem }) => problem),
    ['TLS handshake failed: the client spoke without TLS to the port for TLS'],
  )
})

test('a certificate that cannot be used: STLS is refused, and the session goes on', async t => {
  const { connect, logged } = await startServer(t, {
    tls: {
      secureContext() {
        throw new Error('no such file')
      },
    },
  })
  const client = await connect('greeted')
  assert.equal(await client.command('STLS'), '-ERR [SYS/TEMP] TLS cannot be had now')
  assert.equal(await client.command('CAPA'), '+OK What there is')
  assert.deepEqual(logged, ['a POP3 connection failed on an unexpected error: Error: no such file'])
})

test('a listener that begins with TLS needs a certificate', () => {
  assert.throws(
    () =>
      createPop3Server({
        hostname: 'mail.example.test',
        listeners: [{ role: 'pop3s', address: '127.0.0.1', port: 0 }],
        services: createHouse().services,
      }),
    /A listener for pop3s starts with TLS/,
  )
})

test('STLS on a real connection, and a log-in over it', async t => {
  const { connect, house } = await startServer(t, {
    tls: { secureContext: testSecureContext },
    allowPlaintextAuthOnLoopback: false,
  })
  const client = await connect('greeted')
  assert.equal(await client.command('STLS'), '+OK Begin TLS now')
  await client.startTls()
  assert.equal(await client.logIn('anna@example.test', 'secret word'), '+OK Messages: 5, octets: 201')
  assert.equal(await client.command('QUIT'), '+OK Until next time')
  assert.equal(house.open(), 0)
})
