// What a client sees of an IMAP server: compression, news, large answers, endless input, an end.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createDeflateRaw } from 'node:zlib'
import type { AccountNews } from '../../src/imap/server/mailbox-services.ts'
import { Fault } from '../../src/runtime/fault.ts'
import { type Log, silentLog } from '../../src/runtime/log.ts'
import { ImapClient } from '../harness/imap-client.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { createScramClient } from '../harness/scram-client.ts'
import { createHouse } from './house.ts'
import { startServer } from './start-server.ts'

const mebibyte = 1024 * 1024

/** What the server's process does about what it has heard, it has done after so many turns. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await nextTurn()
}

void test('SCRAM: the server proves itself in a last challenge', async () => {
  const { server, connect } = await startServer()
  const client = await connect('greeted')
  const scram = createScramClient({ name: 'anna@example.test', password: 'secret' })
  const decode = (line: string | undefined): string => Buffer.from(line?.slice(2) ?? '', 'base64').toString()
  const encode = (text: string): string => Buffer.from(text).toString('base64')
  client.write(`a1 AUTHENTICATE SCRAM-SHA-256 ${encode(scram.first)}\r\n`)
  client.write(`${encode(scram.answer(decode(await client.line())))}\r\n`)
  assert.equal(decode(await client.line()), scram.expected)
  client.write('\r\n')
  assert.match((await client.line()) ?? '', /^a1 OK \[CAPABILITY .*\] Welcome$/)
  client.destroy()
  await server.close()
})

void test('a log-in that fails is told to the trail, with its reason', async () => {
  const { server, house, connect } = await startServer()
  const client = await connect('greeted')
  await client.command('a1 LOGIN anna@example.test wrong')
  await client.command('a2 AUTHENTICATE PLAIN eABhbm5hAHNlY3JldA==')
  assert.deepEqual(house.refused, [
    { mechanism: 'LOGIN command', loginName: 'anna@example.test', problem: 'wrong-password' },
    { mechanism: 'PLAIN', loginName: 'anna', problem: 'other-identity' },
  ])
  client.destroy()
  await server.close()
})

void test('COMPRESS: both directions, and only once', async () => {
  const { server, connect } = await startServer({}, { messageSize: 100_000 })
  const client = await connect()
  assert.deepEqual(await client.command('a1 COMPRESS LZW'), ['a1 NO [CANNOT] There is DEFLATE only'])
  assert.deepEqual(await client.command('a2 COMPRESS DEFLATE'), ['a2 OK DEFLATE from now on'])
  client.compress()
  assert.deepEqual(await client.command('a3 NOOP'), ['a3 OK NOOP completed'])
  assert.doesNotMatch((await client.command('a4 CAPABILITY')).join('\n'), /COMPRESS/)
  assert.match((await client.command('a5 COMPRESS DEFLATE')).join(), /NO \[COMPRESSIONACTIVE\]/)
  await client.command('a6 SELECT INBOX')
  const [first, text] = await client.command('a7 FETCH 1 BODY[]')
  assert.deepEqual([first, text?.length], ['* 1 FETCH (UID 1 BODY[] {100000}', 100_001])
  assert.deepEqual(await client.command('a8 LOGOUT'), ['* BYE Until next time', 'a8 OK LOGOUT completed'])
  assert.deepEqual(await client.rest(), [])
  client.destroy()
  await server.close()
})

void test('COMPRESS: nothing comes with the answer before there is something to say, and clients trip over nothing', async () => {
  const { server, connect } = await startServer()
  const client = await connect()
  const heard: Buffer[] = []
  client.socket.on('data', (bytes: Buffer) => void heard.push(bytes))
  const [answer = ''] = await client.command('a1 COMPRESS DEFLATE')
  client.compress()
  await client.command('a2 NOOP')
  const behind = Buffer.concat(heard).subarray(answer.length + 2)
  // An empty block of DEFLATE.
  assert.notDeepEqual(behind.subarray(0, 5), Buffer.from('000000ffff', 'hex'))
  client.destroy()
  await server.close()
})

void test('COMPRESS: a client that goes without a word is no failure for the log', async () => {
  const logged: string[] = []
  const log: Log = { ...silentLog, info: text => void logged.push(text) }
  const { server, connect } = await startServer({ log })
  const client = await connect()
  await client.command('a1 COMPRESS DEFLATE')
  client.compress()
  await client.command('a2 NOOP')
  client.socket.end()
  await client.rest()
  while (server.connectionCount > 0) await nextTurn()
  assert.deepEqual(logged, [])
  client.destroy()
  await server.close()
})

void test('COMPRESS: what comes with the command in the clear ends the connection', async () => {
  const { server, connect } = await startServer()
  const client = await connect()
  client.write('a1 COMPRESS DEFLATE\r\na2 NOOP\r\n')
  assert.match((await client.rest()).join(), /^\* BYE \[CLIENTBUG\] Wait for the answer to COMPRESS/)
  client.destroy()
  await server.close()
})

void test('COMPRESS: a bomb has an end, and so has what is no DEFLATE', async () => {
  const { server, house, connect } = await startServer({ limits: { maxMessageBytes: 1000 } })
  const client = await connect()
  await client.command('a1 COMPRESS DEFLATE')
  client.compress()
  const block = Buffer.alloc(mebibyte, 'x')
  for (let count = 0; count < 64; count++) client.write(block)
  const lines = await client.rest()
  assert.deepEqual(lines, [
    '* BAD [TOOBIG] A line may have 65536 octets',
    '* BYE [TOOBIG] A command that was refused does not end',
  ])
  client.destroy()
  const other = await connect()
  await other.command('a1 COMPRESS DEFLATE')
  other.write(Buffer.alloc(1000, 0xff))
  await other.rest()
  other.destroy()
  while (server.connectionCount > 0) await nextTurn()
  assert.equal(house.open(), 0)
  await server.close()
})

void test('COMPRESS: commands out of a few octets are answered as fast as the client reads', async () => {
  const { server, connect } = await startServer()
  const client = await connect()
  await client.command('a1 COMPRESS DEFLATE')
  const deflate = createDeflateRaw()
  const pieces: Buffer[] = []
  deflate.on('data', (bytes: Buffer) => pieces.push(bytes))
  const count = 50_000
  deflate.end('a CAPABILITY\r\n'.repeat(count))
  await once(deflate, 'end')
  client.socket.pause()
  client.socket.write(Buffer.concat(pieces))
  await turns(500)
  client.compress()
  client.socket.resume()
  let answered = 0
  while (answered < count) if ((await client.line()) === 'a OK CAPABILITY completed') answered++
  assert.equal(answered, count)
  client.destroy()
  await server.close()
})

void test('a client that idles hears of news at once; another one with its next command', async () => {
  const { server, house, connect } = await startServer({}, { tempo: 'later' })
  const [idling, working] = [await connect(), await connect()]
  for (const client of [idling, working]) await client.command('a1 SELECT INBOX')
  idling.write('a2 IDLE\r\n')
  assert.equal(await idling.line(), '+ idling')
  house.deliver()
  assert.equal(await idling.line(), '* 4 EXISTS')
  house.deliver()
  assert.equal(await idling.line(), '* 5 EXISTS')
  assert.deepEqual(await working.command('a2 NOOP'), ['* 4 EXISTS', '* 5 EXISTS', 'a2 OK NOOP completed'])
  idling.write('DONE\r\n')
  assert.equal(await idling.line(), 'a2 OK IDLE completed')
  for (const client of [idling, working]) client.destroy()
  await server.close()
  assert.equal(house.open(), 0)
})

void test('news that come while a client stops idling: its answer comes all the same', async () => {
  let open = (): void => {}
  let gate = Promise.resolve()
  const { server, house, connect } = await startServer({}, { whenTaking: () => gate })
  const client = await connect()
  await client.command('a SELECT INBOX')
  client.write('b IDLE\r\n')
  assert.equal(await client.line(), '+ idling')
  gate = new Promise(resolve => {
    open = resolve
  })
  // The first is being looked for; the second, and the end of it, come meanwhile.
  house.deliver()
  house.deliver()
  client.write('DONE\r\n')
  await turns(100)
  open()
  assert.deepEqual(await client.until('b'), ['* 4 EXISTS', '* 5 EXISTS', 'b OK IDLE completed'])
  client.destroy()
  await server.close()
})

void test('a gigabyte that nobody reads is not made, others are served, and what was open is closed', async () => {
  const size = 1024 * mebibyte
  let made = 0
  let returned = 0
  async function* message(): AsyncGenerator<Uint8Array> {
    try {
      for (let offset = 0; offset < size; offset += 65_536) {
        made += 65_536
        yield Buffer.alloc(65_536, 'x')
      }
    } finally {
      returned++
    }
  }
  const { server, house, connect } = await startServer({}, { message, messageSize: size })
  const slow = await connect()
  await slow.command('a1 SELECT INBOX')
  slow.socket.pause()
  slow.write('a2 FETCH 1:* BODY[]\r\n')
  await turns(3000)
  const before = made
  // What the sockets of the system hold, and not more.
  assert.ok(made > 0 && made < 32 * mebibyte, `${made}`)
  const other = await connect()
  assert.deepEqual(await other.command('a1 NOOP'), ['a1 OK NOOP completed'])
  await turns(500)
  assert.equal(made, before)
  slow.destroy()
  while (server.connectionCount > 1) await nextTurn()
  await turns(10)
  assert.equal(returned, 1)
  other.destroy()
  await server.close()
  assert.equal(house.open(), 0)
})

void test('a client that does not read is cut when its time is over', async () => {
  async function* message(): AsyncGenerator<Uint8Array> {
    for (;;) yield Buffer.alloc(65_536, 'x')
  }
  const clock = createManualClock()
  const { server, house, connect } = await startServer(
    { clock },
    { message, messageSize: Number.MAX_SAFE_INTEGER },
  )
  const client = await connect()
  await client.command('a1 SELECT INBOX')
  client.socket.pause()
  client.write('a2 FETCH 1 BODY[]\r\n')
  await turns(3000)
  clock.advance(200_000)
  while (server.connectionCount > 0) await nextTurn()
  await turns(10)
  assert.equal(house.open(), 0)
  client.destroy()
  await server.close()
})

void test('a message that is not as long as it was said: the connection is cut, and the log has it', async () => {
  for (const given of [3, 7]) {
    async function* message(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(given, 'x')
    }
    const faults: unknown[] = []
    const log = {
      isDebugEnabled: false,
      debug() {},
      info() {},
      warn() {},
      error: (_text: string, _fields?: object, cause?: unknown) => void faults.push(cause),
    }
    const { server, house, connect } = await startServer({ log }, { message, messageSize: 5 })
    const client = await connect()
    await client.command('a1 SELECT INBOX')
    client.write('a2 FETCH 1 BODY[]\r\n')
    assert.doesNotMatch((await client.rest()).join('\n'), /BYE|OK|NO/)
    assert.match(String(faults[0]), /A literal of 5 octets had/)
    client.destroy()
    while (server.connectionCount > 0) await nextTurn()
    assert.equal(house.open(), 0)
    await server.close()
  }
})

void test('a full disk is one line in a minute in the log, however many commands meet it; a bug is one each time, with its stack', async () => {
  const clock = createManualClock()
  const logged: unknown[] = []
  const log: Log = {
    ...silentLog,
    error: (_text, { reason, repeated } = {}, cause) => void logged.push(cause ?? `${reason}, ${repeated}`),
  }
  let cause: Error = new Fault('STORAGE_DISK_FULL', 'The disk is full.', { remedy: 'Make room.' })
  const services = {
    ...createHouse().services,
    openMailboxes() {
      throw cause
    },
  }
  const { server, connect } = await startServer({ log, clock, services })
  const client = await connect('greeted')
  const fail = async (): Promise<void> => {
    assert.match((await client.command('a LOGIN anna@example.test secret')).join(), /^a NO /)
  }
  for (let n = 0; n < 3; n++) await fail()
  assert.deepEqual(logged, ['The disk is full. Make room., 0'])
  clock.advance(60_000)
  assert.deepEqual(logged, ['The disk is full. Make room., 0', 'The disk is full. Make room., 1'])
  const bug = new Error('a bug')
  cause = bug
  for (let n = 0; n < 2; n++) await fail()
  assert.deepEqual(logged.slice(2), [bug, bug])
  client.destroy()
  await server.close()
})

void test('an APPEND that the store takes slowly: the client waits, nothing piles up', async () => {
  let offered = 0
  const waiting: (() => void)[] = []
  const { server, house, connect } = await startServer(
    {},
    {
      appendWrite(octets) {
        offered += octets.length
        return new Promise(resolve => waiting.push(resolve))
      },
    },
  )
  const client = await connect()
  const size = 40 * mebibyte
  client.write(`a1 APPEND INBOX {${size}+}\r\n`)
  client.write(Buffer.alloc(size, 'x'))
  client.write('\r\n')
  await turns(2000)
  assert.ok(offered > 0 && offered < mebibyte, `${offered}`)
  const pump = setInterval(() => {
    for (const resolve of waiting.splice(0)) resolve()
  }, 0)
  assert.deepEqual(await client.until('a1'), ['a1 OK [APPENDUID 7 1] APPEND completed'])
  clearInterval(pump)
  assert.equal(offered, size)
  client.destroy()
  await server.close()
  assert.equal(house.open(), 0)
})

void test('a million literals, one after another', async () => {
  const { server, connect } = await startServer({ limits: { maxMessageBytes: 1000 } })
  const client = await connect()
  client.write('a1 SEARCH')
  client.write(' {0+}\r\n'.repeat(1_000_000))
  client.write('\r\n')
  assert.match((await client.rest()).join('\n'), /^a1 BAD .*\n\* BYE \[TOOBIG\]/)
  client.destroy()
  await server.close()
})

void test('too many connections, from all and from one, are told so', async () => {
  const { server, port, connect } = await startServer({
    limits: { maxConnections: 2, maxConnectionsPerAddress: 1 },
  })
  const first = await connect()
  const second = await ImapClient.open(port)
  assert.match((await second.rest()).join(), /^\* BYE \[UNAVAILABLE\] Too many connections from 127\.0\.0\.1/)
  first.destroy()
  while (server.connectionCount > 0) await nextTurn()
  const next = await connect()
  assert.deepEqual(await next.command('a1 NOOP'), ['a1 OK NOOP completed'])
  next.destroy()
  await server.close()
})

void test('the server stops: BYE to who waits, an answer first to who is served', async () => {
  const { server, house, connect } = await startServer({}, { tempo: 'later' })
  const [idling, appending, resting] = [await connect(), await connect(), await connect()]
  idling.write('a1 IDLE\r\n')
  await idling.line()
  appending.write('a1 APPEND INBOX {5}\r\n')
  assert.equal(await appending.line(), '+ Ready')
  const closed = server.close(60_000)
  const bye = ['* BYE [UNAVAILABLE] The server is about to stop; connect again in a moment']
  assert.deepEqual(await idling.rest(), bye)
  assert.deepEqual(await resting.rest(), bye)
  appending.write('hello\r\n')
  assert.deepEqual(await appending.rest(), ['a1 OK [APPENDUID 7 1] APPEND completed', ...bye])
  for (const client of [idling, appending, resting]) client.destroy()
  await closed
  assert.equal(house.open(), 0)
})

void test('what has happened is told once, and later where it cannot be found out, in the mailbox and elsewhere', async t => {
  let broken: 'mailbox' | 'watch' | undefined
  let news: readonly AccountNews[] = []
  const { server, house, connect } = await startServer(
    { log: silentLog },
    {
      async whenTaking() {
        if (broken === 'mailbox') throw new Error('the storage is away')
      },
      watched() {
        if (broken === 'watch') throw new Error('the storage is away')
        const taken = news
        news = []
        return taken
      },
    },
  )
  t.after(() => server.close(0))
  const client = await connect()
  t.after(() => client.destroy())
  await client.command('a1 ENABLE METADATA')
  await client.command('a2 SELECT INBOX')
  const status = '* STATUS Trash (MESSAGES 2)'
  const happens = (): void => {
    house.deliver()
    news = [{ kind: 'status', mailbox: 'Trash', values: new Map([['MESSAGES', 2]]) }]
  }
  for (const [without, first, later] of [
    ['watch', ['* 4 EXISTS'], [status]],
    ['mailbox', [], ['* 5 EXISTS', status]],
  ] as const) {
    happens()
    broken = without
    // The command itself is done.
    assert.deepEqual(await client.command('a3 NOOP'), [...first, 'a3 OK NOOP completed'])
    broken = undefined
    assert.deepEqual(await client.command('a4 NOOP'), [...later, 'a4 OK NOOP completed'])
  }
})

void test('while a client has many commands answered that it sent at once, others have their turns', async t => {
  const { server, connect } = await startServer()
  t.after(() => server.close(0))
  const client = await connect()
  t.after(() => client.destroy())
  let [passed, isOver] = [0, false]
  const count = (): void => {
    passed++
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  client.write(`${'a STATUS INBOX (MESSAGES)\r\n'.repeat(1000)}b NOOP\r\n`)
  assert.equal((await client.until('b')).filter(line => line.startsWith('a OK')).length, 1000)
  isOver = true
  assert.ok(passed >= 60, `${passed} turns`)
})
