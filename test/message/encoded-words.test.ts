// Encoded words (RFC 2047): what is written is read back, and what strangers write cannot do harm.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { decodeEncodedWords, encodeWords } from '../../src/message/encoded-words.ts'

const anyText = fc.string({ unit: 'grapheme', maxLength: 100 }).map(text => text.toWellFormed())

/** As a reader unfolds a field (RFC 5322 §2.2.3). */
const unfold = (text: string): string => text.replaceAll('\r\n', '')

test('any text comes back', () => {
  fc.assert(
    fc.property(anyText, text => {
      assert.equal(decodeEncodedWords(unfold(encodeWords(text))), text)
    }),
    { numRuns: 1000 },
  )
})

test('what is encoded is one field: ASCII, short lines, words that each stand alone', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), text => {
      const encoded = encodeWords(text)
      for (const [index, line] of encoded.split('\r\n').entries()) {
        assert.match(line, index === 0 ? /^[ -~]*$/ : /^ [ -~]+$/)
        const word = line.trim()
        if (encoded === text) continue
        assert.match(word, /^=\?UTF-8\?B\?[A-Za-z0-9+/]+={0,2}\?=$/)
        // §2: 75 characters a word, 76 a line; the first line has the name of the field as well.
        assert.ok(line.length <= (index === 0 ? 76 - 'Subject: '.length : 76))
        assert.ok(text.toWellFormed().includes(decodeEncodedWords(word)), 'no character is cut in two')
      }
    }),
    { numRuns: 1000 },
  )
})

test('plain ASCII stays as it is', () => {
  assert.equal(encodeWords('Invoice 4711 (paid)'), 'Invoice 4711 (paid)')
  assert.equal(encodeWords(''), '')
})

test('what would be taken for an encoded word is encoded', () => {
  const text = 'about =?UTF-8?Q?=D1=8F?='
  assert.notEqual(encodeWords(text), text)
  assert.equal(decodeEncodedWords(encodeWords(text)), text)
})

for (const { what, encoded, text } of [
  { what: 'B', encoded: '=?UTF-8?B?0J/RgNC40LLQtdGC?=', text: 'Привет' },
  { what: 'Q, with _ for a blank', encoded: '=?utf-8?q?=D1=8F_x=3D?=', text: 'я x=' },
  { what: 'another charset', encoded: '=?koi8-r?B?8NLJ18XU?=', text: 'Привет' },
  { what: 'a charset with a language (RFC 2231)', encoded: '=?iso-8859-1*de?Q?Gr=FC=DFe?=', text: 'Grüße' },
  { what: 'between other text', encoded: 'Re: =?utf-8?Q?=D1=8F?= (2)', text: 'Re: я (2)' },
  { what: 'two that belong together', encoded: '=?utf-8?Q?a?= \t =?utf-8?Q?b?=', text: 'ab' },
  { what: 'two with a word between', encoded: '=?utf-8?Q?a?= x =?utf-8?Q?b?=', text: 'a x b' },
  { what: 'an empty one', encoded: '=?utf-8?Q??=', text: '' },
  { what: 'broken UTF-8', encoded: '=?utf-8?Q?=FFa?=', text: '\ufffda' },
]) {
  test(`decoded: ${what}`, () => {
    assert.equal(decodeEncodedWords(encoded), text)
  })
}

for (const text of [
  '=?no-such-charset?Q?x?=',
  '=?utf-8?X?x?=',
  '=?utf-8?Q?has a blank?=',
  '=?utf-8?Q?never ends',
  '=??Q?x?=',
  'a =? b ?= c',
]) {
  test(`left as it is: ${text}`, () => {
    assert.equal(decodeEncodedWords(text), text)
  })
}

test('any text can be decoded', () => {
  const piece = fc.oneof(
    fc.constantFrom('=?', '?=', '?', '=', 'utf-8', 'Q', 'B', '?Q?', '=?utf-8?B?', '_', '=0D=0A', ' ', '\t'),
    fc.string({ unit: 'binary', maxLength: 10 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), pieces => {
      assert.equal(typeof decodeEncodedWords(pieces.join('')), 'string')
    }),
    { numRuns: 1000 },
  )
})
