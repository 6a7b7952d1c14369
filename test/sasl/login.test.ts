// LOGIN (draft-murchison-sasl-login): a question for the name, one for the password.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { login } from '../../src/sasl/login.ts'
import type { SaslStep } from '../../src/sasl/mechanism.ts'
import { anyConnection } from './connection.ts'

/** Answers one question after the other; the last step, and the questions. */
function answer(answers: readonly (string | Uint8Array)[], initial?: string | Uint8Array) {
  let step: SaslStep = login.start(initial === undefined ? undefined : Buffer.from(initial), anyConnection)
  const questions: string[] = []
  for (const each of answers) {
    assert.ok(step.kind === 'challenge')
    questions.push(Buffer.from(step.data).toString())
    step = step.next(Buffer.from(each))
  }
  return { step, questions }
}

const both = ['Username:', 'Password:']

for (const { what, name, password } of [
  { what: 'as usual', name: 'anna@example.test', password: 'secret' },
  { what: 'UTF-8', name: 'анна@пример.испытание', password: 'пароль ☃' },
  { what: 'blanks are meant', name: ' anna ', password: ' ' },
]) {
  test(`name and password: ${what}`, () => {
    const { step, questions } = answer([name, password])
    assert.deepEqual(step, { kind: 'credentials', credentials: { name, password } })
    assert.deepEqual(questions, both)
  })

  test(`the name as initial response: ${what}`, () => {
    const { step, questions } = answer([password], name)
    assert.deepEqual(step, { kind: 'credentials', credentials: { name, password } })
    assert.deepEqual(questions, ['Password:'])
  })
}

for (const { what, bytes } of [
  { what: 'empty', bytes: '' },
  { what: 'no UTF-8', bytes: Buffer.from('ann\xe1', 'latin1') },
  { what: 'a surrogate as UTF-8', bytes: Buffer.from('eda080', 'hex') },
  { what: 'UTF-8 that ends too early', bytes: Buffer.from('ann\xd0', 'latin1') },
]) {
  test(`malformed: ${what}`, () => {
    assert.deepEqual(answer([bytes]).step, { kind: 'malformed' })
    assert.deepEqual(answer([], bytes).step, { kind: 'malformed' })
    assert.deepEqual(answer(['anna', bytes]).step, { kind: 'malformed' })
    assert.deepEqual(answer([bytes], 'anna').step, { kind: 'malformed' })
  })
}

test('the name of one exchange is not the name of the next', () => {
  const first = login.start(Buffer.from('anna'), anyConnection)
  const second = login.start(Buffer.from('boris'), anyConnection)
  assert.ok(first.kind === 'challenge' && second.kind === 'challenge')
  const step = first.next(Buffer.from('secret'))
  assert.ok(step.kind === 'credentials')
  assert.equal(step.credentials.name, 'anna')
})

test('any bytes end in credentials or in malformed, after two answers at most', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 20 }), (name, password) => {
      const asked = answer([name]).step
      if (asked.kind === 'malformed') return
      const { step } = answer([name, password])
      if (step.kind === 'malformed') return
      assert.ok(step.kind === 'credentials')
      assert.ok(Buffer.from(step.credentials.name).equals(name))
      assert.ok(Buffer.from(step.credentials.password).equals(password))
    }),
    { numRuns: 1000 },
  )
})
