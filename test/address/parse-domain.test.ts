// Domains and address literals: every spelling of one name is one name.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { formatAddressLiteral, parseAddressLiteral } from '../../src/address/address-literal.ts'
import { formatDomainForPeople, parseDomain } from '../../src/address/parse-domain.ts'

for (const [spellings, domain, people] of [
  [['example.test', 'EXAMPLE.test', 'example.test.'], 'example.test', 'example.test'],
  [
    [
      'пример.испытание',
      'ПРИМЕР.Испытание',
      'пример。испытание',
      'xn--e1afmkfd.XN--80AKHBYKNJ4F',
      'пример.xn--80akhbyknj4f',
    ],
    'xn--e1afmkfd.xn--80akhbyknj4f',
    'пример.испытание',
  ],
  [['bücher.test', 'bu\u0308cher.test', 'BÜCHER.test'], 'xn--bcher-kva.test', 'bücher.test'],
  [['faß.test'], 'xn--fa-hia.test', 'faß.test'],
  [['ｅｘａｍｐｌｅ.test', 'ex\u00adample.test'], 'example.test', 'example.test'],
  [['a', 'A'], 'a', 'a'],
  [['1.2.test', '3com.test', 'a--b.test'], undefined, undefined],
] as const) {
  for (const spelling of spellings) {
    test(`${spelling} is ${domain ?? 'a domain'}`, () => {
      const parsed = parseDomain(spelling)
      assert.equal(parsed, domain ?? spelling)
      assert.equal(formatDomainForPeople(parsed), people ?? spelling)
    })
  }
}

for (const text of [
  '',
  '.',
  '..',
  '.test',
  'a..test',
  'example.test..',
  '-a.test',
  'a-.test',
  'a_b.test',
  'a b.test',
  'a@b.test',
  'a/b.test',
  'a%41.test',
  'a:25',
  '[192.0.2.1]',
  '192.0.2.1',
  '１９２.0.2.1',
  'example.1',
  'a\0.test',
  'a\r\n.test',
  '*.test',
  // Labels that claim to be A-labels, and decode to nothing that may be one.
  'xn--.test',
  'xn--a.test',
  'xn--abc.test',
  'xn--99.test',
  'xn--1ug.test',
  'xn--zz--.test',
  '\u200d.test',
  `${'a'.repeat(64)}.test`,
  `${'д'.repeat(60)}.test`,
  `${'a.'.repeat(127)}test`,
]) {
  test(`no domain: ${JSON.stringify(text.length > 40 ? `${text.slice(0, 39)}…` : text)}`, () => {
    assert.equal(parseDomain(text), undefined)
  })
}

test('the longest label, and the longest name', () => {
  const label = 'a'.repeat(63)
  assert.equal(parseDomain(`${label}.test`), `${label}.test`)
  const longest = `${label}.${label}.${label}.${'b'.repeat(61)}`
  assert.equal(longest.length, 253)
  assert.equal(parseDomain(longest), longest)
  assert.equal(parseDomain(`${longest}b`), undefined)
})

const unit = fc.constantFrom(
  'a',
  'b',
  'Z',
  '9',
  '-',
  '.',
  'я',
  'Ж',
  'ß',
  'ü',
  'ö',
  '中',
  '。',
  'ا',
  '\u0301',
  '_',
  '%',
  '\u200d',
)
const anyDomain = fc.oneof(
  fc.string({ unit, maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 10 }),
  fc.string({ unit, maxLength: 10 }).map(text => `xn--${text}.test`),
)

test('whatever the spelling: letters, digits and hyphens, and the same again', () => {
  let accepted = 0
  fc.assert(
    fc.property(anyDomain, text => {
      const domain = parseDomain(text)
      if (domain === undefined) return
      accepted++
      assert.match(domain, /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/)
      assert.equal(parseDomain(domain), domain)
      assert.equal(
        parseDomain(formatDomainForPeople(domain)),
        domain,
        'U-labels and A-labels are the same name',
      )
      // What people are shown has been decoded.
      assert.doesNotMatch(formatDomainForPeople(domain), /(?:^|\.)xn--/)
    }),
    { numRuns: 5000 },
  )
  assert.ok(accepted > 100, `only ${accepted} of the texts were domains`)
})

for (const [text, literal] of [
  ['[192.0.2.1]', '[192.0.2.1]'],
  ['[IPv6:2001:db8::1]', '[IPv6:2001:db8::1]'],
  ['[ipv6:2001:DB8:0:0:0:0:0:1]', '[IPv6:2001:db8::1]'],
  ['[IPv6:::]', '[IPv6:::]'],
] as const) {
  test(`the address literal ${text}`, () => {
    assert.equal(parseAddressLiteral(text), literal)
    assert.equal(parseAddressLiteral(literal), literal)
  })
}

test('an IPv4 address within an IPv6 one comes back as the same address', () => {
  const literal = parseAddressLiteral('[IPv6:::ffff:192.0.2.1]') ?? assert.fail()
  assert.equal(parseAddressLiteral('[IPv6:::FFFF:c000:201]'), literal)
  assert.equal(parseAddressLiteral(literal), literal)
  // The old form without ffff is another address (RFC 4291 §2.5.5).
  assert.notEqual(parseAddressLiteral('[IPv6:::192.0.2.1]'), literal)
})

for (const text of [
  '',
  '[]',
  '192.0.2.1',
  '[192.0.2.1',
  '[192.0.2]',
  '[192.0.2.256]',
  '[192.0.2.01]',
  '[0x7f.0.0.1]',
  '[2130706433]',
  '[2001:db8::1]',
  '[IPv6:192.0.2.1]',
  '[IPv6:2001:db8::1%eth0]',
  '[IPv6: 2001:db8::1]',
  '[IPv6:2001:db8::g]',
  '[X-tag:value]',
  '[example.test]',
]) {
  test(`no address literal: ${text}`, () => {
    assert.equal(parseAddressLiteral(text), undefined)
  })
}

test('the literal of an address', () => {
  assert.equal(formatAddressLiteral('192.0.2.1'), '[192.0.2.1]')
  assert.equal(formatAddressLiteral('2001:db8::1'), '[IPv6:2001:db8::1]')
  assert.equal(formatAddressLiteral('::ffff:192.0.2.1'), '[192.0.2.1]')
  assert.equal(formatAddressLiteral('::FFFF:192.0.2.1'), '[192.0.2.1]')
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), address => {
      assert.notEqual(parseAddressLiteral(formatAddressLiteral(address)), undefined)
    }),
  )
})
