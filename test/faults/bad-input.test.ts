// What strangers and broken programs send to a running server: each gets an answer or a close, the server's memory
// stays bounded, and the next peer is served as if nothing had been.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { awaitMessage, createAccount, listMailbox } from '../harness/mailboxes.ts'
import { readPeakRssBytes } from '../harness/process-tree.ts'
import { openConnection, type RawConnection, type RawReply } from '../harness/raw-connection.ts'
import { resetSocket } from '../harness/reset-socket.ts'
import {
  createServerFolder,
  type ServerFolder,
  type ServerProcess,
  startServer,
} from '../harness/server-process.ts'

const maxRecipients = 1000
const receiver = 'anna@example.test'
// On the heap of a server that holds nothing of what it refuses.
const maxGrowthBytes = 100_000_000

let at: ServerFolder
let server: ServerProcess

before(async () => {
  at = await createServerFolder({
    tables: `[limits]\nmaxMessageBytes = 1000000\nmaxConnectionsPerAddress = 1000\nmaxRecipients = ${maxRecipients}`,
  })
  await createAccount(at, receiver, 'a password of some length')
  server = await startServer(at)
})

after(async () => {
  await server?.stop()
  await at.remove()
})

async function greet(role: 'relay' | 'submission' = 'relay'): Promise<RawConnection> {
  const connection = await openConnection(server.port(role))
  assert.equal((await connection.reply())?.code, 220)
  assert.equal((await connection.command('EHLO client.example.org'))?.code, 250)
  return connection
}

/** A whole message goes through and lies in the mailbox: the server is as well as before. */
async function assertStillServes(subject: string): Promise<void> {
  const connection = await greet()
  await connection.write(`MAIL FROM:<a@example.org>\r\nRCPT TO:<${receiver}>\r\nDATA\r\n`)
  assert.deepEqual(await codes(connection, 3), [250, 250, 354])
  assert.equal((await connection.command(`Subject: ${subject}\r\n\r\nbody\r\n.`))?.code, 250)
  connection.destroy()
  await awaitMessage(at, receiver, subject)
}

async function codes(connection: RawConnection, count: number): Promise<(number | undefined)[]> {
  const found: (number | undefined)[] = []
  for (let n = 0; n < count; n++) found.push((await connection.reply())?.code)
  return found
}

async function restOf(connection: RawConnection): Promise<RawReply[]> {
  const replies: RawReply[] = []
  for (let reply = await connection.reply(); reply; reply = await connection.reply()) replies.push(reply)
  return replies
}

async function assertBoundedMemory(run: () => Promise<void>): Promise<void> {
  const peakBefore = readPeakRssBytes(server.pid)
  await run()
  const growth = readPeakRssBytes(server.pid) - peakBefore
  assert.ok(growth < maxGrowthBytes, `the server grew by ${Math.round(growth / 1e6)} MB`)
}

test('a TLS client on the plain port', async () => {
  const socket = connectTls({ port: server.port('relay'), host: '127.0.0.1', rejectUnauthorized: false })
  // The server greets in plain text, which is no TLS record: the client gives up.
  const [cause]: unknown[] = await once(socket, 'error')
  assert.ok(cause instanceof Error)
  await assertStillServes('after a TLS client')
})

test('TLS records as commands', async () => {
  const connection = await openConnection(server.port('relay'))
  assert.equal((await connection.reply())?.code, 220)
  // A ClientHello's first bytes, a line end in the middle of it.
  await connection.write(Buffer.from('16030100c8010000c403030d0a0d0a160301ffffffff0d0a', 'hex'))
  const reply = await connection.reply()
  assert.equal(reply?.code, 421)
  connection.destroy()
  await assertStillServes('after TLS records')
})

test('a plain client on the TLS port', async () => {
  const connection = await openConnection(server.port('submissions'))
  await connection.write('EHLO client.example.org\r\n')
  // A TLS alert or nothing, and a close; never a reply in plain text.
  assert.deepEqual(await restOf(connection), [])
  await assertStillServes('after a plain client')
})

test('garbage after STARTTLS', async () => {
  const connection = await greet()
  assert.equal((await connection.command('STARTTLS'))?.code, 220)
  await connection.write('this is no handshake\r\n'.repeat(100))
  await connection.closed
  await assertStillServes('after garbage in a handshake')
})

test('a command line of 10 MB', () =>
  assertBoundedMemory(async () => {
    const connection = await greet()
    const piece = 'x'.repeat(100_000)
    await connection.write('MAIL FROM:<')
    for (let n = 0; n < 100; n++) await connection.write(piece)
    await connection.write('@example.org>\r\n')
    const reply = await connection.reply()
    assert.equal(reply?.code, 500)
    connection.destroy()
    await assertStillServes('after a long command')
  }))

test('a line of mail data of 10 MB, with a message over the limit', () =>
  assertBoundedMemory(async () => {
    const connection = await greet()
    await connection.write(`MAIL FROM:<a@example.org>\r\nRCPT TO:<${receiver}>\r\nDATA\r\n`)
    assert.deepEqual(await codes(connection, 3), [250, 250, 354])
    const piece = 'x'.repeat(100_000)
    for (let n = 0; n < 100; n++) await connection.write(piece)
    await connection.write('\r\n.\r\n')
    const reply = await connection.reply()
    // A line has no limit of its own.
    assert.equal(reply?.code, 552)
    connection.destroy()
    await assertStillServes('after a long line')
  }))

test('100,000 RCPTs: those over the limit are put off, the others keep their message', () =>
  assertBoundedMemory(async () => {
    const connection = await greet()
    assert.equal((await connection.command('MAIL FROM:<a@example.org>'))?.code, 250)
    const rounds = 100
    const perRound = 1000
    const counted: Record<string, number> = {}
    for (let round = 0; round < rounds; round++) {
      await connection.write(`RCPT TO:<${receiver}>\r\n`.repeat(perRound))
      for (let n = 0; n < perRound; n++) {
        const reply = await connection.reply()
        assert.ok(reply, 'the server has closed the connection without a reply')
        const status = `${reply.code} ${reply.text.split(' ')[0]}`
        counted[status] = (counted[status] ?? 0) + 1
      }
    }
    // RFC 5321 §4.5.3.1.10: 452, not 552, so that the client sends the rest in a new transaction.
    assert.deepEqual(counted, { '250 2.1.5': maxRecipients, '452 4.5.3': rounds * perRound - maxRecipients })
    assert.equal((await connection.command('DATA'))?.code, 354)
    const subject = 'to a thousand recipients'
    assert.equal((await connection.command(`Subject: ${subject}\r\n\r\nbody\r\n.`))?.code, 250)
    connection.destroy()
    await awaitMessage(at, receiver, subject)
    await assertStillServes('after many recipients')
    const subjects = (await listMailbox(at, receiver)).map(message => message.subject)
    assert.equal(subjects.filter(one => one === subject).length, 1)
  }))

test('NUL bytes, 8-bit bytes and endless nonsense: refused, then 421', async () => {
  const connection = await greet()
  const nonsense = [
    '\0',
    'MAIL FROM:<a\0b@example.org>',
    'MAIL FROM:<\xff@example.org>',
    'XYZZY',
    '',
    ' ',
    '\x1b[2J',
  ]
  let replies = 0
  for (let n = 0; n < 1000; n++) {
    await connection.write(Buffer.from(`${nonsense[n % nonsense.length]}\r\n`, 'latin1'))
    const reply = await connection.reply()
    if (!reply) break
    replies++
    assert.ok(reply.code >= 500 || reply.code === 421, JSON.stringify(reply))
    if (reply.code === 421) break
  }
  await connection.closed
  assert.ok(replies > 0 && replies < 1000, `${replies} replies`)
  await assertStillServes('after nonsense')
})

// Without the last command's reply nothing may be stored; with all bytes sent the message may be.
test('a connection cut at any byte', async () => {
  const dialogue = [
    'EHLO client.example.org\r\n',
    'MAIL FROM:<a@example.org> BODY=8BITMIME\r\n',
    `RCPT TO:<${receiver}> NOTIFY=NEVER\r\n`,
    'BDAT 26\r\nSubject: cut at a byte\r\n\r\n',
    'BDAT 6 LAST\r\nbody\r\n',
  ].join('')
  const cutAt = async (length: number): Promise<void> => {
    const connection = await openConnection(server.port('relay'))
    await connection.reply()
    await connection.write(dialogue.slice(0, length))
    // Sometimes a clean end, sometimes a reset.
    if (length % 2 === 0) connection.socket.end()
    else resetSocket(connection.socket)
    await connection.closed
  }
  const lengths = Array.from({ length: dialogue.length - 1 }, (_, index) => index + 1)
  for (let first = 0; first < lengths.length; first += 20)
    await Promise.all(lengths.slice(first, first + 20).map(cutAt))
  await assertStillServes('after the cuts')
  const subjects = (await listMailbox(at, receiver)).map(({ subject }) => subject)
  assert.ok(!subjects.includes('cut at a byte'), subjects.join(', '))
})

test('200 sessions that connect and say nothing do not keep others out', async () => {
  const silent = await Promise.all(Array.from({ length: 200 }, () => openConnection(server.port('relay'))))
  await assertStillServes('beside the silent')
  for (const connection of silent) connection.destroy()
})
