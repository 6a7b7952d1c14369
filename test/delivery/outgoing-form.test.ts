// What leaves is well-formed, whatever came in, and every server gets it in a form that it takes (RFC 6152, RFC 6531).
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { connectSmtp } from '../../src/smtp/client/connect.ts'
import { createSmtpServer } from '../../src/smtp/server/create-smtp-server.ts'
import { type RemotePeer, startPeer } from './remote-peer.ts'
import { createWorld, type Posting, type World } from './world.ts'

const from = 'anna@example.test'
const to = ['boris@example.org']

async function worldAndPeer(
  t: TestContext,
  extensions: string[],
): Promise<{ world: World; peer: RemotePeer }> {
  const peer = await startPeer({ address: '127.0.0.2', extensions })
  t.after(() => peer.close())
  const world = await createWorld(t, { delivery: { port: peer.port } })
  world.dns.mx('example.org', 10, 'mx1.example.org')
  world.dns.host('mx1.example.org', peer.address)
  await world.account(from)
  return { world, peer }
}

const mailLine = (peer: RemotePeer): string => peer.commands.find(line => line.startsWith('MAIL')) ?? ''

test('a server without 8BITMIME gets 8-bit mail in 7 bits, and its SIZE is that of what it gets', async t => {
  const { world, peer } = await worldAndPeer(t, ['SIZE 100000'])
  const text = 'Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nпривет\r\n'
  await world.post({ from, to, text, message: { body: '8BITMIME' } })
  const { mailData = '' } = peer.messages[0] ?? {}
  assert.equal(
    mailData,
    'Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=D0=BF=D1=80=D0=B8=D0=B2=D0=B5=D1=82\r\n',
  )
  assert.equal(mailLine(peer), `MAIL FROM:<anna@example.test> SIZE=${mailData.length}`)
})

test('a server without BINARYMIME gets binary mail in base64', async t => {
  const { world, peer } = await worldAndPeer(t, ['8BITMIME', 'CHUNKING'])
  const text =
    'Subject: x\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\n\r'
  await world.post({ from, to, text, message: { body: 'BINARYMIME' } })
  const { mailData = '' } = peer.messages[0] ?? {}
  assert.match(mailData, /^Content-Transfer-Encoding: base64\r\n\r\nAAoN\r\n$/m)
  assert.doesNotMatch(mailLine(peer), /BODY/)
})

test('lines of more than 998 octets leave in short ones; a server that takes 8 bits gets the rest as it is', async t => {
  const { world, peer } = await worldAndPeer(t, ['8BITMIME'])
  const part = (content: string): string =>
    `--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n${content}\r\n`
  const text = `Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n${part('é'.repeat(800))}${part('привет')}--b--\r\n`
  await world.post({ from, to, text, message: { body: '8BITMIME', hasLongLines: true } })
  const { mailData = '' } = peer.messages[0] ?? {}
  assert.ok(mailData.split('\r\n').every(line => line.length <= 998))
  assert.match(mailData, /quoted-printable/)
  assert.ok(mailData.includes(Buffer.from('\r\n\r\nпривет\r\n').toString('latin1')))
  assert.match(mailLine(peer), / BODY=8BITMIME$/)
})

test('a line of megabytes leaves in short ones, and is the same to its reader', async t => {
  const { world, peer } = await worldAndPeer(t, ['8BITMIME'])
  const line = '<td>0123456789</td>'.repeat(200_000)
  const text = `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n${line}\r\n--b--\r\n`
  await world.post({ from, to, text, message: { hasLongLines: true } })
  const { mailData = '' } = peer.messages[0] ?? {}
  assert.ok(mailData.split('\r\n').every(one => one.length <= 998))
  const [, body = ''] = /quoted-printable\r\n\r\n(.*)\r\n--b--\r\n$/s.exec(mailData) ?? []
  assert.ok(body.replaceAll('=\r\n', '') === line)
})

test('what is signed and needs 8 bits goes to a server that takes them; when there is none, it fails', async t => {
  const { world, peer } = await worldAndPeer(t, [])
  const modern = await startPeer({ address: '127.0.0.3', port: peer.port })
  t.after(() => modern.close())
  world.dns.mx('example.org', 20, 'mx2.example.org')
  world.dns.host('mx2.example.org', modern.address)
  world.dns.mx('example.net', 10, 'mx1.example.org')
  const text =
    'Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nпривет\r\n--s--\r\n'
  const message = { body: '8BITMIME' } as const
  await world.post({ from, to, text, message })
  assert.equal(modern.messages.length, 1)
  const id = await world.post({ from, to: ['boris@example.net'], text, message })
  assert.equal(peer.messages.length, 0)
  const [attempt] = await world.attempts(id)
  assert.equal(attempt?.outcome.kind, 'failed')
  assert.equal(attempt.outcome.diagnosis.status, '5.6.3')
  const [report = ''] = await world.mailbox(from)
  assert.match(report, /it is signed, and to convert it would\s+break the signature/)
  assert.match(report, /What to do: Send it again without the\s+signature/)
  assert.doesNotMatch(report, /Latin/)
})

test('a server without SMTPUTF8 gets what can be written in ASCII', async t => {
  const { world, peer } = await worldAndPeer(t, ['8BITMIME'])
  const text = 'From: Анна <anna@example.test>\r\nSubject: привет\r\n\r\nпривет\r\n'
  await world.post({ from, to: ['boris@example.org'], text, message: { body: '8BITMIME', smtpUtf8: true } })
  const { mailData = '' } = peer.messages[0] ?? {}
  assert.match(mailData, /^From: =\?UTF-8\?B\?0JDQvdC90LA=\?= <anna@example\.test>\r\nSubject: =\?UTF-8\?B\?/)
  assert.ok(mailData.endsWith(Buffer.from('\r\n\r\nпривет\r\n').toString('latin1')))
  assert.equal(mailLine(peer), 'MAIL FROM:<anna@example.test> BODY=8BITMIME')
})

test('an address in the header section that cannot: the sender is told that SMTPUTF8 is missing', async t => {
  const { world, peer } = await worldAndPeer(t, ['8BITMIME'])
  const text = 'From: <анна@example.test>\r\n\r\nx\r\n'
  await world.post({ from, to, text, message: { smtpUtf8: true } })
  assert.equal(peer.messages.length, 0)
  const [report = ''] = await world.mailbox(from)
  assert.match(report, /^Status: 5\.6\.7/im)
  assert.match(report, /does not offer\s+SMTPUTF8/)
  assert.match(report, /What to do: Use\s+addresses\s+in\s+plain\s+Latin\s+letters/)
})

test('a recipient whose address needs SMTPUTF8 fails alone', async t => {
  const { world, peer } = await worldAndPeer(t, ['8BITMIME'])
  await world.post({
    from,
    to: ['boris@example.org', 'борис@example.org'],
    message: { smtpUtf8: true },
  })
  assert.deepEqual(peer.messages[0]?.forwardPaths, to)
  const [report = '', ...others] = await world.mailbox(from)
  assert.match(report, /^Final-Recipient: utf-8; \\x\{431\}/im)
  assert.match(report, /^Status: 5\.6\.7/im)
  assert.deepEqual(others, [])
})

test('the trail says what was changed for a server, and why; nothing where nothing was', async t => {
  const { world, peer } = await worldAndPeer(t, [])
  const plain = 'Content-Type: text/plain; charset=utf-8\r\n\r\n'
  const long = `${'x'.repeat(999)}\r\n`
  const cases: readonly [
    text: string,
    message: NonNullable<Posting['message']>,
    changes: readonly string[],
    words: RegExp,
  ][] = [
    [`${plain}привет\r\n`, { body: '8BITMIME' }, ['eight-bit'], /takes no 8-bit mail \(8BITMIME\)/],
    [
      `Subject: привет\r\n${plain}x\r\n`,
      { body: '8BITMIME', smtpUtf8: true },
      ['header-section'],
      /header fields that are not ASCII were written in ASCII/,
    ],
    [`${plain}${long}`, { hasLongLines: true }, ['long-lines'], /more than 998 characters/],
    [`Subject: ${long}\r\nx\r\n`, { hasLongLines: true }, ['long-lines'], /more than 998 characters/],
    [
      `Subject: привет\r\n${plain}${long}привет\r\n`,
      { body: '8BITMIME', smtpUtf8: true, hasLongLines: true },
      ['header-section', 'eight-bit', 'long-lines'],
      /SMTPUTF8\); what is not ASCII .*\(8BITMIME\); lines of/,
    ],
    [
      `Content-Type: application/octet-stream\r\n\r\n\0`,
      { body: 'BINARYMIME' },
      ['binary'],
      /\(BINARYMIME\)/,
    ],
    [`Content-Transfer-Encoding: binary\r\n\r\nx\r\n`, { body: 'BINARYMIME' }, ['labels'], /to say less/],
  ]
  for (const [text, message, changes, words] of cases) {
    const [attempt] = await world.attempts(await world.post({ from, to, text, message }))
    assert.ok(attempt)
    assert.deepEqual(attempt.sent, { changes }, text)
    const note = describeEvent(attempt).notes?.find(line => line.startsWith('Changed on this way: ')) ?? ''
    assert.match(note, words)
    assert.match(note, /It reads as before; a DKIM signature that it came with fits no more$/)
  }
  // Refused in the form that it was given: that may be why.
  peer.script = command => (command === '(end of data)' ? '550 5.7.1 DKIM' : undefined)
  const refused = await world.post({ from, to, text: `${plain}привет\r\n`, message: { body: '8BITMIME' } })
  assert.deepEqual((await world.attempts(refused))[0]?.sent, { changes: ['eight-bit'] })
  peer.script = () => undefined
  const same = await world.post({ from, to, message: { body: '8BITMIME' } })
  const [attempt] = await world.attempts(same)
  assert.equal(attempt?.outcome.kind, 'relayed')
  assert.equal(attempt.sent, undefined)
})

test('the server sees long lines and 8-bit octets while they come, and keeps no line', async t => {
  const seen: unknown[] = []
  let longestPiece = 0
  const server = createSmtpServer({
    hostname: 'mail.example.test',
    listeners: [{ role: 'relay', address: '127.0.0.1', port: 0 }],
    services: {
      receive: () => ({
        write(piece) {
          longestPiece = Math.max(longestPiece, piece.length)
        },
        finish(facts) {
          seen.push({ isEightBit: facts?.isEightBit, hasLongLines: facts?.hasLongLines })
          return Promise.resolve({ code: 250, lines: ['Ok'] })
        },
        abort() {},
      }),
    },
  })
  const [listener] = await server.listen()
  t.after(() => server.close())
  const connection = await connectSmtp({
    host: '127.0.0.1',
    port: listener?.port ?? 0,
    helloName: 'client.example.org',
    tls: 'never',
    verifyCertificate: false,
  })
  const lines = ['plain', 'x'.repeat(998), 'x'.repeat(999), 'é', 'x'.repeat(8 * 1024 * 1024)]
  for (const line of lines) {
    const bytes = Buffer.from(`${line}\r\n`)
    await connection.send({
      reversePath: null,
      body: '8BITMIME',
      smtpUtf8: false,
      recipients: [{ forwardPath: { localPart: 'anna', domain: 'example.test' } }],
      mailData: {
        size: bytes.length,
        async *open() {
          // Cut where it is hard to see.
          yield bytes.subarray(0, 5)
          yield bytes.subarray(5)
        },
      },
    })
  }
  await connection.quit()
  assert.deepEqual(seen, [
    { isEightBit: false, hasLongLines: false },
    { isEightBit: false, hasLongLines: false },
    { isEightBit: false, hasLongLines: true },
    { isEightBit: true, hasLongLines: false },
    { isEightBit: false, hasLongLines: true },
  ])
  assert.ok(longestPiece < 1024 * 1024, `${longestPiece}`)
})
