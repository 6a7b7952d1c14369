// Addresses: any spelling in, one spelling out, and that one comes back as the same address.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Address } from '../../src/address/address.ts'
import { addressKey, sameAddress } from '../../src/address/address-key.ts'
import { formatAddress, formatAddressForPeople, formatReversePath } from '../../src/address/format-address.ts'
import { parseAddress } from '../../src/address/parse-address.ts'
import { needsSmtpUtf8 } from '../../src/address/scan-mailbox.ts'
import { decodeUtf8Address, encodeUtf8Address } from '../../src/address/utf8-address.ts'

function parse(text: string): Address {
  return parseAddress(text) ?? assert.fail(`no address: ${text}`)
}

const localPart = fc.oneof(
  fc.string({
    unit: fc.constantFrom('a', 'Z', '0', '.', '+', '-', '_', '=', "'", '/', '{'),
    minLength: 1,
    maxLength: 20,
  }),
  fc.string({
    unit: fc.constantFrom('a', ' ', '"', '\\', '@', '<', '>', '(', ',', ';', ':', '.'),
    maxLength: 20,
  }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
)
const domain = fc.constantFrom(
  'example.test',
  'EXAMPLE.Test.',
  'xn--e1afmkfd.xn--80akhbyknj4f',
  'Пример.Испытание',
  'faß.example',
  '[192.0.2.1]',
  '[IPv6:2001:DB8:0:0::1]',
)
const text = fc
  .tuple(localPart, domain, fc.boolean())
  .map(([local, name, quoted]) =>
    quoted ? `"${local.replaceAll(/["\\]/g, '\\$&')}"@${name}` : `${local}@${name}`,
  )

test('what is parsed, formatted and parsed again is the same address', () => {
  let accepted = 0
  fc.assert(
    fc.property(text, written => {
      const address = parseAddress(written)
      if (!address) return
      accepted++
      assert.deepEqual(parseAddress(formatAddress(address)), address)
      assert.deepEqual(parseAddress(formatAddressForPeople(address)), address)
      assert.equal(formatAddress(parse(formatAddress(address))), formatAddress(address))
      assert.equal(formatReversePath(address), formatAddress(address))
    }),
    { numRuns: 3000 },
  )
  assert.ok(accepted > 500, `only ${accepted} of the texts were addresses`)
})

test('what is accepted has no controls in it, and fits into a path', () => {
  fc.assert(
    fc.property(text, written => {
      const address = parseAddress(written)
      if (!address) return
      const formatted = formatAddress(address)
      assert.doesNotMatch(formatted, /[\0-\x1f\x7f-\x9f]/)
      assert.ok(formatted.isWellFormed())
      assert.equal(address.localPart, address.localPart.normalize('NFC'))
      assert.match(address.domain, /^(?:[a-z0-9.-]+|\[[0-9A-Fa-fv.:IP]+\])$/)
    }),
    { numRuns: 3000 },
  )
})

test('any text is an address or not: nothing throws', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.uint8Array().map(bytes => Buffer.from(bytes).toString()),
      ),
      any => {
        const address = parseAddress(any)
        assert.ok(address === undefined || typeof address.localPart === 'string')
      },
    ),
    { numRuns: 2000 },
  )
})

for (const { written, local, formatted } of [
  { written: 'anna@example.test', local: 'anna', formatted: 'anna@example.test' },
  { written: 'Anna.B@EXAMPLE.Test', local: 'Anna.B', formatted: 'Anna.B@example.test' },
  { written: '"anna"@example.test', local: 'anna', formatted: 'anna@example.test' },
  { written: '"a\\nna"@example.test', local: 'anna', formatted: 'anna@example.test' },
  { written: '"a b"@example.test', local: 'a b', formatted: '"a b"@example.test' },
  { written: '"a@b"@example.test', local: 'a@b', formatted: '"a@b"@example.test' },
  { written: '"a\\"b\\\\"@example.test', local: 'a"b\\', formatted: '"a\\"b\\\\"@example.test' },
  { written: '" "@example.test', local: ' ', formatted: '" "@example.test' },
  { written: '"a..b."@example.test', local: 'a..b.', formatted: '"a..b."@example.test' },
  {
    written: "!#$%&'*+-/=?^_`{|}~@example.test",
    local: "!#$%&'*+-/=?^_`{|}~",
    formatted: "!#$%&'*+-/=?^_`{|}~@example.test",
  },
  { written: 'почта@Пример.Испытание', local: 'почта', formatted: 'почта@xn--e1afmkfd.xn--80akhbyknj4f' },
  { written: '"моя почта"@example.test', local: 'моя почта', formatted: '"моя почта"@example.test' },
  { written: 'e\u0301@example.test', local: '\u00e9', formatted: '\u00e9@example.test' },
  { written: 'a@[192.0.2.1]', local: 'a', formatted: 'a@[192.0.2.1]' },
  { written: 'a@[ipv6:2001:DB8:0:0::1]', local: 'a', formatted: 'a@[IPv6:2001:db8::1]' },
]) {
  test(`${written} is ${formatted}`, () => {
    const address = parse(written)
    assert.equal(address.localPart, local)
    assert.equal(formatAddress(address), formatted)
  })
}

test('people see U-labels', () => {
  assert.equal(formatAddressForPeople(parse('почта@xn--e1afmkfd.xn--80akhbyknj4f')), 'почта@пример.испытание')
  assert.equal(formatAddressForPeople(parse('a@[192.0.2.1]')), 'a@[192.0.2.1]')
})

test('the null reverse-path is nothing between its brackets', () => {
  assert.equal(formatReversePath(null), '')
})

test('a local-part has 64 octets at most, as written and as sent', () => {
  assert.ok(parseAddress(`${'x'.repeat(64)}@example.test`))
  assert.equal(parseAddress(`${'x'.repeat(65)}@example.test`), undefined)
  assert.ok(parseAddress(`${'я'.repeat(32)}@example.test`))
  assert.equal(parseAddress(`${'я'.repeat(33)}@example.test`), undefined)
  assert.ok(parseAddress(`"${'x'.repeat(62)}"@example.test`))
  assert.equal(parseAddress(`"${'x'.repeat(63)}"@example.test`), undefined)
  // NFC takes two characters for this one.
  assert.ok(parseAddress(`${'\u0958'.repeat(10)}@example.test`))
  assert.equal(parseAddress(`${'\u0958'.repeat(21)}@example.test`), undefined)
})

test('half a character is no character', () => {
  for (const half of ['\ud83d', '\ude00']) {
    assert.equal(parseAddress(`a${half}@example.test`), undefined)
    assert.equal(parseAddress(`"a${half}"@example.test`), undefined)
    assert.equal(parseAddress(`a@a${half}.test`), undefined)
  }
  assert.ok(parseAddress('\ud83d\ude00@example.test'))
})

test('a subaddress is a part of the local-part, for those to understand who want to', () => {
  const address = parse('anna+lists.2026@example.test')
  assert.equal(address.localPart, 'anna+lists.2026')
  assert.equal(sameAddress(address, parse('anna@example.test')), false)
  assert.equal(parse('почта+тег@example.test').localPart, 'почта+тег')
})

for (const [one, other, same] of [
  ['anna@example.test', 'ANNA@Example.TEST', true],
  ['anna@example.test', '"anna"@example.test', true],
  ['ПОЧТА@пример.испытание', 'почта@xn--e1afmkfd.xn--80akhbyknj4f', true],
  ['\u00c9@example.test', 'e\u0301@example.test', true],
  ['a@[IPv6:2001:db8::1]', 'a@[ipv6:2001:DB8:0::1]', true],
  ['anna@example.test', 'anna@example.org', false],
  ['an.na@example.test', 'anna@example.test', false],
  ['"a b"@example.test', 'ab@example.test', false],
  // Not letters that look alike: Cyrillic а.
  ['anna@example.test', '\u0430nna@example.test', false],
] as const) {
  test(`${one} and ${other} are ${same ? 'one mailbox' : 'two'}`, () => {
    assert.equal(sameAddress(parse(one), parse(other)), same)
    assert.equal(addressKey(parse(one)) === addressKey(parse(other)), same)
  })
}

test('only the local-part can need SMTPUTF8', () => {
  assert.equal(needsSmtpUtf8(parse('почта@example.test')), true)
  assert.equal(needsSmtpUtf8(parse('"a я"@example.test')), true)
  assert.equal(needsSmtpUtf8(parse('anna@пример.испытание')), false)
})

test('utf-8-addr-xtext: ASCII alone, without what xtext knows, and back again', () => {
  fc.assert(
    fc.property(fc.oneof(localPart, text), written => {
      const plain = written.toWellFormed()
      const encoded = encodeUtf8Address(plain)
      assert.match(encoded, /^[!-*,-<>-~]*$/)
      assert.equal(decodeUtf8Address(encoded), plain)
    }),
    { numRuns: 1000 },
  )
})

test('utf-8-addr-xtext: an escape that is no character, and what is no escape', () => {
  for (const escape of ['\\x{D800}', '\\x{110000}', '\\x{FFFFFF}'])
    assert.equal(decodeUtf8Address(escape), undefined)
  for (const other of ['\\x', '\\x{}', '\\x{1}', '\\x{1234567}', '\\x{я}', '\\"', '\\x{41'])
    assert.equal(decodeUtf8Address(other), other)
})
