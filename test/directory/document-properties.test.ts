import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { addressKey } from '../../src/address/address-key.ts'
import { formatAddress } from '../../src/address/format-address.ts'
import { parseAddress } from '../../src/address/parse-address.ts'
import type { DirectoryDocument, DocumentAccount } from '../../src/directory/document.ts'
import { formatDocument } from '../../src/directory/format-document.ts'
import { parseDocument } from '../../src/directory/parse-document.ts'
import { noPassword } from './open-directory.ts'

const lines = [
  '[[domain]]',
  '[[account]]',
  '[alias]',
  '[[group]]',
  'name = ',
  '"x"',
  'address = "a@b.test"',
  'targets = [',
  ']',
  '{',
  '= 1',
  '1979-05-27',
]

test('whatever the text is, it is a document or has problems with positions', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.constantFrom(...lines, '\n', '"', '\u0000', '\r')).map(parts => parts.join('\n')),
  )
  fc.assert(
    fc.property(text, input => {
      const parsed = parseDocument(input)
      if (parsed.kind === 'document') return
      assert.ok(parsed.problems.length > 0)
      for (const { line, column } of parsed.problems) assert.ok(line >= 1 && column >= 1)
    }),
    { numRuns: 500 },
  )
})

const localPart = fc
  .string({ unit: fc.constantFrom(...Array.from('abcЯй"\\ .@-_')), minLength: 1, maxLength: 12 })
  .map(text => parseAddress(formatAddress({ localPart: text, domain: 'example.test' }))?.localPart)
  .filter(text => text !== undefined)

const account = fc.record({
  localPart,
  name: fc.string({ unit: 'grapheme', maxLength: 20 }).filter(text => !/[\p{Cc}\u2028\u2029]/u.test(text)),
  language: fc.constantFrom('en', 'ru'),
  enabled: fc.boolean(),
  outside: fc.boolean(),
  terms: fc.record(
    {
      quotaBytes: fc.integer({ min: 0, max: 999_999 }).map(megabytes => megabytes * 1024 ** 2),
      quotaMessages: fc.integer({ min: 0, max: 1_000_000_000 }),
      keepTrashDays: fc.integer({ min: 0, max: 3650 }),
      keepJunkDays: fc.integer({ min: 0, max: 3650 }),
    },
    { requiredKeys: [] },
  ),
})

const anyKeys = `SCRAM-SHA-256$4096:${'A'.repeat(16)}$${'A'.repeat(43)}=:${'B'.repeat(42)}A=`

test('what is formatted is parsed back as it was', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(account, {
        selector: one => addressKey({ localPart: one.localPart, domain: '' }),
        maxLength: 8,
      }),
      drawn => {
        const accounts = drawn.map(
          ({ localPart, name, language, enabled, outside, terms }): DocumentAccount => ({
            address: { localPart, domain: 'xn--80a1acny.xn--p1ai' },
            name,
            language: language === 'ru' ? 'ru' : 'en',
            enabled,
            outside,
            // Of one that is known elsewhere there is nothing to write.
            passwordHash: outside ? '' : noPassword,
            scramKeys: language === 'ru' && !outside ? [anyKeys] : [],
            ...terms,
          }),
        )
        const document: DirectoryDocument = {
          domains: [{ name: 'xn--80a1acny.xn--p1ai' }],
          accounts,
          appPasswords: [],
          redirections: [],
          relays: [],
        }
        const parsed = parseDocument(formatDocument(document))
        assert.ok(parsed.kind === 'document', JSON.stringify(parsed))
        const back = parsed.document.accounts.map(
          ({ address, name, language, enabled, credential, terms }) => ({
            address,
            name,
            language,
            enabled,
            outside: credential.kind === 'outside',
            passwordHash: credential.kind === 'hash' ? credential.passwordHash : '',
            scramKeys: credential.kind === 'hash' ? credential.scramKeys : [],
            ...terms,
          }),
        )
        assert.deepEqual(back, accounts)
      },
    ),
    { numRuns: 200 },
  )
})
