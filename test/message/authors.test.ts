// Whom a reader takes for the author of a message.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { formatAddress } from '../../src/address/format-address.ts'
import { findAddressesAsNames, findAddressesWithinNames, findAuthors } from '../../src/message/authors.ts'

const authorsOf = (section: string): string[] => findAuthors(Buffer.from(section)).map(formatAddress)

test('the addresses of every From field, in whichever form they are written', () => {
  for (const [field, authors] of [
    ['From: boris@example.org', ['boris@example.org']],
    ['FROM : boris@example.org', ['boris@example.org']],
    ['Fromage: boris@example.org', []],
    ['from:"B., \\"x@y.test\\"" <Boris@Example.ORG>', ['Boris@example.org']],
    ['From: B (a@b.test) <boris@example.org>, carl@example.net', ['boris@example.org', 'carl@example.net']],
    ['From: B\r\n <boris@example.org>', ['boris@example.org']],
    ['From: Friends: boris@example.org, carl@example.net;', ['boris@example.org', 'carl@example.net']],
    ['From: anna@here.test <boris@example.org>', ['boris@example.org']],
    ['From: <a@one.test> <b@two.test>', ['a@one.test', 'b@two.test']],
    ['From: a@one.test\r\nFrom: b@two.test', ['a@one.test', 'b@two.test']],
    ['From: борис@пример.рф', ['борис@xn--e1afmkfd.xn--p1ai']],
    ['From: nobody', []],
    ['From: <boris@example.org', ['boris@example.org']],
    // Programs differ: what one of them shows counts.
    ['From: (boris@example.org', ['boris@example.org']],
    ['From: (Boris <boris@example.org>', ['boris@example.org']],
    ['From: "Boris <boris@example.org>', ['boris@example.org']],
    ['From: "boris@example.org"', ['boris@example.org']],
    ['From: boris@example.org <undisclosed>', ['boris@example.org']],
    ['From: =?utf-8?q?boris=40example.org?= <>', ['boris@example.org']],
    ['From: =?utf-8?b?Ym9yaXNAZXhhbXBsZS5vcmc=?=', ['boris@example.org']],
    ['From: B =?utf-8?q?=3Cboris=40example.org=3E?=', ['boris@example.org']],
    ['From: =?utf-8?q?boris=40example.org?= <carl@example.net>', ['carl@example.net']],
    ['Subject: hello\r\nX-From: x@y.test\r\n', []],
  ] as const)
    assert.deepEqual(authorsOf(`To: anna@here.test\r\n${field}\r\nDate: today\r\n`), authors, field)
})

test('an address that stands as the name of an author, or at the end of it', () => {
  for (const [field, names] of [
    ['"boss@here.test" <a@evil.test>', ['boss@here.test']],
    ['boss@here.test <a@evil.test>', ['boss@here.test']],
    ['"The boss <boss@here.test>" <a@evil.test>', ['boss@here.test']],
    ['"The \\"boss\\" (boss@here.test)." <a@evil.test>', ['boss@here.test']],
    ["'boss@here.test' <a@evil.test>", ['boss@here.test']],
    ['=?utf-8?Q?boss=40here.test?= <a@evil.test>', ['boss@here.test']],
    ['"boss\uFF20here\u200B.test" <a@evil.test>', ['boss@here.test']],
    ['X <x@one.test>, "boss@here.test" <a@evil.test>', ['boss@here.test']],
    // Calendars and lists say whose message it is.
    ['"boss@here.test (Calendar)" <a@calendar.test>', []],
    ['"boss@here.test via talk" <talk@lists.test>', []],
    ['boss@here.test', []],
    ['The boss <boss@here.test>', []],
  ] as const)
    assert.deepEqual(findAddressesAsNames(Buffer.from(`From: ${field}\r\n`)).map(formatAddress), names, field)
})

test('an address that has text of the name behind it', () => {
  for (const [field, names] of [
    ['"boss@here.test (Calendar)" <a@calendar.test>', ['boss@here.test']],
    ['"boss@here.test via talk" <talk@lists.test>', ['boss@here.test']],
    ['boss@here.test - Payments <a@evil.test>', ['boss@here.test']],
    ['=?utf-8?Q?boss=40here.test_urgent?= <a@evil.test>', ['boss@here.test']],
    ['"boss@here.test" <a@evil.test>', []],
    ['"The boss <boss@here.test>" <a@evil.test>', []],
    ['The boss <boss@here.test>', []],
  ] as const)
    assert.deepEqual(
      findAddressesWithinNames(Buffer.from(`From: ${field}\r\n`)).map(formatAddress),
      names,
      field,
    )
})

test('no more than a few, and no text that breaks it', () => {
  assert.equal(authorsOf(`From: ${'a@b.test, '.repeat(1000)}\r\n`).length, 5)
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), text => {
      assert.ok(authorsOf(`From: ${text}\r\n`).length <= 5)
      const named = Buffer.from(`From: "${text}" <a@b.test>\r\n`)
      assert.ok(findAddressesAsNames(named).length <= 5)
      assert.ok(findAddressesWithinNames(named).length <= 5)
    }),
  )
})
