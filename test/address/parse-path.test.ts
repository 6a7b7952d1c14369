// Paths, the arguments of MAIL and RCPT: what stands in the brackets, what may stand before and behind, and what is wrong.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { formatAddress, formatReversePath } from '../../src/address/format-address.ts'
import {
  type ForwardPath,
  type PathOptions,
  type PathProblem,
  parseForwardPath,
  parseReversePath,
} from '../../src/address/parse-path.ts'

const ascii: PathOptions = { allowUnicode: false }
const unicode: PathOptions = { allowUnicode: true }
const lenient: PathOptions = { allowUnicode: false, allowMissingBrackets: true }

/** 'anna@example.test| SIZE=1', or the problem. */
function reverse(text: string, options = ascii): string {
  const found = parseReversePath(text, options)
  return found.kind === 'path' ? `${formatReversePath(found.path)}|${found.rest}` : found.problem
}

function forward(text: string, options = ascii): string {
  const found = parseForwardPath(text, options)
  return found.kind === 'path' ? `${formatForward(found.path)}|${found.rest}` : found.problem
}

function formatForward(path: ForwardPath): string {
  return path === 'postmaster' ? 'postmaster' : formatAddress(path)
}

for (const [text, expected] of [
  ['<anna@example.test>', 'anna@example.test|'],
  ['<anna@example.test> SIZE=1 BODY=7BIT', 'anna@example.test| SIZE=1 BODY=7BIT'],
  ['<"a > b"@example.test> SIZE=1', '"a > b"@example.test| SIZE=1'],
  ['<"<>"@example.test>', '"<>"@example.test|'],
  ['<anna@[192.0.2.1]>', 'anna@[192.0.2.1]|'],
  ['<@a.test,@b.test:anna@example.test>', 'anna@example.test|'],
  ['<@xn--e1afmkfd.test:anna@example.test> X', 'anna@example.test| X'],
  // What would mean one thing to one parser and another to the next.
  ['<"a@evil.test> x"@own.test>', '"a@evil.test> x"@own.test|'],
] as const) {
  test(`a path: ${text}`, () => {
    assert.equal(reverse(text), expected)
    assert.equal(forward(text), expected)
  })
}

const problems: readonly (readonly [string, PathProblem])[] = [
  ['', 'missing-brackets'],
  ['anna@example.test', 'missing-brackets'],
  [' <anna@example.test>', 'missing-brackets'],
  ['<anna@example.test', 'unclosed-bracket'],
  ['<anna', 'unclosed-bracket'],
  ['<anna@example.test>SIZE=1', 'syntax'],
  ['<anna@example.test>>', 'syntax'],
  ['<anna@example.test >', 'syntax'],
  ['< anna@example.test>', 'local-part-syntax'],
  ['<<anna@example.test>>', 'local-part-syntax'],
  ['<anna>', 'missing-domain'],
  ['<@example.test>', 'source-route-syntax'],
  ['<@a.test anna@example.test>', 'source-route-syntax'],
  ['<@a.test,b.test:anna@example.test>', 'source-route-syntax'],
  ['<@a.test,:anna@example.test>', 'source-route-syntax'],
  ['<@a_b.test:anna@example.test>', 'source-route-syntax'],
  ['<@a.test:@b.test:anna@example.test>', 'local-part-syntax'],
  ['<@a.test:>', 'local-part-syntax'],
  ['<.anna@example.test>', 'local-part-syntax'],
  ['<anna.@example.test>', 'local-part-syntax'],
  // RFC 5321 §4.1.2: Dot-string has no empty Atom, and sub-domain no underscore.
  ['<an..na@example.test>', 'local-part-syntax'],
  ['<""@example.test>', 'local-part-syntax'],
  ['<"anna@example.test>', 'local-part-syntax'],
  ['<"anna\\">', 'local-part-syntax'],
  ['<anna@>', 'domain-syntax'],
  ['<anna@example_test.test>', 'domain-syntax'],
  ['<anna@_example.test>', 'domain-syntax'],
  ['<anna@192.0.2.1>', 'domain-syntax'],
  ['<anna@[192.0.2.256]>', 'domain-syntax'],
  ['<anna@example.test@example.org>', 'domain-syntax'],
  [`<${'x'.repeat(65)}@example.test>`, 'local-part-too-long'],
  [`<a@${'x'.repeat(256)}>`, 'domain-too-long'],
  [`<${'x'.repeat(64)}@${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}>`, 'path-too-long'],
  ['<почта@example.test>', 'non-ascii'],
  ['<anna@пример.испытание>', 'non-ascii'],
  ['<@пример.испытание:anna@example.test>', 'non-ascii'],
]

for (const [text, problem] of problems) {
  test(`no path: ${text.length > 60 ? `${text.slice(0, 57)}…` : text} (${problem})`, () => {
    assert.equal(reverse(text), problem)
    assert.equal(forward(text), problem)
  })
}

test('the null reverse-path is one for MAIL, and none for RCPT', () => {
  assert.equal(reverse('<>'), '|')
  assert.equal(reverse('<> SIZE=1'), '| SIZE=1')
  assert.equal(forward('<>'), 'empty')
  assert.equal(reverse('< >'), 'local-part-syntax')
  // What stands behind it is not glued to it.
  assert.equal(reverse('<>SIZE=1'), 'syntax')
})

test('Postmaster without a domain is one for RCPT, and none for MAIL', () => {
  for (const text of ['<Postmaster>', '<postmaster>', '<POSTMASTER>', '<"postmaster">'])
    assert.equal(forward(text), 'postmaster|')
  assert.equal(forward('<Postmaster> NOTIFY=NEVER'), 'postmaster| NOTIFY=NEVER')
  assert.equal(reverse('<Postmaster>'), 'missing-domain')
  assert.equal(forward('<Postmaster@example.test>'), 'Postmaster@example.test|')
})

test('with SMTPUTF8 both sides of the @ may be beyond ASCII, and count in octets', () => {
  const domain = 'xn--e1afmkfd.xn--80akhbyknj4f'
  assert.equal(forward('<почта@пример.испытание> X', unicode), `почта@${domain}| X`)
  assert.equal(forward('<@пример.испытание:почта@пример.испытание>', unicode), `почта@${domain}|`)
  assert.equal(forward(`<${'я'.repeat(33)}@example.test>`, unicode), 'local-part-too-long')
  const label = 'д'.repeat(20)
  assert.equal(
    forward(`<a@${label}.${label}.${label}.${label}.${label}.${label}.${label}>`, unicode),
    'domain-too-long',
  )
})

test('without brackets where that is allowed, up to the blank', () => {
  assert.equal(reverse('anna@example.test SIZE=1', lenient), 'anna@example.test| SIZE=1')
  assert.equal(reverse('"a b"@example.test', lenient), '"a b"@example.test|')
  assert.equal(reverse('<anna@example.test> SIZE=1', lenient), 'anna@example.test| SIZE=1')
  assert.equal(reverse('anna@example.test> SIZE=1', lenient), 'syntax')
  assert.equal(reverse('@a.test:anna@example.test', lenient), 'local-part-syntax')
})

test('a path has 256 octets, brackets and route and all', () => {
  const domain = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(59)}`
  const longest = `<${'x'.repeat(64)}@${domain}>`
  assert.equal(Buffer.byteLength(longest), 254)
  assert.match(reverse(longest), /^x+@/)
  assert.match(reverse(`<@a.test:anna@${domain}>`), /^anna@/)
  assert.equal(reverse(`<@a.test:${longest.slice(1)}`), 'path-too-long')
})

test('whatever comes, it is a path with its rest, or a problem', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '<',
      '>',
      '@',
      ':',
      ',',
      '"',
      '\\',
      ' ',
      '.',
      '[',
      ']',
      'a',
      'example.test',
      '<a@b.test>',
      'я',
      '\0',
      '\r\n',
    ),
    fc.string({ unit: 'binary', maxLength: 5 }),
  )
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 15 }),
      fc.boolean(),
      fc.boolean(),
      (pieces, allowUnicode, allowMissingBrackets) => {
        const text = pieces.join('')
        for (const found of [
          parseReversePath(text, { allowUnicode, allowMissingBrackets }),
          parseForwardPath(text, { allowUnicode, allowMissingBrackets }),
        ]) {
          if (found.kind === 'problem') continue
          assert.ok(text.endsWith(found.rest))
          assert.ok(found.rest === '' || found.rest.startsWith(' '))
          const path = text.slice(0, text.length - found.rest.length)
          assert.ok(allowUnicode || !/[^\0-\x7f]/.test(path))
          assert.doesNotMatch(path, /[\0-\x1f\x7f-\x9f]/)
        }
      },
    ),
    { numRuns: 5000 },
  )
})
