// What a program gets wrong in the options of a server is said at once, with a code, and nothing is open then.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSecureContext, type SecureContext } from 'node:tls'
import { type Clock, systemClock, type Timer } from '../../src/runtime/clock.ts'
import { type Log, silentLog } from '../../src/runtime/log.ts'
import type { Random } from '../../src/runtime/random.ts'
import { replies } from '../../src/smtp/replies.ts'
import type { Reply } from '../../src/smtp/reply.ts'
import { createSmtpServer } from '../../src/smtp/server/create-smtp-server.ts'
import { defaultLimits, type SmtpServerOptions } from '../../src/smtp/server/options.ts'
import type { SessionServices } from '../../src/smtp/server/services.ts'
import { openConnection } from '../harness/raw-connection.ts'

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
    /^hostname is "a b\\r\\n"; it has to be one word/,
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
    { transferExtensions: { maxPriority: 9, deliverBy: false, maxHoldSeconds: -5 } },
    'LIMIT_RANGE',
    /maxHoldSeconds/,
  ],
  ['no certificate', { tls: {} }, 'TLS_UNUSABLE', /secureContext/],
  ['a network that is none', { localNetworks: ['here'] }, 'NETWORK_SYNTAX', /^localNetworks\[0\] is "here"/],
  [
    'networks that are no array',
    { localNetworks: '::1' },
    'NETWORK_SYNTAX',
    /^localNetworks is "::1"; .*array/,
  ],
  [
    'a balancer that is no network',
    { listeners: [{ ...relay, proxyFrom: ['::1', 'balancer'] }] },
    'NETWORK_SYNTAX',
    /^listeners\[0\]\.proxyFrom\[1\] is "balancer"/,
  ],
  [
    'balancers that are no array',
    { listeners: [{ ...relay, proxyFrom: '10.0.0.0/8' }] },
    'NETWORK_SYNTAX',
    /^listeners\[0\]\.proxyFrom is "10\.0\.0\.0\/8"; .*array/,
  ],
  [
    'an address that is a name',
    { listeners: [{ ...relay, address: 'localhost' }] },
    'LISTEN_ADDRESS',
    /^listeners\[0\]\.address is "localhost"; it has to be an IP address/,
  ],
  [
    'submissions without a certificate',
    { listeners: [relay, { ...relay, role: 'submissions' }] },
    'TLS_MISSING',
    /^listeners\[1\].* tls/,
  ],
  [
    'LMTP for everybody',
    { listeners: [{ ...relay, role: 'lmtp' }] },
    'CLIENTS_MISSING',
    /^listeners\[0\] is for lmtp, .*say in clients .*, or give a path/,
  ],
  [
    'LMTP for nobody',
    { listeners: [{ ...relay, role: 'lmtp', clients: [] }] },
    'CLIENTS_MISSING',
    /^listeners\[0\] is for lmtp/,
  ],
  [
    'LMTP on the port of SMTP',
    { listeners: [{ ...relay, role: 'lmtp', port: 25, clients: ['::1'] }] },
    'LISTEN_PORT',
    /^listeners\[0\] is for lmtp, which must not be on port 25/,
  ],
  [
    'a client that is no network',
    { listeners: [{ ...relay, clients: ['front'] }] },
    'NETWORK_SYNTAX',
    /^listeners\[0\]\.clients\[0\] is "front"/,
  ],
  [
    'a UNIX socket for SMTP',
    { listeners: [{ role: 'relay', path: '/run/relay' }] },
    'ROLE_UNKNOWN',
    /^listeners\[0\]\.role is "relay"; .*lmtp/,
  ],
  [
    'a path from nowhere',
    { listeners: [{ role: 'lmtp', path: 'lmtp' }] },
    'LISTEN_ADDRESS',
    /^listeners\[0\]\.path is "lmtp"; .*an absolute path/,
  ],
  ['a listener that is none', { listeners: [null] }, 'OPTION_VALUE', /^listeners\[0\] is null; .*an object/],
  [
    'a reusePort of words',
    { listeners: [{ ...relay, reusePort: 'yes' }] },
    'OPTION_VALUE',
    /reusePort is "yes"/,
  ],
  ['sockets that are no array', { listeners: [{ ...relay, sockets: 3 }] }, 'OPTION_VALUE', /sockets is 3/],
  ['a greeting of another type', { greeting: 5 }, 'OPTION_VALUE', /^greeting is 5; it has to be a text/],
  [
    'a text for a truth',
    { verifyForEveryone: 'no' },
    'OPTION_VALUE',
    /^verifyForEveryone is "no"; .*true or false/,
  ],
  [
    'a number for a truth',
    { allowPlaintextAuthOnLoopback: 1 },
    'OPTION_VALUE',
    /^allowPlaintextAuthOnLoopback is 1/,
  ],
  ['null for a truth', { offersRequireTls: null }, 'OPTION_VALUE', /^offersRequireTls is null/],
  [
    'an array for a truth',
    { allowMissingAngleBrackets: [] },
    'OPTION_VALUE',
    /^allowMissingAngleBrackets is an array/,
  ],
  ['limits that are none', { limits: 10 }, 'OPTION_VALUE', /^limits is a number; .*an object/],
  ['a clock without hands', { clock: {} }, 'OPTION_VALUE', /^clock\.now is undefined; .*a function/],
  ['a function for a log', { log: console.log }, 'OPTION_VALUE', /^log is a function; .*an object/],
  [
    'a log without a level',
    { log: { ...silentLog, warn: undefined } },
    'OPTION_VALUE',
    /^log\.warn is undefined/,
  ],
  ['no dice', { random: Math.random }, 'OPTION_VALUE', /^random is a function/],
  ['no counts', { connectionCounts: new Map() }, 'OPTION_VALUE', /^connectionCounts\.add is undefined/],
  [
    'half of the extensions',
    { transferExtensions: { maxPriority: 9, maxHoldSeconds: 0 } },
    'OPTION_VALUE',
    /^transferExtensions\.deliverBy is undefined/,
  ],
  ['an unknown option', { hostName: 'a.example' }, 'OPTION_UNKNOWN', /^hostName is not known.* hostname\?$/],
  [
    'an option like no other',
    { banner: 'Hello' },
    'OPTION_UNKNOWN',
    /^banner is not known here\. There are hostname, .*log\.$/,
  ],
  [
    'a service with a wrong letter',
    { services: { ...sound.services, acceptForwardpath: () => replies.noSuchMailbox('a@b.example') } },
    'SERVICE_UNKNOWN',
    /^services\.acceptForwardpath is not known here\. Did you mean acceptForwardPath\?$/,
  ],
  [
    'an unknown setting of a listener',
    { listeners: [{ ...relay, proxyfrom: ['::1'] }] },
    'OPTION_UNKNOWN',
    /^listeners\[0\]\.proxyfrom .* proxyFrom\?$/,
  ],
  [
    'an unknown setting of TLS',
    { tls: { secureContext: () => createSecureContext(), minVersion: 'TLSv1.3' } },
    'OPTION_UNKNOWN',
    /^tls\.minVersion/,
  ],
  [
    'an unknown extension',
    { transferExtensions: { maxPriority: 9, deliverBy: true, maxHoldSeconds: 0, futureRelease: true } },
    'OPTION_UNKNOWN',
    /^transferExtensions\.futureRelease/,
  ],
]

for (const [what, options, code, message] of wrong) {
  test(`refused: ${what}`, () => {
    const given = { ...sound, ...options } as SmtpServerOptions
    assert.throws(() => createSmtpServer(given), { name: 'UsageFault', code, message })
  })
}

test('refused: no options at all', () => {
  for (const [options, kind] of [
    [undefined, 'undefined'],
    [null, 'null'],
    ['mail.example.test', 'a string'],
    [[], 'an array'],
  ] as const)
    assert.throws(() => Reflect.apply(createSmtpServer, undefined, [options]), {
      name: 'UsageFault',
      code: 'OPTION_VALUE',
      message: `The argument is ${kind}; it has to be an object.`,
    })
})

test('what is undefined has its default', async () => {
  const options = {
    ...sound,
    greeting: undefined,
    limits: { maxMessageBytes: undefined, maxRecipients: 7 },
    tls: undefined,
    allowPlaintextAuthOnLoopback: undefined,
    localNetworks: undefined,
    verifyForEveryone: undefined,
    offersRequireTls: undefined,
    allowMissingAngleBrackets: undefined,
    transferExtensions: undefined,
    connectionCounts: undefined,
    clock: undefined,
    random: undefined,
    log: undefined,
    listeners: [{ ...relay, proxyFrom: undefined, reusePort: undefined, sockets: undefined }],
    services: { ...sound.services, verify: undefined },
  } as unknown as SmtpServerOptions
  const server = createSmtpServer(options)
  const [listener] = await server.listen()
  const connection = await openConnection(listener?.port ?? 0)
  await connection.reply()
  const hello = await connection.command('EHLO client.example.org')
  assert.ok(hello)
  assert.ok(hello.lines.includes(`SIZE ${defaultLimits.maxMessageBytes}`))
  assert.ok(hello.lines.some(line => line.startsWith('LIMITS ') && line.includes('RCPTMAX=7')))
  await server.close()
})

test('instances of classes serve, whatever else they have', async () => {
  class House implements SessionServices {
    readonly rooms = 3
    receive(): Reply {
      return replies.noSuchMailbox('boris@example.test')
    }
    hello(): Reply | undefined {
      return this.rooms === 3 ? replies.shuttingDown('mail.example.test') : undefined
    }
  }
  class Instruments implements Clock, Log, Random {
    readonly #isDebugEnabled = false
    readonly maker = 'the test'
    get isDebugEnabled(): boolean {
      return this.#isDebugEnabled
    }
    now(): number {
      return systemClock.now()
    }
    after(ms: number, callback: () => void): Timer {
      return systemClock.after(ms, callback)
    }
    every(ms: number, callback: () => void): Timer {
      return systemClock.every(ms, callback)
    }
    bytes(count: number): Uint8Array {
      return new Uint8Array(count)
    }
    fraction(): number {
      return 0
    }
    debug(): void {}
    info(): void {}
    warn(): void {}
    error(): void {}
  }
  const own = new Instruments()
  const certificates = new (class {
    readonly files = []
    secureContext(): SecureContext {
      return createSecureContext()
    }
  })()
  const server = createSmtpServer({
    ...sound,
    services: new House(),
    tls: certificates,
    clock: own,
    log: own,
    random: own,
  })
  const [listener] = await server.listen()
  const connection = await openConnection(listener?.port ?? 0)
  await connection.reply()
  assert.equal((await connection.command('EHLO client.example.org'))?.code, 421)
  await server.close()
})

test('the members of a class are looked at too', () => {
  class House {
    receive(): Reply {
      return replies.noSuchMailbox('boris@example.test')
    }
    get verify(): string {
      return 'everybody'
    }
  }
  assert.throws(() => createSmtpServer({ ...sound, services: new House() as unknown as SessionServices }), {
    code: 'SERVICE_UNUSABLE',
    message: /^services\.verify is "everybody"/,
  })
})

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
