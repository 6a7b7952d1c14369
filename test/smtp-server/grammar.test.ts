// What strangers send: no line, parameter or header makes a parser throw, and every answer is a proper reply.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseProxyHeader } from '../../src/connection/proxy-protocol.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { passwordMechanisms } from '../../src/sasl/mechanisms.ts'
import { formatReply } from '../../src/smtp/reply.ts'
import {
  parseForwardPathParameters,
  parseReversePathParameters,
} from '../../src/smtp/server/esmtp-parameters.ts'
import { defaultLimits, type TransferExtensions } from '../../src/smtp/server/options.ts'
import { createClient, Session } from '../../src/smtp/server/session.ts'
import { decodeXtext, encodeXtext } from '../../src/smtp/xtext.ts'
import { nastyBytes } from './nasty-bytes.ts'

const everything: TransferExtensions = { maxPriority: 9, deliverBy: true, maxHoldSeconds: 1000 }

function createSession(): Session {
  const context = {
    hostname: 'mail.example.test',
    ownDomain: 'mail.example.test',
    services: {
      receive: () => ({ write() {}, finish: () => Promise.reject(new Error('not reached')), abort() {} }),
      authenticate: async () => undefined,
      openScram: async () => ({
        salt: new Uint8Array(16),
        iterations: 4096,
        keys: [],
        settle: async () => undefined,
      }),
    },
    limits: { ...defaultLimits, maxErrorsPerSession: 1_000_000 },
    localNetworks: [],
    hasTls: true,
    submissionPorts: () => [587, 465],
    tlsPorts: () => [465],
    allowPlaintextAuthOnLoopback: true,
    authMechanisms: passwordMechanisms,
    random: systemRandom,
    verifyForEveryone: false,
    allowMissingAngleBrackets: true,
    transferExtensions: everything,
    now: () => 0,
    offersRequireTls: false,
    fault: (cause: unknown) => assert.fail(`a fault: ${String(cause)}`),
  }
  return new Session(
    context,
    createClient(context, {
      sessionId: 'test',
      role: 'submission',
      remoteAddress: '127.0.0.1',
      remotePort: 1,
      localAddress: '127.0.0.1',
      localPort: 2,
      connectedAt: 0,
    }),
  )
}

const words = [
  'EHLO', 'HELO', 'MAIL', 'RCPT', 'DATA', 'BDAT', 'RSET', 'NOOP', 'QUIT', 'HELP', 'VRFY', 'EXPN', 'STARTTLS', 'AUTH',
  'SEND', 'SOML', 'SAML', 'TURN', 'ETRN', 'ATRN', 'FROM:', 'TO:', '<', '>', '<a@example.org>', '<анна@пример.рф>',
  'SMTPUTF8', 'SIZE=', 'BODY=8BITMIME', 'NOTIFY=', 'ORCPT=rfc822;', 'RET=', 'ENVID=', 'AUTH=', 'BY=', 'MT-PRIORITY=', 'HOLDFOR=', 'HOLDUNTIL=', '1970-01-01T00:00:10Z', '-9', '60;R', 'PLAIN', 'LOGIN', 'SCRAM-SHA-256', 'biwsbj1hLHI9Yg==', 'Yz1iaXdzLHI9Yg==', '=',
  'LAST', '+0A', '*', 'client.example.org',
] // biome-ignore format: a list of words

const lines = fc
  .array(
    fc.oneof(fc.constantFrom(...words), fc.constantFrom(' ', '\t', ';', '@'), fc.string({ maxLength: 12 })),
    {
      maxLength: 8,
    },
  )
  .map(parts => Buffer.from(parts.join(' ')))

void test('any sequence of lines gets replies that are proper, and no fault', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(lines, nastyBytes), { maxLength: 20 }), async dialogue => {
      const session = createSession()
      for (const line of dialogue) {
        const { reply } = await session.step(line)
        if (!reply) continue
        assert.match(formatReply(reply), /^(?:[2-5]\d\d[ -](?:[245]\.\d{1,3}\.\d{1,3} )?[ -~]{0,500}\r\n)+$/)
        if (reply.enhanced !== undefined)
          assert.equal(reply.enhanced[0], String(reply.code)[0], JSON.stringify(reply))
      }
    }),
    { numRuns: 500 },
  )
})

void test('parameters: any text gives parameters or a refusal', () => {
  fc.assert(
    fc.property(lines, fc.boolean(), (line, smtpUtf8) => {
      const text = ` ${line.toString()}`
      const terms = { extensions: everything, now: () => 0 }
      for (const parsed of [
        parseReversePathParameters(text, terms),
        parseForwardPathParameters(text, smtpUtf8),
      ])
        if ('code' in parsed) assert.ok(parsed.code === 501 || parsed.code === 555)
    }),
    { numRuns: 1000 },
  )
})

void test('xtext: what is encoded is decoded', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', 'Z', '9', '+', '=', ' ', '~', ';', '@'), maxLength: 30 }),
      text => {
        assert.equal(decodeXtext(encodeXtext(text)), text)
      },
    ),
  )
})

void test('PROXY headers: any bytes are incomplete, malformed or a header within its limits', () => {
  const starts = [
    'PROXY ',
    'PROXY TCP4 ',
    'PROXY UNKNOWN',
    '\r\n\r\n\0\r\nQUIT\n',
    '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c',
    '',
  ]
  fc.assert(
    fc.property(fc.constantFrom(...starts), nastyBytes, (start, rest) => {
      const bytes = Buffer.concat([Buffer.from(start, 'latin1'), rest])
      const header = parseProxyHeader(bytes)
      if (header.kind === 'header') assert.ok(header.length <= bytes.length)
      if (header.kind === 'incomplete') assert.ok(bytes.length < 4096)
    }),
    { numRuns: 1000 },
  )
})

void test('PROXY headers: each beginning of one is incomplete, the whole one is a header', () => {
  const headers = [
    Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.1 41234 25\r\n'),
    Buffer.from('PROXY TCP6 2001:DB8:0::7 2001:db8::1 1 65535\r\n'),
    Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000207c0000201a1120019', 'hex'),
    Buffer.from(
      `0d0a0d0a000d0a515549540a21210024${'20010db8000000000000000000000007'.repeat(2)}a1120019`,
      'hex',
    ),
  ]
  const addresses = ['192.0.2.7', '2001:db8::7', '192.0.2.7', '2001:db8::7']
  for (const [index, header] of headers.entries()) {
    for (let length = 0; length < header.length; length++)
      assert.equal(
        parseProxyHeader(header.subarray(0, length)).kind,
        'incomplete',
        `${index}, ${length} bytes`,
      )
    const parsed = parseProxyHeader(Buffer.concat([header, Buffer.from('EHLO x\r\n')]))
    assert.ok(parsed.kind === 'header')
    assert.equal(parsed.length, header.length)
    assert.equal(parsed.peer?.address, addresses[index])
  }
})

void test('PROXY headers: what balancers add may be long, but has an end', () => {
  const headOf = (length: number): Buffer => {
    const head = Buffer.from('0d0a0d0a000d0a515549540a21110000c0000207c0000201a1120019', 'hex')
    head.writeUInt16BE(length - 16, 14)
    return head
  }
  const whole = Buffer.concat([headOf(4096), Buffer.alloc(4096 - 28)])
  const parsed = parseProxyHeader(whole)
  assert.ok(parsed.kind === 'header')
  assert.deepEqual([parsed.length, parsed.peer?.address], [4096, '192.0.2.7'])
  assert.equal(parseProxyHeader(whole.subarray(0, 4095)).kind, 'incomplete')
  assert.equal(parseProxyHeader(headOf(4097)).kind, 'malformed')
})
