// What those are told who bring mail for an account that has no room, and what is kept of it for the administrator.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseAddress } from '../../src/address/parse-address.ts'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { changeAccountTerms } from '../../src/directory/terms.ts'
import { type ComposedServer, startComposedServer, unauthenticated } from '../harness/composed-server.ts'
import { eventually } from '../harness/eventually.ts'
import { ImapClient } from '../harness/imap-client.ts'
import { logInPlain, openTlsSession } from '../harness/log-in.ts'
import { openConnection, type RawConnection, type RawReply } from '../harness/raw-connection.ts'

const address = (text: string) => parseAddress(text) ?? assert.fail(text)
const day = 24 * 3_600_000

async function start(t: TestContext, lmtp: readonly object[] = []): Promise<ComposedServer> {
  return await startComposedServer(t, {
    hostname: 'mail.here.test',
    domains: ['here.test'],
    accounts: [{ address: 'anna@here.test', password: 'anna secret' }, { address: 'boris@here.test' }],
    aliases: [
      { address: 'info@here.test', targets: ['boris@here.test'] },
      { address: 'team@here.test', targets: ['anna@here.test', 'boris@here.test'] },
      { address: 'postmaster@here.test', targets: ['boris@here.test'] },
    ],
    settings: {
      mailboxes: { quotaMessages: 2, quotaMegabytes: 1 },
      submission: { allowPlaintextAuthOnLoopback: true },
      mailAuthentication: unauthenticated,
      spam: { clientNames: false },
      delivery: { dnsServers: ['127.0.0.1:1'], lmtp },
    },
  })
}

const line = (reply: RawReply | undefined): string => (reply ? `${reply.code} ${reply.text}` : 'closed')

async function open(t: TestContext, server: ComposedServer, role: 'relay' | 'lmtp' = 'relay') {
  const peer = await openConnection(server.port(role))
  t.after(() => peer.destroy())
  assert.equal((await peer.reply())?.code, 220)
  const hello = role === 'lmtp' ? 'LHLO front.here.test' : 'EHLO client.example.net'
  assert.equal((await peer.command(hello))?.code, 250)
  return peer
}

async function ask(peer: RawConnection, recipient: string, parameters = ''): Promise<string> {
  assert.equal((await peer.command(`MAIL FROM:<clara@example.net>${parameters}`))?.code, 250)
  const reply = await peer.command(`RCPT TO:<${recipient}>`)
  assert.equal((await peer.command('RSET'))?.code, 250)
  return line(reply).replace(/ \(?[0-9A-Z]{11}\)?.*$/, '')
}

async function fill(server: ComposedServer, peer: RawConnection, recipient: string): Promise<void> {
  for (let n = 0; n < 2; n++) {
    await peer.command('MAIL FROM:<clara@example.net>')
    assert.equal((await peer.command(`RCPT TO:<${recipient}>`))?.code, 250)
    await peer.command('DATA')
    await peer.write('From: <clara@example.net>\r\nSubject: Hello\r\n\r\nText\r\n.\r\n')
    assert.equal((await peer.reply())?.code, 250)
  }
  await server.settled()
}

test('RCPT for a full account: put off at first, refused after a week, by its aliases too; postmaster never', async t => {
  const server = await start(t)
  const peer = await open(t, server)
  assert.match(await ask(peer, 'boris@here.test'), /^250 /)
  await fill(server, peer, 'boris@here.test')
  const full =
    /^452 4\.2\.2 <(boris|info)@here\.test> has no room for this message now; please try again later/
  assert.match(await ask(peer, 'boris@here.test'), full)
  assert.match(await ask(peer, 'info@here.test'), full)
  assert.match(await ask(peer, 'postmaster@here.test'), /^250 /)
  assert.match(await ask(peer, 'team@here.test'), /^250 /, 'some of them have room')
  assert.match(await ask(peer, 'anna@here.test'), /^250 /)

  const refusal = await eventually('the refusal in the trail', async () =>
    (await server.events()).find(
      event => event.kind === 'refused' && event.forwardPath === 'boris@here.test',
    ),
  )
  const { notes = [] } = describeEvent(refusal)
  assert.ok(
    notes.some(note => /^boris@here\.test has used [0-9]+ B of 1\.0 MB, 2 of 2 messages: /.test(note)),
    notes.join('\n'),
  )

  server.clock.advance(7 * day)
  const later = await open(t, server)
  assert.match(
    await ask(later, 'boris@here.test'),
    /^552 5\.2\.2 <boris@here\.test> has had no room for mail/,
  )
  await server.storage.run(changeAccountTerms, {
    address: address('boris@here.test'),
    change: { quotaMessages: 10 },
  })
  assert.match(await ask(later, 'boris@here.test'), /^250 /)
})

test('SIZE= alone says that there is no room', async t => {
  const server = await start(t)
  const peer = await open(t, server)
  assert.match(await ask(peer, 'anna@here.test', ' SIZE=1000000'), /^250 /)
  assert.match(
    await ask(peer, 'anna@here.test', ' SIZE=2000000'),
    /^552 5\.2\.3 This message is larger than all the mail that <anna@here\.test> may have/,
  )
})

test('of mailboxes that another server has, that server judges', async t => {
  const server = await start(t, [{ to: '127.0.0.1:1', domains: ['here.test'] }])
  const peer = await open(t, server)
  assert.match(await ask(peer, 'anna@here.test', ' SIZE=2000000'), /^250 /)
})

test('who is logged in gets the message off his hands: it waits here for room', async t => {
  const server = await start(t)
  await fill(server, await open(t, server), 'boris@here.test')
  const peer = await openTlsSession(server.port('submission'))
  t.after(() => peer.destroy())
  assert.equal(await logInPlain(peer, 'anna@here.test', 'anna secret'), 235)
  assert.equal((await peer.command('MAIL FROM:<anna@here.test>'))?.code, 250)
  assert.equal((await peer.command('RCPT TO:<boris@here.test>'))?.code, 250)
})

test('over LMTP each recipient is told by himself, when the message has come', async t => {
  const server = await start(t)
  const peer = await open(t, server, 'lmtp')
  assert.equal((await peer.command('MAIL FROM:<clara@example.net>'))?.code, 250)
  for (const recipient of ['anna@here.test', 'boris@here.test'])
    assert.equal((await peer.command(`RCPT TO:<${recipient}>`))?.code, 250)
  assert.equal((await peer.command('DATA'))?.code, 354)
  // Meanwhile somebody else's mail has filled one of them.
  await server.agent.stop(0)
  await server.storage.run(changeAccountTerms, {
    address: address('boris@here.test'),
    change: { quotaBytes: 1 },
  })
  await peer.write('From: <clara@example.net>\r\nSubject: Hello\r\n\r\nText\r\n.\r\n')
  assert.match(line(await peer.reply()), /^250 2\.0\.0 <anna@here\.test> delivered/)
  assert.match(line(await peer.reply()), /^552 5\.2\.3 /)
  assert.equal((await server.mailbox('anna@here.test')).length, 1)
  assert.equal((await server.mailbox('boris@here.test')).length, 0)
})

test('over IMAP an account sees what it has used, and is told when there is no room', async t => {
  const server = await start(t)
  await fill(server, await open(t, server), 'boris@here.test')
  const client = await ImapClient.open(server.port('imap'))
  t.after(() => client.destroy())
  assert.match((await client.line()) ?? '', /^\* OK /)
  assert.match((await client.command('a LOGIN boris@here.test secret')).join(), /a OK/)
  const capabilities = (await client.command('b CAPABILITY')).join()
  assert.match(capabilities, / QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE( |\r|,|$)/)
  assert.deepEqual(await client.command('c GETQUOTAROOT INBOX'), [
    '* QUOTAROOT INBOX ""',
    '* QUOTA "" (STORAGE 1 1024 MESSAGE 2 2)',
    'c OK GETQUOTAROOT completed',
  ])
  assert.match(
    (await client.command('d APPEND Sent {18+}\r\nSubject: x\r\n\r\ny\r\n')).join(),
    /^d NO \[OVERQUOTA\] There is no room for it in these mailboxes: delete something, and empty the trash$/,
  )
  await client.command('e SELECT INBOX')
  assert.match((await client.command('f COPY 1 Archive')).join(), /^f NO \[OVERQUOTA\] /)
  assert.match((await client.command('g MOVE 1 Archive')).join(), /g OK /)
  await client.command('h STORE 1 +FLAGS (\\Deleted)')
  const deleted = (await client.command('i STATUS INBOX (DELETED DELETED-STORAGE)')).join()
  assert.match(deleted, /DELETED 1 DELETED-STORAGE [0-9]{2,}\)/)
  await client.command('j EXPUNGE')
  assert.match((await client.command('k GETQUOTA ""')).join(), /MESSAGE 1 2\)/)
})
