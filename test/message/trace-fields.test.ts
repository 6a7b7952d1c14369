// Trace fields (RFC 5321 §4.4): what they say, and that no name or address of a stranger can say more.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Address } from '../../src/address/address.ts'
import { parseAddress } from '../../src/address/parse-address.ts'
import { formatDate } from '../../src/message/format-date.ts'
import { parseHeaderFields } from '../../src/message/header-section.ts'
import {
  composeDeliveredTo,
  composeReceived,
  composeReturnPath,
  type ReceivedFacts,
} from '../../src/message/trace-fields.ts'

const facts: ReceivedFacts = {
  heloName: 'client.example.org',
  remoteAddress: '192.0.2.7',
  protocol: 'SMTP',
  hostname: 'mail.example.test',
  extended: true,
  authenticated: false,
  smtpUtf8: false,
  queueId: '00aabbccdd',
  onlyRecipient: { localPart: 'boris', domain: 'example.test' },
  at: Date.UTC(2026, 10, 23, 7, 47, 24),
}
const tls = { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' }

function address(text: string): Address {
  return parseAddress(text) ?? assert.fail(text)
}

test('Received: from whom, by whom, how, for whom, and when', () => {
  assert.equal(
    composeReceived({ ...facts, tls }),
    'Received: from client.example.org ([192.0.2.7])\r\n' +
      '\tby mail.example.test (Postrider) with ESMTPS id 00aabbccdd\r\n' +
      '\t(TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n' +
      '\tfor <boris@example.test>;\r\n' +
      '\tMon, 23 Nov 2026 07:47:24 +0000\r\n',
  )
})

test('Received names no recipient when there are several (RFC 5321 §7.2)', () => {
  const field = composeReceived({ ...facts, onlyRecipient: undefined })
  assert.match(field, /id 00aabbccdd;\r\n\tMon/)
  assert.doesNotMatch(field, /for/)
})

for (const [remoteAddress, literal] of [
  ['2001:db8::7', '[IPv6:2001:db8::7]'],
  ['::ffff:192.0.2.7', '[192.0.2.7]'],
] as const) {
  test(`Received: the peer ${remoteAddress}`, () => {
    assert.ok(composeReceived({ ...facts, remoteAddress }).includes(`(${literal})`))
  })
}

// RFC 3848, RFC 6531 §4.3: every word of the registry, and no other.
test('Received: the word for the protocol', () => {
  const found: Record<string, string> = {}
  for (const extended of [true, false])
    for (const smtpUtf8 of [false, true])
      for (const secured of [false, true])
        for (const authenticated of [false, true]) {
          if (!extended && (smtpUtf8 || authenticated)) continue
          const field = composeReceived({
            ...facts,
            extended,
            smtpUtf8,
            authenticated,
            ...(secured ? { tls } : {}),
          })
          const key = [extended && 'EHLO', smtpUtf8 && 'UTF8', secured && 'TLS', authenticated && 'AUTH']
          found[key.filter(Boolean).join(' ')] = / with (\S+) id/.exec(field)?.[1] ?? ''
        }
  assert.deepEqual(found, {
    EHLO: 'ESMTP',
    'EHLO AUTH': 'ESMTPA',
    'EHLO TLS': 'ESMTPS',
    'EHLO TLS AUTH': 'ESMTPSA',
    'EHLO UTF8': 'UTF8SMTP',
    'EHLO UTF8 AUTH': 'UTF8SMTPA',
    'EHLO UTF8 TLS': 'UTF8SMTPS',
    'EHLO UTF8 TLS AUTH': 'UTF8SMTPSA',
    '': 'SMTP',
    TLS: 'SMTP',
  })
})

test('whatever a peer calls itself, it is one field, and one comment', () => {
  const name = fc.oneof(
    fc.constantFrom(
      'x\r\nBcc: evil@example.org',
      'x\n\n<html>',
      'x\0y',
      'a) (b',
      '(((((',
      'x;\tMon, 1 Jan 2001 00:00:00 +0000',
      '[192.0.2.9]',
      'пример.испытание',
      '"quoted\\"',
    ),
    fc.string({ unit: 'binary', maxLength: 400 }),
  )
  fc.assert(
    fc.property(name, name, (heloName, cipher) => {
      const field = composeReceived({ ...facts, heloName, tls: { protocol: 'TLSv1.3', cipher } })
      assertOneField(field, 'Received')
      assert.equal(field.match(/[()]/g)?.join(''), '()()()')
      assert.equal(field.match(/;/g)?.length, 1)
      assert.ok(field.endsWith(';\r\n\tMon, 23 Nov 2026 07:47:24 +0000\r\n'))
    }),
    { numRuns: 1000 },
  )
})

test('a peer without a name is unknown', () => {
  assert.match(composeReceived({ ...facts, heloName: undefined }), /^Received: from unknown \(/)
})

test('the longest names and addresses leave the lines within their limit', () => {
  const long = 'x'.repeat(400)
  const onlyRecipient = address(`${'x'.repeat(64)}@${`${'a'.repeat(63)}.`.repeat(2)}${'b'.repeat(61)}`)
  for (const field of [
    composeReceived({ ...facts, heloName: long, onlyRecipient, hostname: onlyRecipient.domain, tls }),
    composeReturnPath(onlyRecipient),
    composeDeliveredTo(onlyRecipient),
  ])
    for (const line of field.split('\r\n')) assert.ok(line.length <= 998, `${line.length}`)
})

test('Return-Path, with the null reverse-path too', () => {
  assert.equal(composeReturnPath(null), 'Return-Path: <>\r\n')
  assert.equal(composeReturnPath(address('anna@example.test')), 'Return-Path: <anna@example.test>\r\n')
  assert.equal(composeReturnPath(address('"a b"@example.test')), 'Return-Path: <"a b"@example.test>\r\n')
})

test('Delivered-To', () => {
  assert.equal(composeDeliveredTo(address('boris@example.test')), 'Delivered-To: boris@example.test\r\n')
})

test('no address that was accepted can begin a field of its own', () => {
  const text = fc.oneof(
    fc.string({
      unit: fc.constantFrom('a', '"', '\\', ' ', '\r\n', '\n', '\r', '\0', '@', '>', 'я', '.'),
      maxLength: 20,
    }),
    fc.string({ unit: 'binary', maxLength: 20 }),
  )
  fc.assert(
    fc.property(text, local => {
      for (const candidate of [`${local}@example.test`, `"${local}"@example.test`]) {
        const accepted = parseAddress(candidate)
        if (!accepted) continue
        assertOneField(composeReceived({ ...facts, onlyRecipient: accepted }), 'Received')
        assertOneField(composeReturnPath(accepted), 'Return-Path')
        assertOneField(composeDeliveredTo(accepted), 'Delivered-To')
      }
    }),
    { numRuns: 2000 },
  )
})

function assertOneField(text: string, name: string): void {
  assert.doesNotMatch(text, /\0|\r(?!\n)|(?<!\r)\n|\r\n\r\n/)
  assert.ok(text.endsWith('\r\n'))
  assert.deepEqual(
    parseHeaderFields(Buffer.from(text)).map(field => [field.name, field.start, field.end]),
    [[name, 0, Buffer.byteLength(text)]],
  )
}

for (const [ms, text] of [
  [0, 'Thu, 01 Jan 1970 00:00:00 +0000'],
  [Date.UTC(2024, 1, 29, 23, 59, 59, 999), 'Thu, 29 Feb 2024 23:59:59 +0000'],
  [Date.UTC(2026, 11, 31, 1, 2, 3), 'Thu, 31 Dec 2026 01:02:03 +0000'],
] as const) {
  test(`a date: ${text}`, () => {
    assert.equal(formatDate(ms), text)
  })
}

test('any date is read back by others to the second', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }), date => {
      const text = formatDate(date.getTime())
      assert.match(text, /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000$/)
      assert.equal(Date.parse(text), Math.floor(date.getTime() / 1000) * 1000)
    }),
  )
})
