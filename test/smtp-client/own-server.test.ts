// Our client and our server: what goes in on one side comes out on the other.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import * as fc from 'fast-check'
import { formatAddress } from '../../src/address/format-address.ts'
import type { SmtpConnection } from '../../src/smtp/client/contract.ts'
import { testSecureContext } from '../harness/secure-context.ts'
import { cutAt, nastyBytes } from '../smtp-server/nasty-bytes.ts'
import { type Overrides, type StartedServer, startServer } from '../smtp-server/start-server.ts'
import {
  connect,
  DialogueWatch,
  failureOf,
  inWords,
  mailDataOf,
  openly,
  recipient,
  transactionTo,
} from './open-client.ts'

async function serverFor(t: TestContext, overrides: Overrides = {}): Promise<StartedServer> {
  const started = await startServer(overrides)
  t.after(() => started.server.close())
  return started
}

async function sendBytes(
  connection: SmtpConnection,
  body: '8BITMIME' | 'BINARYMIME',
  chunks: readonly Buffer[],
) {
  const results = await connection.send(transactionTo(undefined, { body, mailData: mailDataOf(...chunks) }))
  assert.deepEqual(inWords(results), ['accepted 250'])
}

const cuts = fc.array(fc.nat(200), { maxLength: 8 })

test('DATA: any message arrives with clean line ends, one after the other on one connection', async t => {
  const server = await serverFor(t)
  const connection = await connect(t, server)
  await fc.assert(
    fc.asyncProperty(nastyBytes, cuts, async (bytes, places) => {
      const text = bytes.toString('latin1').replaceAll('\0', '')
      await sendBytes(connection, '8BITMIME', cutAt(Buffer.from(text, 'latin1'), places))
      const lines = text.replaceAll(/\r\n|\r|\n/g, '\r\n')
      const expected = lines === '' || lines.endsWith('\r\n') ? lines : `${lines}\r\n`
      assert.equal(server.taken.at(-1)?.mailData, expected)
    }),
    { numRuns: 300 },
  )
  assert.equal(server.server.connectionCount, 1)
})

test('BDAT: any octets arrive as they are', async t => {
  const server = await serverFor(t)
  const connection = await connect(t, server)
  await fc.assert(
    fc.asyncProperty(nastyBytes, cuts, async (bytes, places) => {
      await sendBytes(connection, 'BINARYMIME', cutAt(bytes, places))
      const last = server.taken.at(-1)
      assert.equal(last?.mailData, bytes.toString('latin1'))
      assert.equal(last.transaction.parameters.body, 'BINARYMIME')
    }),
    { numRuns: 300 },
  )
})

test('BDAT: a recipient that is refused, a message that is refused, and the next one', async t => {
  const server = await serverFor(t, {
    services: {
      acceptForwardPath: (_client, _transaction, { forwardPath }) =>
        forwardPath.localPart === 'nobody'
          ? { code: 550, enhanced: '5.1.1', lines: ['No such user'] }
          : undefined,
    },
    limits: { maxMessageBytes: 100 },
  })
  const watch = new DialogueWatch()
  const connection = await connect(t, server, { ...openly, onDialogue: watch.onDialogue })
  const send = async (to: string[], size: number): Promise<string[]> =>
    inWords(
      await connection.send(
        transactionTo(to, { body: 'BINARYMIME', mailData: mailDataOf(Buffer.alloc(size, '\n')) }),
      ),
    )
  assert.deepEqual(await send(['nobody@example.org'], 10), ['refused 550 at rcpt'])
  assert.ok(!watch.lines.some(line => line.startsWith('C: BDAT')))
  assert.deepEqual(await send(['boris@example.org', 'nobody@example.org'], 10), [
    'accepted 250',
    'refused 550 at rcpt',
  ])
  assert.deepEqual(await send(['boris@example.org'], 101), ['refused 552 at mail'])
  assert.deepEqual(await send(['boris@example.org'], 100), ['accepted 250'])
  assert.deepEqual(
    server.taken.map(({ mailData }) => mailData.length),
    [10, 100],
  )
})

test('every parameter arrives as it was meant', async t => {
  const server = await serverFor(t)
  const connection = await connect(t, server)
  const sent = transactionTo(
    [
      recipient('"a b\\"c"@example.org', { notify: ['SUCCESS', 'FAILURE', 'DELAY'] }),
      recipient('boris@[IPv6:2001:db8::1]', {
        notify: [],
        originalRecipient: 'rfc822;boris+tag=1@example.org',
      }),
      recipient('почта@пример.испытание'),
    ],
    { ret: 'FULL', envelopeId: 'QQ+314=159 ~', body: '8BITMIME', reversePath: null },
  )
  assert.deepEqual(inWords(await connection.send(sent)), ['accepted 250', 'accepted 250', 'accepted 250'])
  const transaction = server.taken[0]?.transaction
  assert.ok(transaction)
  assert.equal(transaction.reversePath, null)
  assert.deepEqual(transaction.parameters, {
    body: '8BITMIME',
    smtpUtf8: true,
    declaredSize: sent.mailData.size,
    ret: 'FULL',
    envelopeId: 'QQ+314=159 ~',
  })
  assert.deepEqual(
    transaction.recipients.map(({ forwardPath, parameters }) => ({
      address: formatAddress(forwardPath),
      ...parameters,
    })),
    [
      { address: '"a b\\"c"@example.org', notify: ['SUCCESS', 'FAILURE', 'DELAY'] },
      {
        address: 'boris@[IPv6:2001:db8::1]',
        notify: [],
        originalRecipient: 'rfc822;boris+tag=1@example.org',
      },
      { address: 'почта@xn--e1afmkfd.xn--80akhbyknj4f' },
    ],
  )
})

for (const { original, arrives } of [
  { original: 'utf-8;почта+тег=1@пример.испытание', arrives: 'utf-8;почта+тег=1@пример.испытание' },
  { original: 'utf-8;"а \\"б"@example.org', arrives: 'utf-8;"а \\"б"@example.org' },
  { original: 'utf-8;😀@example.org', arrives: 'utf-8;😀@example.org' },
  { original: 'utf-8;plain@example.org', arrives: 'utf-8;plain@example.org' },
  { original: 'rfc822;почта@example.org', arrives: 'utf-8;почта@example.org' },
]) {
  test(`an original recipient beyond ASCII arrives (RFC 6533): ${original}`, async t => {
    const server = await serverFor(t)
    const connection = await connect(t, server)
    const sent = transactionTo([recipient('boris@example.org', { originalRecipient: original })])
    assert.deepEqual(inWords(await connection.send(sent)), ['accepted 250'])
    assert.equal(server.taken[0]?.transaction.recipients[0]?.parameters.originalRecipient, arrives)
  })
}

test('an original recipient that has no room in ASCII is refused, so that the next server need not (RFC 3461 §4.2)', async t => {
  const server = await serverFor(t)
  const connection = await server.greeted()
  await connection.command('EHLO client.example.org')
  await connection.command('MAIL FROM:<anna@example.test> SMTPUTF8')
  const rcpt = async (letters: number): Promise<number | undefined> =>
    (await connection.command(`RCPT TO:<boris@example.org> ORCPT=utf-8;${'я'.repeat(letters)}`))?.code
  assert.equal(await rcpt(Math.floor(500 / '\\x{44F}'.length)), 250)
  assert.equal(await rcpt(Math.floor(500 / '\\x{44F}'.length) + 1), 501)
  connection.destroy()
})

test('many recipients, and more than the server takes at once', async t => {
  const server = await serverFor(t, { limits: { maxRecipients: 100 } })
  const connection = await connect(t, server)
  const to = Array.from({ length: 150 }, (_, n) => `user${n}@example.org`)
  const results = inWords(await connection.send(transactionTo(to)))
  assert.deepEqual(results.slice(0, 100), Array(100).fill('accepted 250'))
  assert.deepEqual(results.slice(100), Array(50).fill('refused 452 at rcpt'))
  assert.equal(server.taken[0]?.transaction.recipients.length, 100)
})

test('a message over the limit of the server', async t => {
  const server = await serverFor(t, { limits: { maxMessageBytes: 1000 } })
  const connection = await connect(t, server)
  const big = mailDataOf(`${'x'.repeat(70)}\r\n`.repeat(20))
  assert.deepEqual(inWords(await connection.send(transactionTo(undefined, { mailData: big }))), [
    'refused 552 at mail',
  ])
  // Who lies about the size is found out at the end.
  const understated = { ...big, size: 10 }
  assert.deepEqual(inWords(await connection.send(transactionTo(undefined, { mailData: understated }))), [
    'refused 552 at end-of-data',
  ])
  assert.deepEqual(inWords(await connection.send(transactionTo())), ['accepted 250'])
  assert.equal(server.taken.length, 1)
})

const anna = { username: 'anna@example.test', password: 'pass wörd' }
const submission: Overrides = {
  tls: { secureContext: testSecureContext },
  listeners: [{ role: 'submission', address: '127.0.0.1', port: 0 }],
  services: {
    authenticate: async (_client, name, password) =>
      name === anna.username && password === anna.password ? { id: 1, address: name } : undefined,
  },
}

test('AUTH over TLS, and then mail', async t => {
  const server = await serverFor(t, submission)
  const connection = await connect(t, server, { tls: 'starttls', auth: anna })
  assert.deepEqual(inWords(await connection.send(transactionTo())), ['accepted 250'])
})

test('AUTH with a wrong password', async t => {
  const server = await serverFor(t, submission)
  const auth = { ...anna, password: 'wrong' }
  const facts = await failureOf(connect(t, server, { tls: 'starttls', auth }))
  assert.equal(facts.stage, 'auth')
  assert.equal(facts.reply?.code, 535)
})

test('without TLS the server offers no AUTH, so the client has nobody to tell the password', async t => {
  const server = await serverFor(t, submission)
  const watch = new DialogueWatch()
  const facts = await failureOf(
    connect(t, server, { tls: 'never', auth: anna, onDialogue: watch.onDialogue }),
  )
  assert.equal(facts.kind, 'auth-unavailable')
  assert.ok(!watch.lines.some(line => line.startsWith('C: AUTH')))
})

test('without TLS, and without a log-in, mail is refused', async t => {
  const server = await serverFor(t, submission)
  const connection = await connect(t, server, { tls: 'never' })
  assert.deepEqual(inWords(await connection.send(transactionTo())), ['refused 530 at mail'])
})

test('without TLS where the server allows it on its own machine', async t => {
  const { tls: _tls, ...clear } = submission
  const server = await serverFor(t, { ...clear, allowPlaintextAuthOnLoopback: true })
  const connection = await connect(t, server, { tls: 'never', auth: anna })
  assert.deepEqual(inWords(await connection.send(transactionTo())), ['accepted 250'])
})
