// Whoever is logged in while his account is disabled, or what he came with is taken away: the session ends, in each protocol, at once
// and in IDLE too; who has nothing to do with it goes on.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseAddress } from '../../src/address/parse-address.ts'
import { changeAccount, createAccount, removeAccount } from '../../src/directory/accounts.ts'
import { removeAppPassword } from '../../src/directory/app-passwords.ts'
import { hashPassword } from '../../src/directory/credentials.ts'
import { type Log, silentLog } from '../../src/runtime/log.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { addAppPassword } from '../harness/app-passwords.ts'
import {
  type ComposedServer,
  type ComposedServerOptions,
  startComposedServer,
} from '../harness/composed-server.ts'
import { eventually } from '../harness/eventually.ts'
import { ImapClient } from '../harness/imap-client.ts'
import { logInPlain, openSession } from '../harness/log-in.ts'
import { Pop3Client } from '../harness/pop3-client.ts'
import { engine, openTestStorage } from '../harness/test-storage.ts'
import { Peer } from '../manage-sieve/play.ts'

const anna = 'anna@here.test'
const boris = 'boris@here.test'
const address = (text: string) => parseAddress(text) ?? assert.fail(text)

async function start(t: TestContext, options: Partial<ComposedServerOptions> = {}): Promise<ComposedServer> {
  return await startComposedServer(t, {
    hostname: 'mail.here.test',
    domains: ['here.test'],
    accounts: [{ address: anna }, { address: boris }],
    settings: { submission: { allowPlaintextAuthOnLoopback: true } },
    ...options,
  })
}

async function imapOf(
  t: TestContext,
  server: ComposedServer,
  name = anna,
  password = 'secret',
): Promise<ImapClient> {
  const client = await ImapClient.open(server.port('imap'))
  t.after(() => client.destroy())
  await client.line()
  assert.match((await client.command(`a LOGIN ${name} ${password}`)).join(), /a OK/)
  return client
}

async function pop3Of(t: TestContext, server: ComposedServer, password = 'secret'): Promise<Pop3Client> {
  const client = await Pop3Client.open(server.port('pop3'))
  t.after(() => client.destroy())
  await client.line()
  assert.match((await client.logIn(anna, password)) ?? '', /^\+OK/)
  return client
}

async function sieveOf(t: TestContext, server: ComposedServer): Promise<Peer> {
  const peer = await Peer.open(server.port('sieve'))
  t.after(() => peer.destroy())
  const until = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test((await peer.line()) ?? assert.fail('the server has closed')));
  }
  await until(/^OK/)
  const initial = Buffer.from(`\0${anna}\0secret`).toString('base64')
  await peer.write(Buffer.from(`AUTHENTICATE "PLAIN" "${initial}"\r\n`))
  await until(/^OK "Logged in"/)
  return peer
}

async function smtpOf(t: TestContext, server: ComposedServer, password = 'secret') {
  const connection = await openSession(server.port('submission'))
  t.after(() => connection.destroy())
  assert.equal(await logInPlain(connection, anna, password), 235)
  return connection
}

const bye = '* BYE Your log-in is not good any more; log in again'

test('an account that is disabled: every session of it ends, with the reason, and those of others go on', async t => {
  const server = await start(t)
  const [idler, reader, other] = [
    await imapOf(t, server),
    await imapOf(t, server),
    await imapOf(t, server, boris),
  ]
  await idler.command('b SELECT INBOX')
  idler.write('c IDLE\r\n')
  assert.match((await idler.line()) ?? '', /^\+ /)
  const pop3 = await pop3Of(t, server)
  const sieve = await sieveOf(t, server)
  const smtp = await smtpOf(t, server)
  await server.storage.run(changeAccount, { address: address(anna), enabled: false })
  assert.deepEqual(await idler.rest(), [bye])
  assert.deepEqual(await reader.rest(), [bye])
  assert.equal(await pop3.line(), '-ERR [AUTH] Your log-in is not good any more; log in again')
  assert.equal(await pop3.line(), undefined)
  assert.equal(await sieve.line(), 'BYE "Your log-in is not good any more. Log in again."')
  assert.equal(await sieve.line(), undefined)
  assert.equal((await smtp.reply())?.code, 421)
  assert.match((await other.command('b NOOP')).join(), /b OK/)
})

test('a new password ends the sessions of the old one, and no others', async t => {
  const server = await start(t)
  await addAppPassword(server, anna, { name: 'phone', password: 'kq7m-x3wp', scopes: ['imap'] })
  const [old, app] = [await imapOf(t, server), await imapOf(t, server, anna, 'kq7m-x3wp')]
  const smtp = await smtpOf(t, server)
  await server.storage.run(changeAccount, { address: address(anna), name: 'Anna' })
  assert.match((await old.command('b NOOP')).join(), /b OK/)
  const passwordHash = await hashPassword('another secret', systemRandom)
  await server.storage.run(changeAccount, { address: address(anna), passwordHash, at: server.clock.now() })
  assert.deepEqual(await old.rest(), [bye])
  assert.equal((await smtp.reply())?.code, 421)
  assert.match((await app.command('b NOOP')).join(), /b OK/)
})

test('an account that is removed, and one of its name that is made at once', async t => {
  const server = await start(t)
  const client = await imapOf(t, server)
  await server.storage.run(removeAccount, { address: address(anna), withContents: true })
  const passwordHash = await hashPassword('another secret', systemRandom)
  await server.storage.run(createAccount, {
    address: address(anna),
    name: '',
    passwordHash,
    language: 'en',
    enabled: true,
    at: server.clock.now(),
  })
  assert.deepEqual(await client.rest(), [bye])
})

test('an app password that is taken away ends the sessions that came with it', async t => {
  const server = await start(t)
  const app = { password: 'kq7m-x3wp', scopes: ['imap', 'smtp'] } as const
  await addAppPassword(server, anna, { name: 'phone', ...app })
  const [phone, desk] = [await imapOf(t, server, anna, app.password), await imapOf(t, server)]
  const smtp = await smtpOf(t, server, app.password)
  await server.storage.run(removeAppPassword, {
    account: address(anna),
    name: 'phone',
    at: server.clock.now(),
  })
  assert.deepEqual(await phone.rest(), [bye])
  assert.equal((await smtp.reply())?.code, 421)
  assert.match((await desk.command('b NOOP')).join(), /b OK/)
})

test('an app password that runs out, beside one that has no end', async t => {
  const server = await start(t)
  const expiresAt = server.clock.now() + 20 * 60_000
  await addAppPassword(server, anna, { name: 'phone', password: 'kq7m-x3wp', scopes: ['imap'], expiresAt })
  await addAppPassword(server, anna, { name: 'tablet', password: 'aaaa-bbbb', scopes: ['imap'] })
  const phone = await imapOf(t, server, anna, 'kq7m-x3wp')
  const tablet = await imapOf(t, server, anna, 'aaaa-bbbb')
  await phone.command('b SELECT INBOX')
  phone.write('c IDLE\r\n')
  assert.match((await phone.line()) ?? '', /^\+ /)
  let hasEnded = false
  const rest = phone.rest().finally(() => {
    hasEnded = true
  })
  server.clock.advance(20 * 60_000)
  // The look at the log-in that began with it may come to its end only now.
  await eventually('the end of the session', async () => {
    server.clock.advance(1000)
    return hasEnded || undefined
  })
  assert.deepEqual(
    (await rest).filter(line => line !== '* OK Still here'),
    [bye],
  )
  assert.match((await tablet.command('b NOOP')).join(), /b OK/)
})

test('whoever does not read an answer to its end has ten seconds for it', async t => {
  let ended = 0
  const log: Log = {
    ...silentLog,
    info: message => void (message.startsWith('a session was ended') && ended++),
  }
  const server = await start(t, { log })
  const client = await imapOf(t, server)
  const message = `Subject: large\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(50_000)}`
  assert.match(
    (await client.command(`b APPEND INBOX {${message.length}+}\r\n${message}`)).join(),
    /b OK \[APPENDUID/,
  )
  await client.command('c SELECT INBOX')
  client.socket.pause()
  const parts = Array.from({ length: 8 }, (_, n) => `BODY.PEEK[]<${n}.4000000>`).join(' ')
  client.write(`d FETCH 1 (${parts})\r\n`)
  await server.storage.run(changeAccount, { address: address(anna), enabled: false })
  await eventually('the end of the log-in', async () => ended > 0 || undefined)
  server.clock.advance(20_000)
  client.socket.resume()
  assert.deepEqual(
    (await client.until('d')).filter(line => line.startsWith('d ')),
    [],
    'the answer has no end',
  )
})

test('what another node has changed ends the sessions of this one', async t => {
  const storage = await openTestStorage(t)
  const server = await start(t, { storage })
  const client = await imapOf(t, server)
  // With SQLite there is one.
  const other = engine === 'postgres' ? await storage.openAgain() : server.storage
  await other.run(changeAccount, { address: address(anna), enabled: false })
  assert.deepEqual(await client.rest(), [bye])
  if (other !== server.storage) await other.close()
})
