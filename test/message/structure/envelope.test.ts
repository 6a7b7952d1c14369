// Envelopes: addresses as programs write them, and as nobody should (RFC 5322 §3.4, RFC 9051 §7.5.2).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseHeaderFields } from '../../../src/message/header-section.ts'
import { readEnvelope } from '../../../src/message/structure/envelope.ts'
import { parseEnvelopeAddresses } from '../../../src/message/structure/envelope-addresses.ts'

const envelopeOf = (...lines: readonly string[]) =>
  readEnvelope(parseHeaderFields(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)))

test('addresses', () => {
  for (const [value, expected] of [
    ['anna@example.test', [{ localPart: 'anna', domain: 'example.test' }]],
    ['Anna <anna@example.test>', [{ name: 'Anna', localPart: 'anna', domain: 'example.test' }]],
    [
      '"Ivanova, \\"A\\"." <a@b>, boris@b (Boris)',
      [
        { name: 'Ivanova, "A".', localPart: 'a', domain: 'b' },
        { name: 'Boris', localPart: 'boris', domain: 'b' },
      ],
    ],
    ['=?utf-8?B?0JA=?= <a@b>', [{ name: '=?utf-8?B?0JA=?=', localPart: 'a', domain: 'b' }]],
    ['<@route,@other:a@b>', [{ route: '@route,@other', localPart: 'a', domain: 'b' }]],
    ['<a (one) @ (two (three)) b>', [{ localPart: 'a', domain: 'b' }]],
    ['"a b"@c', [{ localPart: 'a b', domain: 'c' }]],
    ['<>', [{ localPart: '', domain: '' }]],
    ['root', [{ localPart: 'root', domain: '' }]],
    [
      'Team: a@b, C <c@d>;, e@f',
      [
        { group: 'Team' },
        { localPart: 'a', domain: 'b' },
        { name: 'C', localPart: 'c', domain: 'd' },
        { group: null },
        { localPart: 'e', domain: 'f' },
      ],
    ],
    ['Undisclosed recipients:;', [{ group: 'Undisclosed recipients' }, { group: null }]],
    ['open: a@b', [{ group: 'open' }, { localPart: 'a', domain: 'b' }, { group: null }]],
    ['', []],
    [',,', []],
    ['Анна <анна@почта.рф>', [{ name: 'Анна', localPart: 'анна', domain: 'почта.рф' }]],
  ] as const)
    assert.deepEqual(parseEnvelopeAddresses(value), expected, value)
})

test('Sender and Reply-To are the author where they are missing or empty', () => {
  const envelope = envelopeOf('From: a@b', 'Reply-To:', 'To: c@d', 'To: e@f')
  const author = [{ localPart: 'a', domain: 'b' }]
  assert.deepEqual([envelope.from, envelope.sender, envelope.replyTo], [author, author, author])
  assert.deepEqual(
    envelope.to.map(address => 'domain' in address && address.domain),
    ['d', 'f'],
  )
  assert.deepEqual([envelope.cc, envelope.subject, envelope.messageId], [[], undefined, undefined])
})

test('folded fields are one line', () => {
  const envelope = envelopeOf('Subject: long', ' subject', 'Message-ID:', ' <x@y>')
  assert.deepEqual([envelope.subject, envelope.messageId], ['long subject', '<x@y>'])
})

test('no text makes it throw, and a million brackets take no time', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('"', '<', '>', '(', ')', ',', ':', ';', '\\', '@', 'a', ' ')),
      parts => {
        parseEnvelopeAddresses(parts.join(''))
      },
    ),
  )
  for (const character of ['"', '<', '(', ':', ',', '\\', '@,', '<a@b>'])
    parseEnvelopeAddresses(character.repeat(1_000_000))
})
