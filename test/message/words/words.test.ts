// Which terms a message has, and what is asked for a text: what has a text is found by its terms, whatever it is.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageTerms } from '../../../src/message/words/message-terms.ts'
import { foldText, SoughtText, type WordQuery } from '../../../src/message/words/sought-text.ts'
import type { TermPlace } from '../../../src/message/words/terms.ts'

function termsOf(text: string, field?: string): string[] {
  const terms = new MessageTerms()
  if (field === undefined) terms.addBody(text)
  else terms.addField(field, text)
  return terms.finish().split(' ')
}

function fits(query: WordQuery, terms: readonly string[]): boolean {
  switch (query.kind) {
    case 'term':
      return terms.includes(query.text)
    case 'prefix':
      return terms.some(term => term.startsWith(query.text))
    case 'and':
      return query.parts.every(part => fits(part, terms))
    case 'or':
      return query.parts.some(part => fits(part, terms))
    default:
      return query satisfies never
  }
}

test('the terms of a text', () => {
  assert.deepEqual(termsOf('Two meetings'), ['b=two', 'b=meetings', 'b~meet'])
  assert.deepEqual(termsOf('Договорами об учёте'), ['b=договорами', 'b~договор', 'b=об', 'b=учете', 'b~учет'])
  assert.deepEqual(termsOf('Ärger'), ['b=arger'])
  assert.deepEqual(termsOf('INV-2024'), ['b=inv', 'b=2024', 'b=inv-2024'])
  assert.deepEqual(termsOf('東京都'), ['b=東京', 'b=京都', 'b=都'])
  assert.deepEqual(termsOf('x'.repeat(500)), [`b=${'x'.repeat(32)}`])
  assert.deepEqual(termsOf('Anna <anna@mail.example.com>', 'from'), [
    ...'n=from h=anna h=mail h=example h~exampl h=com h=anna@mail.example.com'.split(' '),
    ...'h=@mail.example.com h=.example.com f=anna f=mail f=example f=com'.split(' '),
    ...'f=anna@mail.example.com f=@mail.example.com f=.example.com'.split(' '),
  ])
  assert.deepEqual(termsOf('v=1; b=AAAA', 'dkim-signature'), ['n=dkim-signature'])
})

test('a message of very many different words has a bounded number of terms', () => {
  const words = Array.from({ length: 200_000 }, (_, at) => `w${at}`).join(' ')
  assert.ok(termsOf(words).join(' ').length < 201_000)
})

/** [text, sought, whether a reader of the text finds it, whether the index alone says so] */
const cases: readonly (readonly [string, string, boolean, 'sure' | 'read' | 'neither'])[] = [
  ['Three invoices today', 'invoice', true, 'sure'],
  ['Three invoices today', 'INVOI', true, 'sure'],
  ['One invoice today', 'invoices', true, 'sure'],
  ['One invoice today', 'invoices today', true, 'read'],
  ['One invoice, today', 'today invoice', false, 'read'],
  ['One invoice for today', 'invoice today', false, 'read'],
  ['One invoice\r\nfor today', 'invoice for to', true, 'read'],
  // Within a word: only who reads the text finds it.
  ['One invoice today', 'voice', true, 'neither'],
  ['пришли счёт на оплату', 'счета', true, 'sure'],
  ['пришли счета', 'СЧЁТ', true, 'sure'],
  ['йод и бинт', 'иод', false, 'neither'],
  ['Grüße aus Köln', 'koln', true, 'sure'],
  ['Grüße aus Köln', 'GRÜSSE', true, 'sure'],
  ['to anna@example.com now', 'anna@example.com', true, 'sure'],
  ['to anna@example.com now', 'anna@', true, 'sure'],
  ['to anna@mail.example.com now', '@example.com', false, 'read'],
  ['to anna@example.com now', '@example', true, 'sure'],
  ['to anna@mail.example.com now', 'example.com', true, 'sure'],
  ['see www.example.com/path', 'example.com', true, 'read'],
  ['anna at example, com', 'anna@example.com', false, 'read'],
  ['No. INV-2024-0042.', 'INV-2024', true, 'sure'],
  ['No. INV-2024-0042.', '2024-0042', true, 'read'],
  ['costs 1.234,56 EUR', '1.234,56', true, 'read'],
  ['costs $100', '$100', true, 'read'],
  ['costs €100', '$100', false, 'read'],
  ['私は東京都に住む', '東京', true, 'sure'],
  ['私は東京都に住む', '東', true, 'sure'],
  ['私は東京都に住む', '東京都に', true, 'read'],
  ['京都と東京', '東京都', false, 'read'],
  ['party 🎉 tonight', '🎉', true, 'sure'],
  ['สวัสดีครับ', 'ครับ', true, 'read'],
  [`id ${'k'.repeat(40)}z`, `${'k'.repeat(40)}z`, true, 'read'],
  [`id ${'k'.repeat(40)}z`, `${'k'.repeat(40)}y`, false, 'read'],
]

test('what is in a text, and what the index says of it', () => {
  for (const [text, wanted, isThere, says] of cases) {
    const about = `${wanted} in ${text}`
    const sought = new SoughtText(wanted)
    assert.equal(sought.isIn(foldText(text)), isThere, about)
    const search = sought.ask(['b'])
    assert.ok(search, about)
    const terms = termsOf(text)
    const isSure = search.sure !== undefined && fits(search.sure, terms)
    const found = isSure ? 'sure' : fits(search.candidates, terms) ? 'read' : 'neither'
    assert.equal(found, says, about)
    if (isSure) assert.ok(isThere, about)
  }
})

test('without a word the index is not asked', () => {
  for (const text of ['', '???', '-- --']) assert.equal(new SoughtText(text).ask(['b']), undefined)
})

test('names have no stems', () => {
  const search = new SoughtText('jones').ask(['f' satisfies TermPlace])
  assert.ok(search?.sure)
  assert.ok(!fits(search.sure, termsOf('Jone', 'from')))
})
