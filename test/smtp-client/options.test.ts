// What a program gets wrong in what it hands to the client is said at once, with the name of the option: no socket is opened
// for it, and nothing of the transaction is sent.
import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { systemClock } from '../../src/runtime/clock.ts'
import { connectSmtp, connectSmtpOver } from '../../src/smtp/client/connect.ts'
import type {
  OutgoingTransaction,
  ProbedTransaction,
  SmtpClientOptions,
} from '../../src/smtp/client/contract.ts'
import { requestTurnAround } from '../../src/smtp/client/turn-around.ts'
import { connect, inWords, listen, mailDataOf, openly, peerFor, transactionTo } from './open-client.ts'

const sound = {
  host: '127.0.0.1',
  port: 25,
  helloName: 'client.example.org',
  tls: 'starttls',
  verifyCertificate: true,
} as const satisfies SmtpClientOptions

const wrong: readonly (readonly [options: object, code: string, message: RegExp])[] = [
  [
    { tls: 'starTLS' },
    'OPTION_VALUE',
    /^tls is "starTLS"; it has to be one of implicit, starttls, opportunistic, never\.$/,
  ],
  [{ tls: undefined }, 'OPTION_VALUE', /^tls is undefined; /],
  [{ tls: true }, 'OPTION_VALUE', /^tls is true; /],
  [{ verifyCertificate: undefined }, 'OPTION_VALUE', /^verifyCertificate is undefined; .*true or false/],
  [{ verifyCertificate: 'yes' }, 'OPTION_VALUE', /^verifyCertificate is "yes"; /],
  [{ helloName: undefined }, 'HOSTNAME_SYNTAX', /^helloName is undefined; .*one word in ASCII/],
  [{ helloName: '' }, 'HOSTNAME_SYNTAX', /^helloName is ""; /],
  [{ helloName: 'two words' }, 'HOSTNAME_SYNTAX', /^helloName is "two words"; /],
  [{ host: undefined }, 'OPTION_VALUE', /^host is undefined; .*a text that is not empty/],
  [{ host: '' }, 'OPTION_VALUE', /^host is ""; /],
  [{ port: undefined }, 'OPTION_VALUE', /^port or path has to be given/],
  [{ path: '/run/lmtp' }, 'OPTION_VALUE', /^port or path has to be given/],
  [{ port: 0 }, 'OPTION_VALUE', /^port is 0; .*a whole number from 1 to 65535/],
  [{ protocol: 'uucp' }, 'OPTION_VALUE', /^protocol is "uucp"; .*smtp, lmtp/],
  [{ port: '25' }, 'OPTION_VALUE', /^port is "25"; /],
  [{ port: 99_999 }, 'OPTION_VALUE', /^port is 99999; /],
  [{ port: 0 }, 'OPTION_VALUE', /^port is 0; /],
  [{ address: 'mail.example.org' }, 'OPTION_VALUE', /^address is "mail\.example\.org"; .*an IP address/],
  [{ localAddress: 'eth0' }, 'OPTION_VALUE', /^localAddress is "eth0"; .*an IP address/],
  [{ serverName: 5 }, 'OPTION_VALUE', /^serverName is 5; /],
  [{ verifyChain: true }, 'OPTION_VALUE', /^verifyChain is true; .*a function/],
  [{ allowPlaintextAuth: 'never' }, 'OPTION_VALUE', /^allowPlaintextAuth is "never"; /],
  [{ connectTimeoutMs: '30s' }, 'OPTION_VALUE', /^connectTimeoutMs is "30s"; .*a number of milliseconds/],
  [{ connectTimeoutMs: 0 }, 'OPTION_VALUE', /^connectTimeoutMs is 0; /],
  [{ commandTimeoutMs: Number.NaN }, 'OPTION_VALUE', /^commandTimeoutMs is NaN; /],
  // A timer of Node.js would go off at once.
  [{ commandTimeoutMs: Number.POSITIVE_INFINITY }, 'OPTION_VALUE', /^commandTimeoutMs is Infinity; /],
  [{ clock: Date }, 'OPTION_VALUE', /^clock is a function; /],
  [{ clock: { ...systemClock, after: undefined } }, 'OPTION_VALUE', /^clock\.after is undefined; /],
  [{ onDialogue: [] }, 'OPTION_VALUE', /^onDialogue is an array; /],
  [{ auth: null }, 'OPTION_VALUE', /^auth is null; .*username and password/],
  [{ auth: { user: 'anna', password: 'x' } }, 'OPTION_UNKNOWN', /^auth\.user is not known here\. /],
  [{ auth: { username: 'anna' } }, 'OPTION_VALUE', /^auth\.password is undefined; .*a text/],
  [{ verifyCertficate: true }, 'OPTION_UNKNOWN', /^verifyCertficate .* Did you mean verifyCertificate\?$/],
  [{ secure: true }, 'OPTION_UNKNOWN', /^secure is not known here\. There are host, .*greetingTimeoutMs\.$/],
]

test('connectSmtp and requestTurnAround refuse what will not do, and open no socket', async t => {
  let connections = 0
  const { port } = await listen(t, socket => {
    connections++
    socket.destroy()
  })
  for (const [options, code, message] of wrong) {
    const given = { ...sound, port, ...options } as SmtpClientOptions
    await assert.rejects(connectSmtp(given), { name: 'UsageFault', code, message })
    await assert.rejects(requestTurnAround(given, []), { name: 'UsageFault', code, message })
  }
  const unheard: unknown = 'home.test'
  await assert.rejects(requestTurnAround({ ...sound, port }, unheard as string[]), {
    name: 'UsageFault',
    message: /^domains is "home\.test"; it has to be an array/,
  })
  assert.equal(connections, 0)
})

test('no options at all', async () => {
  for (const options of [undefined, null, 'smtp://127.0.0.1', []] as unknown as SmtpClientOptions[])
    await assert.rejects(connectSmtp(options), {
      name: 'UsageFault',
      code: 'OPTION_VALUE',
      message: /^The argument is .*; it has to be an object\.$/,
    })
})

test('no message shows a password', async () => {
  for (const auth of [
    'anna:secret',
    { username: 'anna', password: ['secret'] },
    { username: 'anna', password: 4711 },
  ])
    await assert.rejects(connectSmtp({ ...sound, auth } as unknown as SmtpClientOptions), (fault: Error) => {
      assert.equal(fault.name, 'UsageFault')
      assert.doesNotMatch(fault.message, /secret|4711/)
      return true
    })
})

test('what is undefined has its default', async t => {
  const peer = await peerFor(t)
  const options = {
    ...sound,
    ...openly,
    port: peer.port,
    address: undefined,
    localAddress: undefined,
    serverName: undefined,
    verifyChain: undefined,
    auth: undefined,
    allowPlaintextAuth: undefined,
    connectTimeoutMs: undefined,
    commandTimeoutMs: undefined,
    clock: undefined,
    onDialogue: undefined,
  } as unknown as SmtpClientOptions
  const connection = await connectSmtp(options)
  t.after(() => connection.close())
  const sent = transactionTo(undefined, {
    ret: undefined,
    envelopeId: undefined,
    priority: undefined,
    deliverBy: undefined,
    requireTls: undefined,
  })
  assert.deepEqual(inWords(await connection.send(sent)), ['accepted 250'])
  await connection.quit()
})

test('connectSmtpOver leaves a socket alone when the options will not do', async () => {
  const socket = new Socket()
  const over = { host: 'customer', helloName: 'mail.example.test', commandTimeoutMs: 1 }
  for (const [options, message] of [
    [undefined, /^The argument is undefined/],
    [{ host: 'customer' }, /^helloName is undefined/],
    [{ ...over, commandTimeoutMs: '1' }, /^commandTimeoutMs is "1"/],
    [{ ...over, auth: { username: 'anna', password: 'x' } }, /^auth is not known here/],
  ] as const)
    await assert.rejects(Reflect.apply(connectSmtpOver, undefined, [socket, options]), {
      name: 'UsageFault',
      message,
    })
  assert.equal(socket.listenerCount('data'), 0)
  await assert.rejects(Reflect.apply(connectSmtpOver, undefined, [{}, over]), {
    name: 'UsageFault',
    message: /^socket is an object; it has to be a Socket/,
  })
})

const good = transactionTo()

const wrongTransactions: readonly (readonly [transaction: unknown, message: RegExp])[] = [
  [undefined, /^transaction is undefined; it has to be an object\.$/],
  [{}, /^transaction\.reversePath is undefined; it has to be an address with localPart and domain/],
  [{ ...good, reversePath: 'anna@example.test' }, /^transaction\.reversePath is a string; .*parseAddress/],
  [{ ...good, reversePath: { localPart: 'anna' } }, /^transaction\.reversePath\.domain is undefined; /],
  [{ ...good, body: undefined }, /^transaction\.body is undefined; .*7BIT, 8BITMIME, BINARYMIME/],
  [{ ...good, body: '8bitmime' }, /^transaction\.body is "8bitmime"; /],
  [{ ...good, smtpUtf8: 'yes' }, /^transaction\.smtpUtf8 is "yes"; /],
  [{ ...good, ret: 'ALL' }, /^transaction\.ret is "ALL"; .*FULL, HDRS/],
  [{ ...good, envelopeId: 5 }, /^transaction\.envelopeId is 5; /],
  [{ ...good, priority: 10 }, /^transaction\.priority is 10; .*-9 to 9/],
  [
    { ...good, deliverBy: { seconds: '60', mode: 'notify', trace: false } },
    /^transaction\.deliverBy\.seconds /,
  ],
  [{ ...good, requireTls: 1 }, /^transaction\.requireTls is 1; /],
  [{ ...good, requireTLS: true }, /^transaction\.requireTLS is not known here\. Did you mean requireTls\?$/],
  [{ ...good, recipients: undefined }, /^transaction\.recipients is undefined; .*an array/],
  [{ ...good, recipients: 'boris@example.org' }, /^transaction\.recipients is "boris@example\.org"; /],
  [
    { ...good, recipients: ['boris@example.org'] },
    /^transaction\.recipients\[0\] is a string; .*forwardPath/,
  ],
  [
    { ...good, recipients: [...good.recipients, { forwardPath: 'boris@example.org' }] },
    /^transaction\.recipients\[1\]\.forwardPath is a string; /,
  ],
  [{ ...good, recipients: [{ forwardPath: null }] }, /^transaction\.recipients\[0\]\.forwardPath is null; /],
  [
    { ...good, recipients: [{ ...good.recipients[0], notify: ['NEVER'] }] },
    /^transaction\.recipients\[0\]\.notify\[0\] is "NEVER"; .*SUCCESS, FAILURE, DELAY/,
  ],
  [{ ...good, mailData: undefined }, /^transaction\.mailData is undefined; .*size and open/],
  [{ ...good, mailData: 'Subject: x\r\n' }, /^transaction\.mailData is a string; /],
  [{ ...good, mailData: { ...mailDataOf(''), size: -1 } }, /^transaction\.mailData\.size is -1; /],
  [{ ...good, mailData: { size: 0 } }, /^transaction\.mailData\.open is undefined; .*a function/],
]

test('a transaction that will not do is refused, and the next one goes out on the same connection', async t => {
  const peer = await peerFor(t, { extensions: ['PIPELINING'] })
  const connection = await connect(t, peer)
  for (const [transaction, message] of wrongTransactions)
    await assert.rejects(connection.send(transaction as OutgoingTransaction), {
      name: 'UsageFault',
      message,
    })
  const whole: unknown = good
  await assert.rejects(connection.probe(whole as ProbedTransaction), {
    name: 'UsageFault',
    message: /^transaction\.mailData is not known here/,
  })
  assert.deepEqual(peer.commands, ['EHLO client.example.org'])
  assert.equal(connection.usable, true)
  // The results name the caller's own recipients, with all that they have.
  const own = { ...good.recipients[0], row: 17 } as (typeof good.recipients)[number]
  const results = await connection.send({ ...good, recipients: [own] })
  assert.deepEqual(inWords(results), ['accepted 250'])
  assert.equal(results[0]?.recipient, own)
  await connection.quit()
})
