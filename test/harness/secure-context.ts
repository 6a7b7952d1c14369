// A certificate of the tests' own, made once a process.
import { createSecureContext, type SecureContext } from 'node:tls'
import { generate } from 'selfsigned'

const made = await generate([{ name: 'commonName', value: 'mail.example.test' }], {
  keyType: 'ec',
  curve: 'P-256',
  algorithm: 'sha256',
})

const context = createSecureContext({ cert: made.cert, key: made.private })

export function testSecureContext(): SecureContext {
  return context
}
