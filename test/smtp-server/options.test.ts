// What a program gets wrong in the options of a server is said at once, with a code, and nothing is open then.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSmtpServer } from '../../src/smtp/server/create-smtp-server.ts'
import type { SmtpServerOptions } from '../../src/smtp/server/options.ts'

const relay = { role: 'relay', address: '127.0.0.1', port: 0 } as const

const sound: SmtpServerOptions = {
  hostname: 'mail.example.test',
  listeners: [relay],
  services: { receive: () => ({ code: 550, enhanced: '5.7.1', lines: ['No'] }) },
}

const wrong: readonly (readonly [what: string, options: object, code: string, message: RegExp])[] = [
  [
    'a hostname of two words and lines',
    { hostname: 'a b\r\n' },
    'HOSTNAME_SYNTAX',
    /"a b\\r\\n" is no hostname/,
  ],
  ['no hostname', { hostname: undefined }, 'HOSTNAME_SYNTAX', /undefined/],
  ['a hostname in other letters', { hostname: 'почта.рф' }, 'HOSTNAME_SYNTAX', /xn--/],
  ['no receive', { services: {} }, 'SERVICE_MISSING', /services\.receive/],
  ['no services', { services: undefined }, 'SERVICE_MISSING', /services\.receive/],
  [
    'a service that is no function',
    { services: { ...sound.services, verify: true } },
    'SERVICE_UNUSABLE',
    /services\.verify/,
  ],
  ['no listeners', { listeners: undefined }, 'LISTENERS_MISSING', /array/],
  [
    'an unknown role',
    { listeners: [{ ...relay, role: 'foo' }] },
    'ROLE_UNKNOWN',
    /listeners\[0\]\.role is "foo"/,
  ],
  [
    'a port too high',
    { listeners: [relay, { ...relay, port: 99_999 }] },
    'LISTEN_PORT',
    /listeners\[1\]\.port is 99999/,
  ],
  ['a port as text', { listeners: [{ ...relay, port: '25' }] }, 'LISTEN_PORT', /"25"/],
  ['no address', { listeners: [{ ...relay, address: '' }] }, 'LISTEN_ADDRESS', /127\.0\.0\.1/],
  ['a limit below one', { limits: { maxRecipients: -1 } }, 'LIMIT_RANGE', /limits\.maxRecipients is -1/],
  ['a limit that is no number', { limits: { maxMessageBytes: Number.NaN } }, 'LIMIT_RANGE', /NaN/],
  ['a limit that there is not', { limits: { maxRecipient: 5 } }, 'LIMIT_UNKNOWN', /maxRecipients/],
  [
    'a time that cannot be',
    { transferExtensions: { priority: true, deliverBy: false, maxHoldSeconds: -5 } },
    'LIMIT_RANGE',
    /maxHoldSeconds/,
  ],
  ['no certificate', { tls: {} }, 'TLS_UNUSABLE', /secureContext/],
  ['a network that is none', { localNetworks: ['here'] }, 'NETWORK_SYNTAX', /"here"/],
]

for (const [what, options, code, message] of wrong) {
  test(`refused: ${what}`, () => {
    const given = { ...sound, ...options } as SmtpServerOptions
    assert.throws(() => createSmtpServer(given), { name: 'UsageFault', code, message })
  })
}

test('a server listens once, and not after it was closed', async () => {
  const server = createSmtpServer(sound)
  assert.equal((await server.listen()).length, 1)
  const twice = { name: 'UsageFault', code: 'LISTEN_TWICE' }
  await assert.rejects(server.listen(), twice)
  await server.close()
  await assert.rejects(server.listen(), twice)
  const closed = createSmtpServer(sound)
  await closed.close()
  await assert.rejects(closed.listen(), twice)
})
