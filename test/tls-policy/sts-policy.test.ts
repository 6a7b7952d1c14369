// MTA-STS records and policies (RFC 8461 §3.1, §3.2, §4.1).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { isNamedBy, parseStsPolicy, readStsId } from '../../src/tls-policy/sts-policy.ts'

const records: readonly (readonly [what: string, texts: readonly string[], id: string | undefined])[] = [
  ['as the RFC has it', ['v=STSv1; id=20160831085700Z;'], '20160831085700Z'],
  ['without the last semicolon, with blanks', ['v=STSv1 ;  id = a1 '], 'a1'],
  ['beside others of that name', ['v=spf1 -all', 'v=STSv1; id=1;'], '1'],
  ['with fields that nobody knows', ['v=STSv1; x=y; id=1'], '1'],
  ['twice', ['v=STSv1; id=1;', 'v=STSv1; id=2;'], undefined],
  ['of another version', ['v=STSv2; id=1;'], undefined],
  ['a version that only begins like it', ['v=STSv11; id=1;'], undefined],
  ['without an id', ['v=STSv1;'], undefined],
  ['with an id that is too long', [`v=STSv1; id=${'a'.repeat(33)};`], undefined],
  ['with signs in the id', ['v=STSv1; id=a-b;'], undefined],
  ['none', [], undefined],
]

for (const [what, texts, id] of records) {
  test(`the TXT record ${what}: ${id ?? 'no policy'}`, () => {
    assert.equal(readStsId(texts), id)
  })
}

test('a policy is read, with line ends of either kind and fields that nobody knows', () => {
  const text =
    'version: STSv1\r\nmode: enforce\nmx: Mail.example.com\r\nmx: *.example.net.\nmode: none\nother: x\nmax_age: 604800\n'
  assert.deepEqual(parseStsPolicy(text), {
    mode: 'enforce',
    mx: ['mail.example.com', '*.example.net'],
    maxAgeMs: 604_800_000,
  })
})

test('a policy holds for a year at most, and one of mode none needs no mx', () => {
  const policy = parseStsPolicy('version: STSv1\nmode: none\nmax_age: 9999999999')
  assert.deepEqual(policy, { mode: 'none', mx: [], maxAgeMs: 31_557_600_000 })
})

const bad: readonly (readonly [text: string, problem: RegExp])[] = [
  ['', /version/],
  ['version: STSv2\nmode: none\nmax_age: 1', /version/],
  ['version: STSv1\nmax_age: 1\nmx: a.example', /mode/],
  ['version: STSv1\nmode: Enforce\nmax_age: 1\nmx: a.example', /mode/],
  ['version: STSv1\nmode: enforce\nmx: a.example', /max_age/],
  ['version: STSv1\nmode: enforce\nmax_age: 1e3\nmx: a.example', /max_age/],
  ['version: STSv1\nmode: testing\nmax_age: 1', /names no mx/],
  ['version: STSv1\nmode: enforce\nmax_age: 1\nmx: *', /no host name/],
  ['version: STSv1\nmode: enforce\nmax_age: 1\nmx: a.*.example', /no host name/],
  ['<!doctype html><p>Not found</p>', /version/],
]

for (const [text, problem] of bad) {
  test(`no policy: ${JSON.stringify(text)}`, () => {
    const parsed = parseStsPolicy(text)
    assert.ok(typeof parsed === 'string', 'it was taken for a policy')
    assert.match(parsed, problem)
  })
}

test('a pattern names one host, or those one label below a name', () => {
  const mx = ['mail.example.com', '*.example.net']
  for (const host of ['mail.example.com', 'MAIL.Example.com', 'a.example.net', 'b.example.net'])
    assert.ok(isNamedBy({ mx }, host), host)
  for (const host of ['example.com', 'x.mail.example.com', 'example.net', 'a.b.example.net', 'aexample.net'])
    assert.ok(!isNamedBy({ mx }, host), host)
})

test('whatever a stranger serves is read without an error', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), text => {
      parseStsPolicy(text)
      parseStsPolicy(`version: STSv1\nmode: enforce\nmax_age: 1\nmx: ${text}`)
      readStsId([text, `v=STSv1;${text}`])
    }),
  )
})
