// Mail fetched over POP3 from the composed server: what comes by SMTP, who gets in, what IMAP sees of it, what the trail knows.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { describeEvent } from '../../src/cli/format-trail.ts'
import type { ListenerRole } from '../../src/config/listener-roles.ts'
import { addAppPassword } from '../harness/app-passwords.ts'
import { awaitEvents } from '../harness/await-events.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { ImapClient } from '../harness/imap-client.ts'
import { logInPlain, openSession } from '../harness/log-in.ts'
import { Pop3Client } from '../harness/pop3-client.ts'
import { sendMessage } from '../harness/send-message.ts'

const anna = 'anna@here.test'

async function start(
  t: TestContext,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<ComposedServer> {
  return await startComposedServer(t, {
    hostname: 'mail.here.test',
    domains: ['here.test'],
    accounts: [{ address: anna }],
    settings: { submission: { allowPlaintextAuthOnLoopback: true }, ...settings },
  })
}

async function greeted(
  t: TestContext,
  server: ComposedServer,
  role: ListenerRole = 'pop3',
): Promise<Pop3Client> {
  const port = server.port(role)
  const client = await (role === 'pop3s' ? Pop3Client.openTls(port) : Pop3Client.open(port))
  t.after(() => client.destroy())
  assert.equal(await client.line(), '+OK mail.here.test is ready')
  return client
}

test('what SMTP has taken is fetched and deleted, and IMAP sees both', async t => {
  const server = await start(t)
  for (const subject of ['first', 'second']) await sendMessage(server.port('relay'), anna, subject)
  await server.settled()
  const imap = await ImapClient.open(server.port('imap'))
  t.after(() => imap.destroy())
  await imap.line()
  await imap.command(`a LOGIN ${anna} secret`)
  let seen = await imap.command('b SELECT INBOX')
  while (!seen.includes('* 2 EXISTS')) {
    await server.settled()
    seen = await imap.command('b NOOP')
  }

  const client = await greeted(t, server)
  assert.match((await client.logIn(anna, 'secret')) ?? '', /^\+OK Messages: 2,/)
  const text = (await client.list('RETR 1')).join('\n')
  assert.match(text, /^Return-Path: /)
  assert.match(text, /^Delivered-To: anna@here\.test$/m)
  assert.match(text, /\n\nText of (?:first|second)$/)
  await client.command('DELE 2')
  assert.doesNotMatch((await imap.command('c NOOP')).join(), /EXPUNGE|FETCH/)
  assert.equal(await client.command('QUIT'), '+OK Until next time; messages deleted: 1')
  const news = await imap.command('d NOOP')
  assert.ok(news.includes('* 2 EXPUNGE'), news.join())
  assert.match(news.join(), /\* 1 FETCH \(.*FLAGS \(\\Seen/)
})

test('without TLS nobody logs in; with it, from the first byte or after STLS', async t => {
  const server = await start(t, { submission: { allowPlaintextAuthOnLoopback: false } })
  const clear = await greeted(t, server)
  assert.deepEqual(
    (await clear.list('CAPA')).filter(line => /^(?:STLS|USER|SASL)/.test(line)),
    ['STLS'],
  )
  assert.equal(await clear.command(`USER ${anna}`), '-ERR Say STLS first: no password without TLS')
  await clear.command('STLS')
  await clear.startTls()
  assert.ok((await clear.list('CAPA')).includes('SASL SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN'))
  assert.match((await clear.logIn(anna, 'secret')) ?? '', /^\+OK/)
  const implicit = await greeted(t, server, 'pop3s')
  assert.match((await implicit.logIn(anna, 'secret')) ?? '', /^-ERR \[IN-USE\]/)
  await clear.command('QUIT')
  assert.match((await implicit.logIn(anna, 'secret')) ?? '', /^\+OK/)
})

test('a log-in that fails is in the trail, and found by its name', async t => {
  const server = await start(t)
  const client = await greeted(t, server)
  assert.equal(await client.logIn(anna, 'wrong'), '-ERR [AUTH] Wrong name or password')
  const [event] = await awaitEvents(server, 'login-refused', 1)
  assert.ok(event)
  const { text, notes = [] } = describeEvent(event)
  assert.equal(text, `Refused USER and PASS of 127.0.0.1 as ${anna} over POP3: the password is wrong`)
  assert.match(notes.join(), /not encrypted, not logged in, on the listener for pop3, session /)
  assert.doesNotMatch(notes.join(), /EHLO/)
})

test('whoever guesses over POP3 is held back over SMTP too', async t => {
  const server = await start(t, { login: { maxFailuresPerNetwork: 3 } })
  const client = await greeted(t, server)
  for (const guess of ['one', 'two', 'three']) await client.logIn(anna, guess)
  assert.equal(await client.logIn(anna, 'secret'), '-ERR [AUTH] Wrong name or password')
  const smtp = await openSession(server.port('submission'))
  t.after(() => smtp.destroy())
  assert.equal(await logInPlain(smtp, anna, 'secret'), 535)
})

test('an app password opens what it is for', async t => {
  const server = await start(t)
  await addAppPassword(server, anna, { name: 'fetcher', password: 'kq7m-x3wp', scopes: ['pop3'] })
  await addAppPassword(server, anna, { name: 'phone', password: 'aaaa-bbbb', scopes: ['imap'] })
  const client = await greeted(t, server)
  assert.match((await client.logIn(anna, 'aaaa-bbbb')) ?? '', /^-ERR \[AUTH\]/)
  assert.match((await client.logIn(anna, 'kq7m-x3wp')) ?? '', /^\+OK/)
})
