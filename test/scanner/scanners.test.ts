// clamd, spamd, rspamd and hooks over HTTP: what they are sent, and what becomes of each answer, a wrong one and none.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createClamdScanner } from '../../src/scanner/clamd.ts'
import type { Scanner, ScannerFaultCode, ScanReport } from '../../src/scanner/contract.ts'
import type { ScannerEndpoint } from '../../src/scanner/exchange.ts'
import { createHttpHook } from '../../src/scanner/http-hook.ts'
import { createRspamdScanner } from '../../src/scanner/rspamd.ts'
import { createSpamdScanner } from '../../src/scanner/spamd.ts'
import { resetSocket } from '../harness/reset-socket.ts'
import { type FakeScanner, startFakeScanner, startOneAnswer } from './fake-scanner.ts'
import { plainMessage, specimen } from './specimen.ts'

const never = new AbortController().signal

const isWholeStream = (all: Buffer): boolean => all.subarray(-4).equals(Buffer.alloc(4))
const isWholeMessage = (all: Buffer): boolean => all.includes('At noon?\r\n')

function httpAnswer(body: string, status = '200 OK'): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
}

function hookAt(endpoint: ScannerEndpoint, sendsMessage = false): Scanner {
  const port = endpoint.kind === 'tcp' ? endpoint.port : 0
  return createHttpHook({
    url: new URL(`http://127.0.0.1:${port}/verdict?for=mail`),
    authorization: 'Bearer secret',
    sendsMessage,
  })
}

interface Case {
  readonly name: string
  readonly create: (endpoint: ScannerEndpoint) => Scanner
  readonly isEnough: (all: Buffer) => boolean
}

const clamd: Case = { name: 'clamd', create: createClamdScanner, isEnough: isWholeStream }
const spamd: Case = {
  name: 'spamd',
  create: endpoint => createSpamdScanner({ endpoint }),
  isEnough: isWholeMessage,
}
const rspamd: Case = {
  name: 'rspamd',
  create: endpoint => createRspamdScanner({ endpoint }),
  isEnough: isWholeMessage,
}
const hook: Case = { name: 'hook', create: hookAt, isEnough: all => all.includes('}') }

async function ask(t: TestContext, { create, isEnough }: Case, answer: string): Promise<ScanReport> {
  const { endpoint } = await startOneAnswer(t, answer, isEnough)
  return await create(endpoint).scan(specimen(plainMessage), never)
}

test('clamd is sent the message behind its lengths', async t => {
  const scanner = await startOneAnswer(t, 'stream: OK\0', isWholeStream)
  const report = await createClamdScanner(scanner.endpoint).scan(specimen(plainMessage), never)
  assert.deepEqual(report, { advice: 'accept', findings: [] })
  const sent = scanner.received()
  assert.equal(sent.toString('latin1', 0, 10), 'zINSTREAM\0')
  assert.equal(readPieces(sent.subarray(10)), plainMessage)
})

/** Of a stream that is whole. */
function readPieces(stream: Buffer): string {
  const pieces: Buffer[] = []
  for (let from = 0; ; ) {
    const length = stream.readUInt32BE(from)
    if (length === 0) return Buffer.concat(pieces).toString('utf8')
    pieces.push(stream.subarray(from + 4, from + 4 + length))
    from += 4 + length
  }
}

test('a virus is named to the sender, whatever its name is made of', async t => {
  const report = await ask(t, clamd, 'stream: Win.Test\r\n250 fine FOUND\0')
  assert.equal(report.advice, 'refuse')
  assert.deepEqual(report.findings, [{ name: 'Win.Test  250 fine' }])
  assert.equal(report.text, 'The message contains a virus (Win.Test  250 fine), so it was not accepted')
})

test('one that cuts off everything is away; only one that is there has found a large message too large', async t => {
  const cutting = (answersPing: boolean): Promise<FakeScanner> =>
    startFakeScanner(t, (socket, all) => {
      if (answersPing && all.toString('latin1').startsWith('zPING')) socket.end('PONG\0')
      else resetSocket(socket)
    })
  const codeOf = async (answersPing: boolean, size: number): Promise<string> => {
    const { endpoint } = await cutting(answersPing)
    const scanned = createClamdScanner(endpoint).scan(specimen('x'.repeat(size)), never)
    return await scanned.then(
      () => 'none',
      (cause: Error & { code: ScannerFaultCode }) => cause.code,
    )
  }
  assert.equal(await codeOf(false, 40_000_000), 'SCANNER_UNAVAILABLE')
  assert.equal(await codeOf(true, 500), 'SCANNER_UNAVAILABLE')
  assert.equal(await codeOf(true, 40_000_000), 'SCANNER_TOO_LARGE')
})

test('an answer that comes in the middle of the message is an answer', async t => {
  const scanner = await startFakeScanner(t, (socket, all) => {
    if (all.length > 1_000_000 && !socket.writableEnded) socket.end('INSTREAM size limit exceeded. ERROR\0')
  })
  await assert.rejects(
    createClamdScanner(scanner.endpoint).scan(specimen('x'.repeat(40_000_000)), never),
    (cause: Error & { code: ScannerFaultCode }) =>
      cause.code === 'SCANNER_TOO_LARGE' && cause.message.includes('raise StreamMaxLength in clamd.conf'),
  )
})

test('spamd is told the length and the user, and its table is read', async t => {
  const answer = [
    'SPAMD/1.1 0 EX_OK',
    'Content-length: 400',
    'Spam: True ; 7.3 / 5.0',
    '',
    'Spam detection software, running on the system "mx", has identified',
    'Content analysis details:   (7.3 points, 5.0 required)',
    '',
    ' pts rule name              description',
    '---- ---------------------- --------------------------------------------------',
    '-0.0 NO_RELAYS              Informational: message was not relayed via SMTP',
    ' 5.8 BAYES_99               BODY: Bayes spam probability is 99 to 100%',
    '                            [score: 1.0000]',
    ' 1.5 MISSING_DATE           Missing Date: header',
    '',
  ].join('\r\n')
  const scanner = await startOneAnswer(t, answer, isWholeMessage)
  const report = await createSpamdScanner({ endpoint: scanner.endpoint, user: 'anna' }).scan(
    specimen(plainMessage),
    never,
  )
  assert.deepEqual(report, {
    advice: 'mark',
    score: 7.3,
    threshold: 5,
    findings: [
      { name: 'NO_RELAYS', score: -0, detail: 'Informational: message was not relayed via SMTP' },
      { name: 'BAYES_99', score: 5.8, detail: 'BODY: Bayes spam probability is 99 to 100%' },
      { name: 'MISSING_DATE', score: 1.5, detail: 'Missing Date: header' },
    ],
  })
  assert.equal(
    scanner.received().toString('utf8'),
    `REPORT SPAMC/1.5\r\nContent-length: ${plainMessage.length}\r\nUser: anna\r\n\r\n${plainMessage}`,
  )
})

test('rspamd is told of the connection, in UTF-8 where it has to be', async t => {
  const answer = httpAnswer(
    JSON.stringify({
      action: 'add header',
      score: 8.4,
      required_score: 15,
      symbols: { R_SPF_FAIL: { name: 'R_SPF_FAIL', score: 1, description: 'SPF fails', options: ['-all'] } },
      milter: { add_headers: { 'X-Spam': 'Yes', 'X-Rspamd-Action': [{ value: 'add header', order: 0 }] } },
    }),
  )
  const scanner = await startOneAnswer(t, answer, isWholeMessage)
  const report = await createRspamdScanner({ endpoint: scanner.endpoint, password: 'secret' }).scan(
    specimen(plainMessage),
    never,
  )
  assert.deepEqual(report, {
    advice: 'mark',
    score: 8.4,
    threshold: 15,
    findings: [{ name: 'R_SPF_FAIL', score: 1, detail: 'SPF fails: -all' }],
    headerFields: [
      { name: 'X-Spam', value: 'Yes' },
      { name: 'X-Rspamd-Action', value: 'add header' },
    ],
  })
  const sent = scanner.received().toString('utf8')
  assert.match(sent, /^POST \/checkv2 HTTP\/1\.1\r\n/)
  for (const field of [
    'IP: 192.0.2.7',
    'From: boris@example.net',
    'Rcpt: anna@example.test',
    'Rcpt: вера@пример.рф',
    'Helo: client.example.net',
    'Queue-Id: 0ANHN9VYR00',
    'Password: secret',
  ])
    assert.ok(sent.includes(`${field}\r\n`), field)
  assert.ok(sent.endsWith(plainMessage))
})

test('without the message the hook is told the length of what is known', async t => {
  const scanner = await startOneAnswer(t, httpAnswer('{"action":"accept"}'), all =>
    all.toString('utf8').endsWith('}'),
  )
  assert.equal((await hookAt(scanner.endpoint).scan(specimen(plainMessage), never)).advice, 'accept')
  const [head = '', text = ''] = scanner.received().toString('utf8').split('\r\n\r\n')
  assert.match(head, new RegExp(`Content-Length: ${Buffer.byteLength(text)}(\\r\\n|$)`))
})

test("rspamd's actions become advice; nothing is thrown away unheard", async t => {
  const adviceOf = async (action: string): Promise<string> =>
    (await ask(t, rspamd, httpAnswer(JSON.stringify({ action, score: 0 })))).advice
  assert.equal(await adviceOf('no action'), 'accept')
  assert.equal(await adviceOf('greylist'), 'accept')
  assert.equal(await adviceOf('soft reject'), 'defer')
  assert.equal(await adviceOf('rewrite subject'), 'mark')
  assert.equal(await adviceOf('reject'), 'refuse')
  assert.equal(await adviceOf('discard'), 'quarantine')
})

test('a hook gets what is known as JSON, the message in base64 where it asks for it', async t => {
  const answer = httpAnswer(
    JSON.stringify({
      action: 'refuse',
      score: 12,
      text: 'No, thank you\r\n250 fine',
      findings: [{ name: 'OURS', score: 12, detail: 'by hand' }],
      headerFields: [{ name: 'X-Ours', value: '12' }],
    }),
  )
  const scanner = await startOneAnswer(t, answer, all => /"message":"[^"]*"\}$/.test(all.toString('utf8')))
  const report = await hookAt(scanner.endpoint, true).scan(specimen(plainMessage), never)
  assert.deepEqual(report, {
    advice: 'refuse',
    score: 12,
    text: 'No, thank you  250 fine',
    findings: [{ name: 'OURS', score: 12, detail: 'by hand' }],
    headerFields: [{ name: 'X-Ours', value: '12' }],
  })
  const sent = scanner.received().toString('utf8')
  assert.match(sent, /^POST \/verdict\?for=mail HTTP\/1\.1\r\n/)
  assert.match(sent, /\r\nAuthorization: Bearer secret\r\n/)
  const text = sent.slice(sent.indexOf('\r\n\r\n') + 4)
  // Not every small program reads chunks.
  assert.match(sent, new RegExp(`\\r\\nContent-Length: ${Buffer.byteLength(text)}\\r\\n`))
  assert.doesNotMatch(sent, /transfer-encoding/i)
  const body: unknown = JSON.parse(text)
  const { client, recipients, reversePath, size, queueId } = specimen(plainMessage)
  assert.deepEqual(body, {
    queueId,
    client,
    reversePath,
    recipients,
    size,
    message: Buffer.from(plainMessage).toString('base64'),
  })
})

for (const one of [clamd, spamd, rspamd, hook]) {
  test(`${one.name}: an answer of another kind of server is told as such`, async t => {
    await assert.rejects(
      ask(t, one, '220 mx.example.net ESMTP\r\n\0'),
      isFault(['SCANNER_CONFUSED', 'SCANNER_UNAVAILABLE'], one),
    )
  })

  test(`${one.name}: closed without an answer`, async t => {
    await assert.rejects(ask(t, one, ''), isFault(['SCANNER_UNAVAILABLE', 'SCANNER_CONFUSED'], one))
  })

  test(`${one.name}: a flood instead of an answer is not kept`, async t => {
    const flood = `HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n${'x'.repeat(3_000_000)}`
    await assert.rejects(ask(t, one, flood), isFault(['SCANNER_CONFUSED', 'SCANNER_UNAVAILABLE'], one))
  })

  test(`${one.name}: nobody there`, async () => {
    const endpoint: ScannerEndpoint = { kind: 'tcp', host: '127.0.0.1', port: 1 }
    await assert.rejects(one.create(endpoint).scan(specimen(plainMessage), never), (cause: Error) => {
      assert.match(
        cause.message,
        /gave no answer: refused; nothing listens on this port there \(ECONNREFUSED\)/,
      )
      return true
    })
  })

  test(`${one.name}: silent until nobody waits any more`, async t => {
    const giveUp = new AbortController()
    const { endpoint } = await startFakeScanner(t, (_socket, all) => {
      if (one.isEnough(all)) giveUp.abort()
    })
    await assert.rejects(one.create(endpoint).scan(specimen(plainMessage), giveUp.signal), (cause: Error) => {
      assert.match(cause.message, /gave no answer: it did not answer in time/)
      return true
    })
  })
}

function isFault(codes: readonly ScannerFaultCode[], { name }: Case): (cause: unknown) => boolean {
  return cause => {
    assert.ok(cause instanceof Error && 'code' in cause, String(cause))
    assert.ok(codes.includes(cause.code as ScannerFaultCode), `${name}: ${String(cause.code)}`)
    return true
  }
}

test('spamd and rspamd that are too busy may fare better later, those that answer nonsense will not', async t => {
  const busy = isFault(['SCANNER_UNAVAILABLE'], spamd)
  await assert.rejects(ask(t, spamd, 'SPAMD/1.1 75 EX_TEMPFAIL\r\n\r\n'), busy)
  await assert.rejects(ask(t, rspamd, httpAnswer('busy', '503 Service Unavailable')), busy)
  await assert.rejects(ask(t, clamd, 'Too many connections ERROR\0'), busy)
  const nonsense = isFault(['SCANNER_CONFUSED'], spamd)
  await assert.rejects(ask(t, spamd, 'SPAMD/1.1 0 EX_OK\r\nSpam: maybe\r\n\r\n'), nonsense)
  await assert.rejects(ask(t, rspamd, httpAnswer('{"action":"dance","score":1}')), nonsense)
  await assert.rejects(ask(t, rspamd, httpAnswer('forbidden', '403 Forbidden')), nonsense)
  await assert.rejects(ask(t, hook, httpAnswer('{"action":"accept","colour":"red"}')), nonsense)
})
