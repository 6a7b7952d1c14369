// When an account sends as a stranger with its password would, and when it does not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeSuspicion, judgeSending, type SendingFigures } from '../../src/sending/judge-sending.ts'

const quiet: SendingFigures = {
  recipients: 10,
  newRecipients: 2,
  ended: 40,
  failed: 1,
  before: { busiestHour: 12, ended: 900, failed: 9 },
}

const cases: readonly (readonly [
  what: string,
  figures: Partial<SendingFigures>,
  expected: string | undefined,
])[] = [
  ['a usual day', {}, undefined],
  ['a flood to strangers', { recipients: 100, newRecipients: 95 }, 'rate'],
  ['a little less', { recipients: 99, newRecipients: 99 }, undefined],
  ['much to people it knows', { recipients: 2000, newRecipients: 999 }, undefined],
  ['half of much to strangers', { recipients: 2000, newRecipients: 1000 }, 'rate'],
  [
    'as much as it has sent before',
    { recipients: 400, newRecipients: 400, before: { busiestHour: 100, ended: 0, failed: 0 } },
    undefined,
  ],
  [
    'five times that',
    { recipients: 500, newRecipients: 400, before: { busiestHour: 100, ended: 0, failed: 0 } },
    'rate',
  ],
  [
    'an announcement of a newcomer',
    { recipients: 250, newRecipients: 250, before: { busiestHour: 0, ended: 0, failed: 0 } },
    undefined,
  ],
  [
    'a flood of a newcomer',
    { recipients: 300, newRecipients: 300, before: { busiestHour: 0, ended: 0, failed: 0 } },
    'rate',
  ],
  ['a dead list', { ended: 100, failed: 30 }, 'failures'],
  ['few dead addresses', { ended: 40, failed: 29 }, undefined],
  ['a small part', { ended: 1000, failed: 290 }, undefined],
  [
    'as bad as ever',
    { ended: 100, failed: 35, before: { busiestHour: 12, ended: 100, failed: 20 } },
    undefined,
  ],
]

for (const [what, figures, expected] of cases) {
  test(`${what}: ${expected ?? 'nothing to suspect'}`, () => {
    assert.equal(judgeSending({ ...quiet, ...figures }, false), expected)
  })
}

test('a mailing of a bulk sender is no reason to suspect anything, a list that was never cleaned is', () => {
  const mailing = { ...quiet, recipients: 100_000, newRecipients: 100_000, ended: 90_000, failed: 9000 }
  assert.equal(judgeSending(mailing, true), undefined)
  assert.equal(judgeSending({ ...mailing, failed: 45_000 }, true), 'failures')
})

test('the record says the figures', () => {
  assert.equal(
    describeSuspicion('rate', { ...quiet, recipients: 400, newRecipients: 390 }),
    '400 recipients elsewhere within two hours, 390 of them never written to before; the busiest hour of the 30 days before had 12',
  )
})
