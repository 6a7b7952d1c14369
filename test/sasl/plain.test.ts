// PLAIN (RFC 4616): [authzid] NUL authcid NUL password, and whatever else clients send.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { SaslStep } from '../../src/sasl/mechanism.ts'
import { plain } from '../../src/sasl/plain.ts'
import { anyConnection } from './connection.ts'

const start = (message: string | Uint8Array): SaslStep => plain.start(Buffer.from(message), anyConnection)

function credentials(name: string, password: string): SaslStep {
  return { kind: 'credentials', credentials: { name, password } }
}

// RFC 4616 §4, and what it allows.
for (const { what, message, name, password } of [
  {
    what: 'the example of the RFC',
    message: '\0tim\0tanstaaftanstaaf',
    name: 'tim',
    password: 'tanstaaftanstaaf',
  },
  { what: 'the own name as identity', message: 'tim\0tim\0secret', name: 'tim', password: 'secret' },
  {
    what: 'UTF-8',
    message: '\0анна@пример.испытание\0пароль ☃',
    name: 'анна@пример.испытание',
    password: 'пароль ☃',
  },
  { what: 'blanks at the ends are meant', message: '\0 tim \0 secret ', name: ' tim ', password: ' secret ' },
  { what: 'one character each', message: '\0a\0b', name: 'a', password: 'b' },
]) {
  test(`credentials: ${what}`, () => {
    assert.deepEqual(start(message), credentials(name, password))
  })
}

test('without an initial response it asks with nothing, and then takes the same message', () => {
  const asked = plain.start(undefined, anyConnection)
  assert.ok(asked.kind === 'challenge')
  assert.equal(asked.data, '')
  assert.deepEqual(asked.next(Buffer.from('\0tim\0secret')), credentials('tim', 'secret'))
  assert.deepEqual(asked.next(Buffer.alloc(0)), { kind: 'malformed' })
})

test('to act for somebody else is denied, whatever the password', () => {
  for (const message of ['Ursel\0Kurt\0xipj3plmq', 'kurt\0Kurt\0x', 'Kurt \0Kurt\0x'])
    assert.deepEqual(start(message), {
      kind: 'denied',
      problem: 'other-identity',
      name: message.split('\0')[1],
    })
})

for (const { what, message } of [
  { what: 'empty', message: '' },
  { what: 'no NUL', message: 'tim' },
  { what: 'one NUL', message: 'tim\0secret' },
  { what: 'three NULs', message: '\0tim\0secret\0' },
  { what: 'a NUL within the password', message: '\0tim\0sec\0ret' },
  { what: 'only NULs', message: '\0\0' },
  { what: 'no name', message: '\0\0secret' },
  { what: 'an identity and no name', message: 'tim\0\0secret' },
  { what: 'no password', message: '\0tim\0' },
  { what: 'a name that is no UTF-8', message: Buffer.from('\0t\xefm\0secret', 'latin1') },
  { what: 'a password that is no UTF-8', message: Buffer.from('\0tim\0s\xe9cret', 'latin1') },
  { what: 'a surrogate as UTF-8', message: Buffer.from('0074696d00eda080', 'hex') },
  { what: 'UTF-8 that ends too early', message: Buffer.from('\0tim\0secret\xd0', 'latin1') },
  { what: 'a NUL in two octets', message: Buffer.from('\xc0\x80tim\0secret', 'latin1') },
  { what: 'UTF-16', message: Buffer.from('\0tim\0secret', 'utf16le') },
]) {
  test(`malformed: ${what}`, () => {
    assert.deepEqual(start(message), { kind: 'malformed' })
  })
}

test('any name and password without NUL come through as they are', () => {
  const text = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 40 })
    .map(value => value.toWellFormed().replaceAll('\0', 'x'))
  fc.assert(
    fc.property(text, text, fc.boolean(), (name, password, withIdentity) => {
      assert.deepEqual(
        start(`${withIdentity ? name : ''}\0${name}\0${password}`),
        credentials(name, password),
      )
    }),
  )
})

test('any bytes give a step, and never half of the credentials', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc
      .array(fc.constantFrom(0, 0x61, 0xd0, 0xbf, 0xff), { maxLength: 12 })
      .map(list => Uint8Array.from(list)),
  )
  fc.assert(
    fc.property(bytes, message => {
      const step = start(message)
      assert.notEqual(step.kind, 'challenge')
      if (step.kind !== 'credentials') return
      const { name, password } = step.credentials
      assert.ok(name !== '' && password !== '' && !`${name}${password}`.includes('\0'))
      assert.ok(Buffer.from(message).equals(Buffer.from(`\0${name}\0${password}`)) || message[0] !== 0)
    }),
    { numRuns: 2000 },
  )
})
