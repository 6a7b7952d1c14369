// Strangers wait for their greeting, and the longer the more they are refused; nobody else does.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { awaitEvent } from '../harness/await-events.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { eventually } from '../harness/eventually.ts'
import { openConnection, type RawConnection } from '../harness/raw-connection.ts'

async function start(t: TestContext, spam: Readonly<Record<string, unknown>>): Promise<ComposedServer> {
  return await startComposedServer(t, {
    hostname: 'mx.here.test',
    domains: ['here.test'],
    accounts: [{ address: 'anna@here.test' }],
    isBehindProxy: true,
    settings: { spam },
  })
}

async function connectFrom(server: ComposedServer, address: string): Promise<RawConnection> {
  const connection = await openConnection(server.port('relay'))
  await connection.write(`PROXY TCP4 ${address} 203.0.113.1 40000 25\r\n`)
  return connection
}

/** Whoever came before has been served by then, if it is to be served at once. */
async function serveAnother(server: ComposedServer): Promise<void> {
  const other = await connectFrom(server, '127.0.0.1')
  assert.equal((await other.reply())?.code, 220)
  assert.equal((await other.command('EHLO here.example.test'))?.code, 250)
  assert.equal((await other.command('QUIT'))?.code, 221)
}

/** The next reply, for which the clock has to move; how far it had to, in seconds. */
async function replyInTime(server: ComposedServer, connection: RawConnection) {
  const reply = connection.reply()
  let seconds = 0
  const found = await eventually('a reply', async () => {
    const first = await Promise.race([reply, turn(undefined)])
    if (!first) {
      server.clock.advance(1000)
      seconds++
    }
    return first
  })
  return { ...found, seconds }
}

test('a stranger from a network that has not been here is greeted late, and the next time at once', async t => {
  const server = await start(t, { greetingDelaySeconds: 4 })
  const stranger = await connectFrom(server, '203.0.113.9')
  await serveAnother(server)
  assert.equal(stranger.socket.bytesRead, 0)
  const greeting = await replyInTime(server, stranger)
  assert.equal(greeting.code, 220)
  assert.ok(greeting.seconds >= 4)
  assert.equal((await stranger.command('EHLO client.example.net'))?.code, 250)
  stranger.destroy()
  const neighbour = await connectFrom(server, '203.0.113.77')
  assert.equal((await neighbour.reply())?.code, 220)
  neighbour.destroy()
})

test('who talks before the greeting is turned away, with an entry in the trail, and has to wait again', async t => {
  const server = await start(t, { greetingDelaySeconds: 4 })
  for (let time = 1; time <= 2; time++) {
    const stranger = await connectFrom(server, '203.0.113.9')
    await stranger.write('EHLO client.example.net\r\n')
    await serveAnother(server)
    const { code, text } = await replyInTime(server, stranger)
    assert.equal(code, 554)
    assert.match(text, /greeting/)
    await stranger.closed
  }
  const found = await awaitEvent(server, 'turned-away')
  assert.equal(found.remoteAddress, '203.0.113.9')
})

test('from the fourth on, recipients that are refused are refused late; those that are taken are taken at once', async t => {
  const server = await start(t, { refusalDelaySeconds: 3 })
  const stranger = await connectFrom(server, '203.0.113.9')
  await stranger.reply()
  await stranger.command('EHLO client.example.net')
  await stranger.command('MAIL FROM:<boris@example.net>')
  for (const name of ['a', 'b', 'c'])
    assert.equal((await stranger.command(`RCPT TO:<${name}@here.test>`))?.code, 550)
  await stranger.write('RCPT TO:<d@here.test>\r\n')
  await serveAnother(server)
  const { code, seconds } = await replyInTime(server, stranger)
  assert.equal(code, 550)
  assert.ok(seconds >= 3)
  assert.equal((await stranger.command('RCPT TO:<anna@here.test>'))?.code, 250)
  stranger.destroy()
})
