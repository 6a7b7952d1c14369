// Message-ID and Subject of a message that comes in.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { identifyMessage } from '../../src/message/identify-message.ts'

function identify(...lines: readonly string[]) {
  return identifyMessage(Buffer.from(`${lines.join('\r\n')}\r\n`))
}

for (const [what, lines, identity] of [
  [
    'both',
    ['From: a@b.test', 'Subject: Hello', 'Message-ID: <1@b.test>'],
    { messageId: '1@b.test', subject: 'Hello' },
  ],
  [
    'names in any letters',
    ['SUBJECT:Hello', 'message-id:<1@b.test>'],
    { messageId: '1@b.test', subject: 'Hello' },
  ],
  ['neither', ['From: a@b.test', 'X-Subject: no', 'Subjects: no'], {}],
  ['an encoded subject', ['Subject: =?utf-8?Q?M=C3=A4rz?='], { subject: 'März' }],
  ['a subject in UTF-8', ['Subject: Счёт'], { subject: 'Счёт' }],
  [
    'folded fields',
    ['Subject: one', ' two', 'Message-ID:', '\t<1@b.test>'],
    { messageId: '1@b.test', subject: 'one two' },
  ],
  ['the first of two', ['Subject: one', 'Subject: two'], { subject: 'one' }],
  ['an id without brackets', ['Message-ID: 1@b.test'], { messageId: '1@b.test' }],
  ['empty ones', ['Subject:', 'Message-ID: <>'], {}],
  ['a long one', [`Subject: ${'x'.repeat(900)}`], { subject: 'x'.repeat(200) }],
] as const) {
  test(`a header section with ${what}`, () => {
    assert.deepEqual(identify(...lines), identity)
  })
}

test('a subject is not cut between the halves of a character', () => {
  const { subject = '' } = identify(`Subject: ${'x'.repeat(199)}😀😀`)
  assert.equal(subject, 'x'.repeat(199))
})

test('whatever the bytes, it comes to an end, and what it says is bounded', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), fc.boolean(), (bytes, isField) => {
      const { messageId = '', subject = '' } = identifyMessage(
        isField ? Buffer.concat([Buffer.from('Subject: '), bytes]) : bytes,
      )
      assert.ok(messageId.length <= 250 && subject.length <= 200)
    }),
  )
})
