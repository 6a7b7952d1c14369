// SASLprep (RFC 4013), by its own examples.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { prepareText } from '../../src/sasl/prepare-text.ts'

// RFC 4013 §3
for (const { input, output } of [
  { input: 'I\u00adX', output: 'IX' },
  { input: 'user', output: 'user' },
  { input: 'USER', output: 'USER' },
  { input: '\u00aa', output: 'a' },
  { input: '\u2168', output: 'IX' },
]) {
  test(`${JSON.stringify(input)} becomes ${output}`, async () => {
    assert.equal(await prepareText(input), output)
  })
}

test('a blank of another alphabet is a blank; letters are composed', async () => {
  assert.equal(await prepareText('a\u3000b'), 'a b')
  assert.equal(await prepareText('\u0438\u0306'), '\u0439')
})

test('what it prohibits stays a password all the same, in one spelling', async () => {
  assert.equal(await prepareText('tab\there \u0438\u0306'), 'tab\there \u0439')
  assert.equal(await prepareText('snow ☃ and 🙂'), 'snow ☃ and 🙂')
})
