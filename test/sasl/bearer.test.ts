// OAUTHBEARER (RFC 7628) and XOAUTH2: what clients send, and what is none of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { oauthBearer, xoauth2 } from '../../src/sasl/bearer.ts'
import type { SaslMechanism, SaslStep } from '../../src/sasl/mechanism.ts'
import { anyConnection } from './connection.ts'

const start = (mechanism: SaslMechanism, message: string | Uint8Array): SaslStep =>
  mechanism.start(Buffer.from(message), anyConnection)

function tokenOf(step: SaslStep): { readonly name: string; readonly token: string | undefined } {
  assert.ok(step.kind === 'token', step.kind)
  return { name: step.name, token: step.token }
}

// RFC 7628 §4.1, §4.3, and what it allows.
for (const { what, message, name, token } of [
  {
    what: 'the example of the RFC',
    message:
      'n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01',
    name: 'user@example.com',
    token: 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==',
  },
  { what: 'no name', message: 'n,,\x01auth=Bearer a.b.c\x01\x01', name: '', token: 'a.b.c' },
  {
    what: 'a name with what is escaped',
    message: 'y,a=a=2Cb=3Dc@x.test,\x01auth=bearer  a.b-c_d~e/f+g=\x01\x01',
    name: 'a,b=c@x.test',
    token: 'a.b-c_d~e/f+g=',
  },
  { what: 'the question what would be taken', message: 'n,,\x01auth=\x01\x01', name: '', token: undefined },
]) {
  test(`OAUTHBEARER: ${what}`, () => {
    assert.deepEqual(tokenOf(start(oauthBearer, message)), { name, token })
    const asked = oauthBearer.start(undefined, anyConnection)
    assert.ok(asked.kind === 'challenge')
    assert.deepEqual(tokenOf(asked.next(Buffer.from(message))), { name, token })
  })
}

test('XOAUTH2: a name and a token', () => {
  assert.deepEqual(tokenOf(start(xoauth2, 'user=anna@x.test\x01auth=Bearer a.b.c\x01\x01')), {
    name: 'anna@x.test',
    token: 'a.b.c',
  })
})

for (const { what, message } of [
  { what: 'empty', message: '' },
  { what: 'channel binding, which it does not have', message: 'p=tls-exporter,,\x01auth=Bearer a\x01\x01' },
  { what: 'no header', message: '\x01auth=Bearer a\x01\x01' },
  { what: 'a header without its last comma', message: 'n,a=anna\x01auth=Bearer a\x01\x01' },
  { what: 'no end', message: 'n,,\x01auth=Bearer a\x01' },
  { what: 'no auth', message: 'n,,\x01host=x\x01\x01' },
  { what: 'two tokens', message: 'n,,\x01auth=Bearer a\x01auth=Bearer b\x01\x01' },
  { what: 'another scheme', message: 'n,,\x01auth=Basic YTpi\x01\x01' },
  { what: 'a token with a blank', message: 'n,,\x01auth=Bearer a b\x01\x01' },
  { what: 'no token behind the scheme', message: 'n,,\x01auth=Bearer \x01\x01' },
  { what: 'no UTF-8', message: Buffer.from('n,a=\xe9,\x01auth=Bearer a\x01\x01', 'latin1') },
  { what: 'a name wrongly escaped', message: 'n,a=a=b,\x01auth=Bearer a\x01\x01' },
]) {
  test(`OAUTHBEARER, malformed: ${what}`, () => {
    assert.deepEqual(start(oauthBearer, message), { kind: 'malformed' })
  })
}

for (const message of [
  '',
  'user=\x01auth=Bearer a\x01\x01',
  'auth=Bearer a\x01\x01',
  'user=anna\x01\x01',
  'user=anna',
])
  test(`XOAUTH2, malformed: ${JSON.stringify(message)}`, () => {
    assert.deepEqual(start(xoauth2, message), { kind: 'malformed' })
  })

test('what the client is told of a refused token (RFC 7628 §3.2.2)', () => {
  const step = start(oauthBearer, 'n,,\x01auth=Bearer a\x01\x01')
  assert.ok(step.kind === 'token')
  const configuration = 'https://sso.test/.well-known/openid-configuration'
  assert.equal(
    step.explain({ isScopeMissing: false, scope: 'mail', configuration }),
    `{"status":"invalid_token","scope":"mail","openid-configuration":"${configuration}"}`,
  )
  assert.equal(
    step.explain({ isScopeMissing: true, scope: 'mail' }),
    '{"status":"insufficient_scope","scope":"mail"}',
  )
})

test('any bytes give a step, and never a token with what no token has', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc
      .array(fc.constantFrom('n,', ',', '\x01', 'auth=', 'user=a', 'Bearer ', 'x', '\0', 'é'), {
        maxLength: 12,
      })
      .map(parts => Buffer.from(parts.join(''))),
  )
  fc.assert(
    fc.property(bytes, fc.constantFrom(oauthBearer, xoauth2), (message, mechanism) => {
      const step = start(mechanism, message)
      if (step.kind !== 'token' || step.token === undefined) return
      assert.match(step.token, /^[A-Za-z0-9._~+/-]+=*$/)
    }),
    { numRuns: 2000 },
  )
})
