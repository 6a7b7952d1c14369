// What a search reads of the fields of a message.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDate } from '../../src/mail-access/searched-message.ts'

void test('a Date field, with a comment, and of blanks that fill a header section', () => {
  assert.equal(readDate('Fri, 27 Nov 2026 12:00:00 +0300 (MSK)'), Date.UTC(2026, 10, 27, 9))
  assert.equal(readDate('yesterday'), undefined)
  assert.equal(readDate(undefined), undefined)
  assert.equal(readDate(`1${' '.repeat(250_000)}x`), undefined)
})
