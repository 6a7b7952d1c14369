// The domains of authors in a From field, as people and programs write it (RFC 5322 §3.4).
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { findAuthorDomains } from '../../src/message/author-domains.ts'

const cases: readonly (readonly [string, readonly string[] | undefined])[] = [
  ['anna@example.test', ['example.test']],
  ['Anna <anna@Example.TEST>', ['example.test']],
  ['"Anna, at <eva@example.org>" <anna@example.test>', ['example.test']],
  ['"a@b"@example.test', ['example.test']],
  ['Anna (of (all) \\) eva@example.org) <anna@example.test> (really)', ['example.test']],
  ['=?utf-8?Q?eva=40example.org?= <anna@example.test>', ['example.test']],
  ['anna@почта.рф', ['xn--80a1acny.xn--p1ai']],
  ['a@one.test, B <b@two.test>, c@one.test', ['one.test', 'two.test']],
  ['friends: a@one.test, b@one.test;', ['one.test']],
  ['', undefined],
  ['anna', undefined],
  ['anna@', undefined],
  ['@example.test', undefined],
  ['anna@example.test <eva@example.org', undefined],
  ['<anna@example.test> eva@example.org', undefined],
  ['a@b@example.test', undefined],
  ['"anna@example.test', undefined],
  ['(anna@example.test', undefined],
  ['anna@[192.0.2.1]', undefined],
  [`anna@example.test${' '.repeat(20_000)}`, undefined],
]

for (const [value, domains] of cases)
  it(`${value.slice(0, 60) || 'nothing'} → ${domains?.join(' ') ?? 'none that is sure'}`, () => {
    assert.deepEqual(findAuthorDomains(value), domains)
  })
