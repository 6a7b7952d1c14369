// Base64 of answers, strictly (RFC 4648 §3): one text for each sequence of octets, so that no two parsers can differ.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { decodeBase64 } from '../../src/sasl/mechanism.ts'

test('what is encoded is decoded', () => {
  fc.assert(
    fc.property(fc.uint8Array(), bytes => {
      assert.deepEqual(decodeBase64(Buffer.from(bytes).toString('base64')), Buffer.from(bytes))
    }),
  )
})

test('what is decoded had no other spelling', () => {
  const text = fc.string({
    unit: fc.constantFrom('A', 'b', '/', '+', '9', '=', '-', '_', ' ', '\r\n', '\0'),
    maxLength: 12,
  })
  fc.assert(
    fc.property(text, encoded => {
      const decoded = decodeBase64(encoded)
      if (decoded) assert.equal(decoded.toString('base64'), encoded)
    }),
    { numRuns: 2000 },
  )
})

test('nothing is the base64 of nothing', () => {
  assert.deepEqual(decodeBase64(''), Buffer.alloc(0))
})

for (const { what, text } of [
  { what: 'padding is missing', text: 'YQ' },
  { what: 'padding is half there', text: 'YQ=' },
  { what: 'too much padding', text: 'YQ===' },
  { what: 'padding in the middle', text: 'YQ==YQ==' },
  { what: 'padding alone', text: '=' },
  { what: 'bits behind the end', text: 'YR==' },
  { what: 'one character', text: 'Y' },
  { what: 'the alphabet of URLs', text: '-_-_' },
  { what: 'a blank', text: 'YWJj ZGVm' },
  { what: 'a line end', text: 'YWJj\r\n' },
  { what: 'other characters', text: 'YW*j' },
  { what: 'beyond ASCII', text: 'яяяя' },
]) {
  test(`refused: ${what}`, () => {
    assert.equal(decodeBase64(text), undefined)
  })
}
