// What clients of IMAP send to a running server, by mistake or on purpose: each gets BAD, NO or BYE, the server's memory stays
// bounded, and a neighbour on the same thread has its answers meanwhile.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { listMailDataFiles } from '../../src/storage/mail-data-files.ts'
import { eventually } from '../harness/eventually.ts'
import { ImapClient } from '../harness/imap-client.ts'
import { createAccount } from '../harness/mailboxes.ts'
import { readPeakRssBytes } from '../harness/process-tree.ts'
import { resetSocket } from '../harness/reset-socket.ts'
import {
  createServerFolder,
  type ServerFolder,
  type ServerProcess,
  startServer,
} from '../harness/server-process.ts'

const account = 'anna@example.test'
const password = 'a password of some length'
const maxMessageBytes = 4_000_000
// On the heap of a server that holds nothing of what it refuses.
const maxGrowthBytes = 100_000_000

let at: ServerFolder
let server: ServerProcess
/** It shares its thread with all others. */
let neighbour: ImapClient

before(async () => {
  at = await createServerFolder({
    listeners: [{ role: 'imap', address: '127.0.0.1', port: 0 }],
    tables: [
      `[limits]\nmaxMessageBytes = ${maxMessageBytes}`,
      '[threads]\nfront = 1',
      '[submission]\nallowPlaintextAuthOnLoopback = true',
    ].join('\n'),
  })
  await createAccount(at, account, password)
  server = await startServer(at)
  neighbour = await loggedIn('Drafts')
})

after(async () => {
  neighbour?.destroy()
  await server?.stop()
  await at.remove()
})

async function loggedIn(mailbox = 'INBOX'): Promise<ImapClient> {
  const client = await ImapClient.open(server.port('imap'))
  await client.line()
  assert.match((await client.command(`l LOGIN ${account} "${password}"`)).join(), /l OK/)
  assert.match((await client.command(`s SELECT ${mailbox}`)).join(), /s OK/)
  return client
}

let asked = 0

async function assertNeighbourIsServed(): Promise<void> {
  const tag = `n${++asked}`
  assert.match((await neighbour.command(`${tag} NOOP`)).at(-1) ?? '', new RegExp(`^${tag} OK`))
}

async function assertBoundedMemory(run: (client: ImapClient) => Promise<void>): Promise<void> {
  const client = await loggedIn()
  const peakBefore = readPeakRssBytes(server.pid)
  await run(client)
  await assertNeighbourIsServed()
  client.destroy()
  const growth = readPeakRssBytes(server.pid) - peakBefore
  assert.ok(growth < maxGrowthBytes, `the server grew by ${Math.round(growth / 1e6)} MB`)
}

test('a literal of 4 GB: refused before a client that waits has sent it; one that does not is turned away', () =>
  assertBoundedMemory(async client => {
    const answer = async (command: string): Promise<string> => (await client.command(command)).join('\n')
    assert.match(await answer('a APPEND INBOX {4294967296}'), /^a NO \[TOOBIG\]/)
    assert.match(await answer('b SEARCH TEXT {4294967296}'), /^b BAD \[TOOBIG\]/)
    assert.match(await answer('c LIST "" {99999999999999999999}'), /^c BAD/)
    client.write('d APPEND INBOX {4294967296+}\r\n')
    const [refused, bye] = await client.rest()
    assert.match(refused ?? '', /^d NO \[TOOBIG\]/)
    assert.match(bye ?? '', /^\* BYE \[TOOBIG\]/)
  }))

test('a quarter of a million literals, of a search and of an APPEND, of which nothing is kept', () =>
  assertBoundedMemory(async client => {
    client.write(`a APPEND INBOX ${'{1+}\r\nx '.repeat(250_000)}\r\n`)
    await assertNeighbourIsServed()
    assert.match((await client.until('a')).join('\n'), /^a NO \[LIMIT\]/)
    assert.match((await client.command('b STATUS INBOX (MESSAGES)')).join('\n'), /\(MESSAGES 0\)/)
    client.write(`c SEARCH ${'TEXT {1+}\r\nx '.repeat(250_000)}\r\nd NOOP\r\n`)
    assert.match((await client.until('d')).join('\n'), /^c BAD \[LIMIT\][^\n]*\nd OK/)
  }))

test('10,000 levels, 100,000 terms', () =>
  assertBoundedMemory(async client => {
    for (const command of [
      `SEARCH ${'('.repeat(10_000)}ALL${')'.repeat(10_000)}`,
      `SEARCH ${'NOT '.repeat(10_000)}ALL`,
      `SEARCH ${'ALL '.repeat(100_000)}ALL`,
      `FETCH 1:* (${'BODY[1.1] '.repeat(3000)}FLAGS)`,
      `FETCH 1:* BODY[${'1.'.repeat(10_000)}1]`,
      `LIST "" (${'* '.repeat(10_000)}*)`,
    ])
      assert.match((await client.command(`a ${command}`)).join('\n'), /^a BAD /, command.slice(0, 40))
  }))

test('200 MB out of a few octets (COMPRESS), in a line that does not end', () =>
  assertBoundedMemory(async client => {
    await client.command('a COMPRESS DEFLATE')
    client.compress()
    client.write('b NOOP ')
    for (let n = 0; n < 200; n++) client.write(Buffer.alloc(1_000_000, 'x'))
    await assertNeighbourIsServed()
    const [refused, bye] = await client.rest()
    assert.match(refused ?? '', /^b BAD \[TOOBIG\]/)
    assert.match(bye ?? '', /^\* BYE \[TOOBIG\]/)
  }))

test('an APPEND that is cut leaves nothing: no message, no file', async () => {
  const large = `Subject: large\r\n\r\n${'x'.repeat(200_000)}`
  const whole = `a APPEND INBOX (\\Seen) {${large.length}+}\r\n${large} {${large.length}+}\r\n${large}\r\n`
  const cutAt = async (length: number): Promise<void> => {
    const client = await loggedIn()
    client.write(whole.slice(0, length))
    if (length % 2 === 0) client.socket.end()
    else resetSocket(client.socket)
    await client.rest()
    client.destroy()
  }
  const lengths = Array.from({ length: 12 }, (_, n) => Math.floor(((n + 1) * (whole.length - 1)) / 12))
  await Promise.all(lengths.map(cutAt))
  await eventually('no file of what was cut off', async () => {
    for await (const _file of listMailDataFiles(at.dataFolder)) return undefined
    return 'none'
  })
  assert.match((await neighbour.command('m STATUS INBOX (MESSAGES)')).join('\n'), /\(MESSAGES 0\)/)
})

test('five who want 1 GB each and read nothing of it', () =>
  assertBoundedMemory(async client => {
    const large = `Subject: large\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(45_000)}`
    client.write(`a APPEND Archive {${large.length}+}\r\n${large}\r\n`)
    assert.match((await client.until('a')).join('\n'), /^a OK/m)
    const idle: ImapClient[] = []
    for (let n = 0; n < 5; n++) {
      const slow = await loggedIn('Archive')
      idle.push(slow)
      slow.write('f FETCH 1:* BODY.PEEK[]\r\n'.repeat(300))
      assert.match((await slow.line()) ?? '', /^\* 1 FETCH \(BODY\[\] \{/)
      slow.socket.pause()
      await assertNeighbourIsServed()
    }
    for (const slow of idle) slow.destroy()
  }))

test('commands behind a LOGOUT are nobody’s', async () => {
  const client = await loggedIn()
  client.write('a LOGOUT\r\nb NOOP\r\nc CREATE Late\r\n')
  const [bye, ok, ...others] = await client.rest()
  assert.match(bye ?? '', /^\* BYE /)
  assert.match(ok ?? '', /^a OK /)
  assert.deepEqual(others, [])
  assert.doesNotMatch((await neighbour.command('o LIST "" *')).join('\n'), /Late/)
})
