// Too many connections, a server that is shutting down, peers that hold their place: what a peer sees of it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Log } from '../../src/runtime/log.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import type { RawConnection } from '../harness/raw-connection.ts'
import { beginTransaction, remainingCodes, startServer } from './start-server.ts'

void test('over maxConnections: 421, and a place is free again when another peer leaves', async () => {
  const { server, connect, greeted } = await startServer({ limits: { maxConnections: 2 } })
  const first = await greeted()
  const second = await greeted()
  const third = await connect()
  assert.deepEqual(await remainingCodes(third), [421])
  first.destroy()
  await first.closed
  while (server.connectionCount > 1) await nextTurn()
  const fourth = await greeted()
  for (const connection of [second, fourth]) connection.destroy()
  await server.close()
})

void test('over maxConnectionsPerAddress: 421 for this address only', async () => {
  const { server, port, connect, greeted } = await startServer({ limits: { maxConnectionsPerAddress: 1 } })
  const first = await greeted()
  const second = await connect()
  assert.deepEqual(await remainingCodes(second), [421])
  const other = connectTcp({ port, host: '127.0.0.1', localAddress: '127.0.0.2' })
  const [greeting]: unknown[] = await once(other, 'data')
  assert.match(String(greeting), /^220 /)
  other.destroy()
  first.destroy()
  await server.close()
})

void test('over maxConnectionsPerAddress: a host with a /64 of IPv6 addresses is one, and is forgotten when it goes', async () => {
  const { server, connect } = await startServer({
    limits: { maxConnectionsPerAddress: 1 },
    listeners: [{ role: 'relay', address: '127.0.0.1', port: 0, proxyFrom: ['127.0.0.1'] }],
  })
  const connectAs = async (address: string): Promise<RawConnection> => {
    const connection = await connect()
    await connection.write(`PROXY TCP6 ${address} 2001:db8:ffff::1 41234 25\r\n`)
    return connection
  }
  const first = await connectAs('2001:db8::1')
  assert.equal((await first.reply())?.code, 220)
  const refusal = await (await connectAs('2001:db8::2')).reply()
  assert.deepEqual([refusal?.code, refusal?.text.includes('2001:db8::/64')], [421, true])
  const neighbour = await connectAs('2001:db8:0:1::1')
  assert.equal((await neighbour.reply())?.code, 220)
  const mapped = await connectAs('::ffff:192.0.2.1')
  assert.equal((await mapped.reply())?.code, 220)
  const alsoMapped = await connectAs('::ffff:192.0.2.2')
  assert.equal((await alsoMapped.reply())?.code, 220)
  first.destroy()
  while (server.connectionCount > 3) await nextTurn()
  const third = await connectAs('2001:db8::3')
  assert.equal((await third.reply())?.code, 220)
  for (const connection of [neighbour, mapped, alsoMapped, third]) connection.destroy()
  await server.close()
})

void test('a service refuses a peer at connect; another one fails: both are told and closed', async () => {
  let calls = 0
  const { server, connect } = await startServer({
    services: {
      connect() {
        if (++calls > 1) throw new Error('a fault that the test wants')
        return { code: 554, enhanced: '5.7.1', lines: ['Not you'] }
      },
    },
  })
  assert.deepEqual(await remainingCodes(await connect()), [554])
  assert.deepEqual(await remainingCodes(await connect()), [421])
  await server.close()
})

for (const [verb, service] of [
  ['EHLO', 'hello'],
  ['MAIL', 'acceptReversePath'],
  ['RCPT', 'acceptForwardPath'],
  ['DATA', 'receive'],
] as const)
  void test(`a service that answers ${verb} with 421 ends the session`, async () => {
    const enough = { code: 421, enhanced: '4.7.28', lines: ['Enough for now'] }
    const { server, connect } = await startServer({ services: { [service]: () => enough } })
    const connection = await connect()
    await connection.reply()
    const lines = ['EHLO client.example.org', 'MAIL FROM:<a@example.org>', 'RCPT TO:<b@example.test>', 'DATA']
    for (const line of lines) {
      const code = (await connection.command(line))?.code
      if (line.startsWith(verb)) {
        assert.equal(code, 421)
        break
      }
      assert.equal(code, 250)
    }
    await connection.closed
    await server.close()
  })

void test('draining: 421 between transactions, an open one is finished first', async () => {
  const { server, port, taken, connect, greeted } = await startServer()
  const idle = await greeted()
  const busy = await greeted()
  await beginTransaction(busy)
  const closed = server.close(60_000)
  assert.deepEqual(await remainingCodes(idle), [421])
  assert.deepEqual(await remainingCodes(await connect()), [421])
  assert.equal((await busy.command('DATA'))?.code, 354)
  await busy.write('Hello\r\n.\r\n')
  assert.deepEqual(await remainingCodes(busy), [250, 421])
  await closed
  assert.deepEqual(
    taken.map(({ mailData }) => mailData),
    ['Hello\r\n'],
  )
  const refused = connectTcp({ port, host: '127.0.0.1' })
  const [cause]: unknown[] = await once(refused, 'error')
  assert.match(String(cause), /ECONNREFUSED/)
})

void test('draining ends with the grace: a transaction that does not end is cut', async () => {
  const clock = createManualClock()
  const { server, greeted, openSinks, abortedSinks } = await startServer({ clock })
  const busy = await greeted()
  await beginTransaction(busy)
  assert.equal((await busy.command('DATA'))?.code, 354)
  const closed = server.close(5000)
  clock.advance(5000)
  assert.deepEqual(await remainingCodes(busy), [421])
  await Promise.all([closed, busy.closed])
  assert.deepEqual([openSinks(), abortedSinks()], [0, 1])
})

void test('a peer that never closes its half is cut in the end', async () => {
  const clock = createManualClock()
  const { server, port } = await startServer({ clock })
  const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'data')
  socket.write('GET / HTTP/1.1\r\n')
  await once(socket, 'end')
  assert.equal(server.connectionCount, 1)
  clock.advance(20_000)
  while (server.connectionCount > 0) await nextTurn()
  socket.destroy()
  await server.close()
})

void test('a balancer that names nobody, and a handshake that does not begin, are cut at the deadline', async () => {
  const clock = createManualClock()
  const { testSecureContext } = await import('../harness/secure-context.ts')
  for (const listener of [
    { role: 'relay', address: '127.0.0.1', port: 0, proxyFrom: ['127.0.0.1'] },
    { role: 'submissions', address: '127.0.0.1', port: 0 },
  ] as const) {
    const { server, connect } = await startServer({
      clock,
      listeners: [listener],
      tls: { secureContext: testSecureContext },
    })
    const silent = await connect()
    while (server.connectionCount === 0) await nextTurn()
    clock.advance(600_000)
    assert.deepEqual(await remainingCodes(silent), [])
    await server.close()
  }
})

void test('a service that is slow is not the fault of the peer: no timeout while it is asked', async () => {
  const clock = createManualClock()
  let answer: () => void = () => {}
  const { server, greeted } = await startServer({
    clock,
    services: {
      hello: () =>
        new Promise(resolve => {
          answer = () => resolve(undefined)
        }),
    },
  })
  const connection = await greeted()
  await connection.write('HELO client.example.org\r\n')
  for (let turn = 0; turn < 20; turn++) await nextTurn()
  clock.advance(3_600_000)
  answer()
  assert.equal((await connection.reply())?.code, 250)
  connection.destroy()
  await server.close()
})

void test('a service that never answers does not hold a place for ever: the session has its end', async () => {
  for (const slow of ['connect', 'hello', 'acceptReversePath', 'acceptForwardPath', 'receive'] as const) {
    const clock = createManualClock()
    let asked: () => void = () => {}
    const isAsked = new Promise<void>(resolve => {
      asked = resolve
    })
    const { server, connect } = await startServer({
      clock,
      limits: { sessionTimeoutMs: 7_200_000 },
      services: {
        [slow]: () => {
          asked()
          return new Promise(() => {})
        },
      },
    })
    const connection = await connect()
    // An early talker is cut: each waits for the greeting.
    if (slow !== 'connect') {
      assert.equal((await connection.reply())?.code, 220)
      await connection.write(
        'EHLO client.example.org\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n',
      )
    }
    await isAsked
    clock.advance(7_190_000)
    assert.equal(server.connectionCount, 1, slow)
    clock.advance(10_000)
    assert.equal((await remainingCodes(connection)).at(-1), 421, slow)
    await connection.closed
    await server.close()
  }
})

void test('a message that is being stored is answered, although the session is over; then it ends', async () => {
  const clock = createManualClock()
  let stored: () => void = () => {}
  let begun: () => void = () => {}
  const hasBegun = new Promise<void>(resolve => {
    begun = resolve
  })
  const { server, greeted, taken } = await startServer({
    clock,
    limits: { sessionTimeoutMs: 7_200_000 },
    whenFinishing: () =>
      new Promise(resolve => {
        begun()
        stored = resolve
      }),
  })
  const connection = await greeted()
  await beginTransaction(connection)
  assert.equal((await connection.command('DATA'))?.code, 354)
  await connection.write('Hello\r\n.\r\n')
  await hasBegun
  clock.advance(7_300_000)
  stored()
  assert.equal((await connection.reply())?.code, 250)
  clock.advance(10_000)
  assert.deepEqual(await remainingCodes(connection), [421])
  assert.equal(taken.length, 1)
  await server.close()
})

void test('a port that is taken: listen rejects, and no other listener stays', async () => {
  const { server, port } = await startServer()
  await assert.rejects(
    startServer({
      listeners: [
        { role: 'relay', address: '127.0.0.1', port: 0 },
        { role: 'relay', address: '127.0.0.1', port },
      ],
    }),
    { code: 'EADDRINUSE' },
  )
  await server.close()
})

void test('an idle peer that never closes its half holds a stop for a second or two, not for the whole grace', async () => {
  const clock = createManualClock()
  const { server, port } = await startServer({ clock })
  const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'data')
  const closed = server.close(60_000)
  socket.resume()
  await once(socket, 'end')
  clock.advance(2000)
  await closed
  socket.destroy()
})

void test('a peer that was refused before the stop, and never closes its half, does not hold it longer', async () => {
  const clock = createManualClock()
  const { server, port } = await startServer({ clock })
  const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'data')
  socket.write('GET / HTTP/1.1\r\n')
  socket.resume()
  await once(socket, 'end')
  const closed = server.close(60_000)
  clock.advance(2000)
  for (let turn = 0; turn < 20; turn++) await nextTurn()
  assert.equal(server.connectionCount, 0)
  await closed
  socket.destroy()
})

void test('nor does one whose last command is still being looked at when the stop comes', async () => {
  const clock = createManualClock()
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<undefined>()
  const { server, port } = await startServer({
    clock,
    services: {
      hello: () => {
        asked.resolve()
        return answer.promise
      },
    },
  })
  const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'data')
  socket.write('EHLO client.example.net\r\n')
  socket.resume()
  await asked.promise
  const closed = server.close(60_000)
  answer.resolve(undefined)
  await once(socket, 'end')
  clock.advance(2000)
  for (let turn = 0; turn < 20; turn++) await nextTurn()
  assert.equal(server.connectionCount, 0)
  await closed
  socket.destroy()
})

void test('a connection whose end fails costs the others nothing', async () => {
  const clock = createManualClock()
  let faults = 0
  const log: Log = {
    isDebugEnabled: true,
    debug(speaker, fields) {
      if (speaker === 'server' && String(fields?.['text']).startsWith('421'))
        throw new Error('the test wants it')
    },
    info() {},
    warn() {},
    error: () => void faults++,
  }
  const { server, greeted } = await startServer({ clock, log })
  const peers = [await greeted(), await greeted(), await greeted()]
  clock.advance(10 * 60_000)
  await Promise.all(peers.map(peer => peer.closed))
  assert.equal(faults, 3)
  await server.close()
})
