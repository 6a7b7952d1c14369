// Whether a message goes to many, as it says of itself.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { saysItIsBulk } from '../../src/message/says-it-is-bulk.ts'

for (const [isBulk, ...lines] of [
  [true, 'From: a@b.test', 'List-Id: <news.b.test>'],
  [true, 'LIST-UNSUBSCRIBE: <https://b.test/u>'],
  [true, 'Precedence: bulk'],
  [true, 'precedence:  List'],
  [true, 'Precedence: junk'],
  [false, 'Precedence: first-class'],
  [false, 'From: a@b.test', 'Subject: List-Id: no'],
  [false, 'List-Identity: no', 'X-List-Id: no'],
  [false, 'Subject: one', ' List-Id: folded'],
] as const) {
  test(`${isBulk ? 'to many' : 'not to many'}: ${lines.join(', ')}`, () => {
    assert.equal(saysItIsBulk(Buffer.from(`${lines.join('\r\n')}\r\n`)), isBulk)
  })
}
