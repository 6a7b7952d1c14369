// Mail read over IMAP from the composed server: what comes by SMTP is seen at once, who gets in, what the trail knows.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { describeEvent } from '../../src/cli/format-trail.ts'
import type { ListenerRole } from '../../src/config/listener-roles.ts'
import { findAccount } from '../../src/directory/accounts.ts'
import { everybody, readLearned } from '../../src/screening/learning.ts'
import { addAppPassword } from '../harness/app-passwords.ts'
import { awaitEvents } from '../harness/await-events.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { ImapClient } from '../harness/imap-client.ts'
import { logInPlain, openSession } from '../harness/log-in.ts'
import { sendMessage } from '../harness/send-message.ts'

const anna = 'anna@here.test'
const boris = 'boris@here.test'

async function start(
  t: TestContext,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<ComposedServer> {
  return await startComposedServer(t, {
    hostname: 'mail.here.test',
    domains: ['here.test'],
    accounts: [{ address: anna }, { address: boris }],
    settings: { submission: { allowPlaintextAuthOnLoopback: true }, ...settings },
  })
}

async function greeted(
  t: TestContext,
  server: ComposedServer,
  role: ListenerRole = 'imap',
): Promise<ImapClient> {
  const port = server.port(role)
  const client = await (role === 'imaps' ? ImapClient.openTls(port) : ImapClient.open(port))
  t.after(() => client.destroy())
  assert.match((await client.line()) ?? '', /^\* OK /)
  return client
}

async function loggedIn(t: TestContext, server: ComposedServer, address = anna): Promise<ImapClient> {
  const client = await greeted(t, server)
  assert.match((await client.command(`a LOGIN ${address} secret`)).join(), /a OK/)
  return client
}

test('what SMTP has taken is seen by whoever waits in IDLE, and read', async t => {
  const server = await start(t)
  const client = await loggedIn(t, server)
  assert.ok((await client.command('b SELECT INBOX')).includes('* 0 EXISTS'))
  client.write('c IDLE\r\n')
  assert.match((await client.line()) ?? '', /^\+ /)
  await sendMessage(server.port('relay'), anna, 'Seen at once')
  await server.settled()
  assert.equal(await client.line(), '* 1 EXISTS')
  client.write('DONE\r\n')
  await client.until('c')
  const fetched = (await client.command('d FETCH 1 (FLAGS ENVELOPE BODY.PEEK[TEXT])')).join('\n')
  assert.match(fetched, /"Seen at once"/)
  assert.match(fetched, /Text of Seen at once/)
})

test('what one session changes another one sees, and a message that is put there is there', async t => {
  const server = await start(t)
  const [writer, reader] = [await loggedIn(t, server), await loggedIn(t, server)]
  await reader.command('b SELECT Drafts')
  const message = 'Subject: draft\r\n\r\nnot yet\r\n'
  const appended = await writer.command(`b APPEND Drafts (\\Draft) {${message.length}+}\r\n${message}`)
  assert.match(appended.join(), /b OK \[APPENDUID \d+ 1\]/)
  assert.ok((await reader.command('c NOOP')).includes('* 1 EXISTS'))
  await writer.command('c SELECT Drafts')
  await writer.command('d STORE 1 +FLAGS (\\Deleted)')
  await writer.command('e EXPUNGE')
  const news = await reader.command('d NOOP')
  assert.ok(news.includes('* 1 EXPUNGE'), news.join())
})

test('mail for a mailbox that is shared is seen at once by whoever it is shared with, in IDLE and by NOTIFY', async t => {
  const server = await start(t)
  const owner = await loggedIn(t, server)
  assert.match((await owner.command(`b SETACL INBOX ${boris} lrs`)).join(), /b OK/)
  const shared = `"Other Users/${anna}/INBOX"`
  const [idler, listener] = [await loggedIn(t, server, boris), await loggedIn(t, server, boris)]
  assert.match((await idler.command(`b SELECT ${shared}`)).join(), /b OK \[READ-WRITE\]/)
  idler.write('c IDLE\r\n')
  assert.match((await idler.line()) ?? '', /^\+ /)
  const notify = `b NOTIFY SET (mailboxes ${shared} (MessageNew MessageExpunge))`
  assert.match((await listener.command(notify)).join(), /b OK/)
  await sendMessage(server.port('relay'), anna, 'For all of us')
  await server.settled()
  assert.equal(await idler.line(), '* 1 EXISTS')
  assert.match(
    (await listener.line()) ?? '',
    /^\* STATUS "Other Users\/anna@here\.test\/INBOX" \(MESSAGES 1 UIDNEXT 2 /,
  )
})

test('without TLS nobody logs in; with it, from the first byte or after STARTTLS', async t => {
  const server = await start(t, { submission: { allowPlaintextAuthOnLoopback: false } })
  const clear = await greeted(t, server)
  assert.match((await clear.command('a CAPABILITY')).join(), /STARTTLS.*LOGINDISABLED/)
  assert.match((await clear.command(`b LOGIN ${anna} secret`)).join(), /b NO \[PRIVACYREQUIRED\]/)
  await clear.command('c STARTTLS')
  await clear.startTls()
  assert.match((await clear.command(`d LOGIN ${anna} secret`)).join(), /d OK/)
  const implicit = await greeted(t, server, 'imaps')
  assert.match((await implicit.command(`a LOGIN ${anna} secret`)).join(), /a OK/)
})

test('a log-in that fails is in the trail, and found by its name', async t => {
  const server = await start(t)
  const client = await greeted(t, server)
  assert.match((await client.command(`a LOGIN ${anna} wrong`)).join(), /a NO \[AUTHENTICATIONFAILED\]/)
  const [event] = await awaitEvents(server, 'login-refused', 1)
  assert.ok(event)
  const { text, notes = [] } = describeEvent(event)
  assert.equal(text, `Refused LOGIN command of 127.0.0.1 as ${anna} over IMAP: the password is wrong`)
  assert.match(notes.join(), /not encrypted, not logged in, on the listener for imap, session /)
  assert.doesNotMatch(notes.join(), /EHLO/)
})

test('whoever guesses over IMAP is held back over SMTP too', async t => {
  const server = await start(t, { login: { maxFailuresPerNetwork: 3 } })
  const client = await greeted(t, server)
  for (const guess of ['one', 'two', 'three']) await client.command(`a LOGIN ${anna} ${guess}`)
  assert.match((await client.command(`b LOGIN ${anna} secret`)).join(), /b NO \[AUTHENTICATIONFAILED\]/)
  const smtp = await openSession(server.port('submission'))
  t.after(() => smtp.destroy())
  assert.equal(await logInPlain(smtp, anna, 'secret'), 535)
})

test('an app password opens what it is for', async t => {
  const server = await start(t)
  await addAppPassword(server, anna, { name: 'phone', password: 'kq7m-x3wp', scopes: ['imap'] })
  await addAppPassword(server, anna, { name: 'printer', password: 'aaaa-bbbb', scopes: ['smtp'] })
  const client = await greeted(t, server)
  assert.match((await client.command(`a LOGIN ${anna} aaaa-bbbb`)).join(), /a NO/)
  assert.match((await client.command(`b LOGIN ${anna} kq7m-x3wp`)).join(), /b OK/)
  const smtp = await openSession(server.port('submission'))
  t.after(() => smtp.destroy())
  assert.equal(await logInPlain(smtp, anna, 'kq7m-x3wp'), 535)
})

test('what is in a mailbox is sent by its URL, for its owner alone, until the key is another', async t => {
  const boris = 'boris@here.test'
  const server = await startComposedServer(t, {
    hostname: 'mail.here.test',
    domains: ['here.test'],
    accounts: [{ address: anna }, { address: boris }],
    settings: { submission: { allowPlaintextAuthOnLoopback: true } },
  })
  const client = await loggedIn(t, server)
  const message = `From: ${anna}\r\nTo: ${boris}\r\nSubject: kept here\r\n\r\nHello\r\n`
  await client.command(`b APPEND Drafts {${message.length}+}\r\n${message}`)
  const urlOf = async (section: string): Promise<string> => {
    const rump = `imap://${anna}@mail.here.test/Drafts/;UID=1${section};URLAUTH=submit+${anna}`
    const [line] = await client.command(`c GENURLAUTH "${rump}" INTERNAL`)
    return /^\* GENURLAUTH "?(\S+?)"?$/.exec(line ?? '')?.[1] ?? ''
  }
  const open = async (address: string) => {
    const smtp = await openSession(server.port('submission'))
    t.after(() => smtp.destroy())
    assert.equal(await logInPlain(smtp, address, 'secret'), 235)
    assert.ok((await smtp.command('EHLO client.example.org'))?.lines.includes('BURL imap'))
    return async (...commands: readonly string[]) => {
      const codes: unknown[] = []
      for (const command of [`MAIL FROM:<${address}>`, `RCPT TO:<${boris}>`, ...commands]) {
        const reply = await smtp.command(command)
        codes.push(`${reply?.code} ${reply?.text.split(' ')[0]}`)
      }
      return codes.slice(2)
    }
  }
  const [asAnna, asBoris] = [await open(anna), await open(boris)]
  const [header, text] = [await urlOf('/;SECTION=HEADER'), await urlOf('/;SECTION=TEXT')]
  // A user of the submission server, and no reader.
  assert.match((await client.command(`d URLFETCH "${text}"`)).join(), /:INTERNAL:01[0-9a-f]+"? NIL/)
  // The CRLF behind it belongs to the chunk.
  const sent = await asAnna(`BURL ${header}`, 'BDAT 7\r\nBegin', `BURL ${text} LAST`)
  assert.deepEqual(sent, ['250 2.0.0', '250 2.0.0', '250 2.0.0'])
  await server.settled()
  const [delivered = ''] = await server.mailbox(boris)
  assert.match(delivered, /\r\nSubject: kept here\r\n\r\nBegin\r\nHello\r\n$/)
  assert.deepEqual(await asBoris(`BURL ${text} LAST`), ['554 5.6.6'])
  assert.deepEqual(await asAnna('BURL imap://carol@elsewhere.test/INBOX/;UID=1 LAST'), ['554 5.7.8'])
  await client.command('e RESETKEY Drafts')
  assert.deepEqual(await asAnna(`BURL ${text} LAST`), ['554 5.6.6'])
})

test('what is moved into Junk teaches the filter, of the account and of all', async t => {
  const server = await start(t)
  await sendMessage(server.port('relay'), anna, 'Cheap pills')
  await server.settled()
  const client = await loggedIn(t, server)
  await client.command('b SELECT INBOX')
  assert.match((await client.command('c MOVE 1 Junk')).join(), /c OK/)
  await server.lookAfterFilter()
  const account = await server.storage.run(findAccount, {
    address: { localPart: 'anna', domain: 'here.test' },
  })
  for (const accountId of [account?.id ?? -1, everybody])
    assert.deepEqual(await server.storage.run(readLearned, { accountId }), { spam: 1, ham: 0 })
})
