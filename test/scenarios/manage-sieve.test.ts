// Scripts put on the composed server by ManageSieve, and what they do with the mail that comes by SMTP and LMTP.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseAddress } from '../../src/address/parse-address.ts'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { removeAccount } from '../../src/directory/accounts.ts'
import { defineRead } from '../../src/storage/operation.ts'
import { addAppPassword } from '../harness/app-passwords.ts'
import { awaitEvents } from '../harness/await-events.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { openConnection } from '../harness/raw-connection.ts'
import { sendMessage } from '../harness/send-message.ts'
import { Peer } from '../manage-sieve/play.ts'

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

/** All lines up to OK, NO or BYE. */
async function answer(peer: Peer): Promise<readonly string[]> {
  const lines: string[] = []
  for (;;) {
    const line = await peer.line()
    if (line === undefined) return lines
    lines.push(line)
    if (!/^(?:OK|NO|BYE)\b/.test(line)) continue
    // What has several lines stands in a literal.
    let missing = Number(/\{(\d+)\}$/.exec(line)?.[1] ?? -1)
    while (missing >= 0) {
      const more = (await peer.line()) ?? assert.fail('the server has closed')
      lines.push(more)
      missing -= Buffer.byteLength(more) + 2
    }
    return lines
  }
}

async function greeted(t: TestContext, server: ComposedServer): Promise<Peer> {
  const peer = await Peer.open(server.port('sieve'))
  t.after(() => peer.destroy())
  assert.match((await answer(peer)).join('\n'), /^"IMPLEMENTATION" "Postrider [^]*\nOK "mail\.here\.test /)
  return peer
}

async function say(peer: Peer, command: string): Promise<string> {
  await peer.write(Buffer.from(`${command}\r\n`))
  return (await answer(peer)).join('\n')
}

async function logIn(peer: Peer, password = 'secret'): Promise<string> {
  const initial = Buffer.from(`\0${anna}\0${password}`).toString('base64')
  return await say(peer, `AUTHENTICATE "PLAIN" "${initial}"`)
}

async function put(peer: Peer, name: string, script: string): Promise<string> {
  return await say(peer, `PUTSCRIPT "${name}" {${Buffer.byteLength(script)}+}\r\n${script}`)
}

test('a script that a mail program puts there sorts what comes, from its activation on', async t => {
  const server = await start(t)
  const peer = await greeted(t, server)
  assert.equal(await logIn(peer), 'OK "Logged in"')
  const script = 'require ["fileinto"];\r\nif header :contains "subject" "list" { fileinto "Archive"; }\r\n'
  assert.equal(await say(peer, 'HAVESPACE "main" 1000'), 'OK')
  assert.equal(await put(peer, 'main', script), 'OK')
  await sendMessage(server.port('relay'), anna, 'list one')
  await server.settled()
  assert.equal((await server.mailbox(anna)).length, 1)
  assert.equal(await say(peer, 'SETACTIVE "main"'), 'OK')
  await sendMessage(server.port('relay'), anna, 'list two')
  await sendMessage(server.port('relay'), anna, 'other')
  await server.settled()
  assert.equal((await server.mailbox(anna)).length, 2)
  assert.equal((await server.mailbox(anna, 'Archive')).length, 1)
  assert.equal(await say(peer, 'LISTSCRIPTS'), '"main" ACTIVE\nOK')
  assert.match(await say(peer, 'GETSCRIPT "main"'), /^\{\d+\}\nrequire \["fileinto"\];\nif header /)
  assert.equal(
    await say(peer, 'DELETESCRIPT "main"'),
    'NO (ACTIVE) "The script is active: make another one active first, or none."',
  )
  assert.equal(await say(peer, 'RENAMESCRIPT "main" "Отпуск"'), 'OK')
  assert.equal(await say(peer, 'LISTSCRIPTS'), '"Отпуск" ACTIVE\nOK')
  assert.equal(await say(peer, 'SETACTIVE ""'), 'OK')
  assert.equal(await say(peer, 'DELETESCRIPT "Отпуск"'), 'OK')
  assert.equal(await say(peer, 'LISTSCRIPTS'), 'OK')
})

test('mistakes are told with line and column, and nothing is kept of them', async t => {
  const server = await start(t)
  const peer = await greeted(t, server)
  await logIn(peer)
  const wrong = 'keep;\r\nfileinto "x";\r\n'
  assert.match(await put(peer, 'main', wrong), /line 2, column 1: fileinto needs an extension/)
  assert.match(
    await say(peer, `CHECKSCRIPT {${wrong.length}+}\r\n${wrong}`),
    /line 2, column 1: fileinto needs an extension/,
  )
  assert.equal(await say(peer, 'LISTSCRIPTS'), 'OK')
})

test('an account has so many scripts, and so much of them', async t => {
  const server = await start(t)
  const peer = await greeted(t, server)
  await logIn(peer)
  for (let number = 0; number < 32; number++) assert.equal(await put(peer, `s${number}`, 'keep;'), 'OK')
  assert.match(await put(peer, 'more', 'keep;'), /^NO \(QUOTA\/MAXSCRIPTS\) "An account may have 32 scripts/)
  const large = `# ${'x'.repeat(250 * 1024)}\r\nkeep;`
  for (let number = 0; number < 4; number++) assert.equal(await put(peer, `s${number}`, large), 'OK')
  assert.match(await put(peer, 's4', large), /^NO \(QUOTA\) /)
  assert.equal(await put(peer, 's3', 'keep;'), 'OK')
})

test('without TLS nobody logs in; a wrong password is in the trail; an app password is for what it is for', async t => {
  const server = await start(t, { submission: { allowPlaintextAuthOnLoopback: false } })
  await addAppPassword(server, anna, { name: 'rules', password: 'kq7m-x3wp', scopes: ['sieve'] })
  await addAppPassword(server, anna, { name: 'printer', password: 'aaaa-bbbb', scopes: ['smtp'] })
  const peer = await greeted(t, server)
  assert.match(await logIn(peer), /^NO \(ENCRYPT-NEEDED\)/)
  assert.equal(await say(peer, 'STARTTLS'), 'OK')
  await peer.startTls()
  await answer(peer)
  assert.match(await logIn(peer, 'wrong'), /^NO/)
  const [event] = await awaitEvents(server, 'login-refused', 1)
  assert.ok(event)
  const { text, notes = [] } = describeEvent(event)
  assert.equal(text, `Refused PLAIN of 127.0.0.1 as ${anna} over ManageSieve: the password is wrong`)
  assert.match(
    notes.join(),
    /encrypted with TLSv1\.3 [^,]+, not logged in, on the listener for sieve, session /,
  )
  assert.match(await logIn(peer, 'aaaa-bbbb'), /^NO/)
  assert.equal(await logIn(peer, 'kq7m-x3wp'), 'OK "Logged in"')
})

test('what LMTP brings to an account with a script is queued, and its script decides', async t => {
  const server = await start(t)
  const peer = await greeted(t, server)
  await logIn(peer)
  await put(peer, 'main', 'require "fileinto"; fileinto "Archive";')
  await say(peer, 'SETACTIVE "main"')
  const lmtp = await openConnection(server.port('lmtp'))
  t.after(() => lmtp.destroy())
  await lmtp.reply()
  await lmtp.command('LHLO front.here.test')
  await lmtp.command('MAIL FROM:<a@example.org>')
  await lmtp.command(`RCPT TO:<${anna}>`)
  await lmtp.command('DATA')
  await lmtp.write('From: <a@example.org>\r\nSubject: News\r\n\r\nText\r\n.\r\n')
  assert.match((await lmtp.reply())?.text ?? '', /queued as /)
  await server.settled()
  assert.equal((await server.mailbox(anna, 'Archive')).length, 1)
})

const countRows = defineRead('test.count-script-rows', async tx => {
  const row = await tx.get<{ scripts: number; remembered: number }>(
    'SELECT (SELECT count(*) FROM script) AS scripts, (SELECT count(*) FROM script_memory) AS remembered',
  )
  return [row?.scripts, row?.remembered]
})

test('with an account its scripts go, and what they have remembered', async t => {
  const server = await start(t)
  const peer = await greeted(t, server)
  await logIn(peer)
  await put(peer, 'main', 'keep;')
  await say(peer, 'SETACTIVE "main"')
  await sendMessage(server.port('relay'), anna, 'One')
  await server.settled()
  assert.deepEqual(await server.storage.run(countRows, undefined), [1, 1])
  const address = parseAddress(anna) ?? assert.fail()
  await server.storage.run(removeAccount, { address, withContents: true })
  assert.deepEqual(await server.storage.run(countRows, undefined), [0, 0])
})
