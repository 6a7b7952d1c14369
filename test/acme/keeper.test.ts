// Certificates from an authority: issued, renewed in time with the same key, and what becomes of each thing that can go wrong.
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect } from 'node:tls'
import {
  beginAcmeCertificate,
  claimAcmeCertificate,
  renewAcmeCertificates,
} from '../../src/acme/operations.ts'
import { readIssued } from '../../src/acme/read-issued.ts'
import type { IssuingProblemSort } from '../../src/acme/records.ts'
import { listAlerts } from '../../src/alert/operations.ts'
import { createDomain } from '../../src/directory/domains.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { certificateCovers } from '../../src/tls/certificate.ts'
import { ensureGeneratedCertificate } from '../../src/tls/generated-certificate-file.ts'
import { tlsaOfKey } from '../../src/tls/tlsa-record.ts'
import type { Faults } from './acme-server.ts'
import { createWorld, dayMs, name, type World } from './world.ts'

async function lookAgain({ storage, clock, server }: World): Promise<void> {
  await storage.run(renewAcmeCertificates, { names: [name], now: clock.now() })
  await server.keeper.look()
}

for (const challenge of ['http-01', 'tls-alpn-01'] as const)
  test(`${challenge}: issued, and renewed at two thirds of its life for the same key`, async t => {
    const world = await createWorld(t, { acme: { challenge, contact: ['admin@example.test'] } })
    const { authority, clock, server, storage } = world
    await server.keeper.look()
    const first = await world.kept()
    assert.equal(first.problem, undefined)
    assert.deepEqual(authority.accounts, [
      { ...authority.accounts[0], contact: ['mailto:admin@example.test'] },
    ])
    const [shown] = await readIssued(storage, [name])
    assert.deepEqual(shown?.names, [name])
    assert.equal(new X509Certificate(shown?.certificatePem ?? '').checkHost(name), name)
    assert.match(shown?.certificatePem ?? '', /(BEGIN CERTIFICATE[^]*){2}/)

    // Before it is time nothing is asked for.
    clock.advance(50 * dayMs)
    const asked = authority.requests.length
    await server.keeper.look()
    assert.equal(authority.requests.length, asked)
    clock.advance(9 * dayMs)
    await server.keeper.look()
    const second = await world.kept()
    assert.notEqual(second.certificatePem, first.certificatePem)
    assert.equal(second.keyPem, first.keyPem)
    assert.equal(authority.issued.length, 2)
    assert.equal(authority.issued[0]?.keyDigest, authority.issued[1]?.keyDigest)
    assert.equal(authority.accounts.length, 1)
  })

test('the first key is that of the generated certificate, so that TLSA records stay right', async t => {
  const world = await createWorld(t)
  const generated = await ensureGeneratedCertificate(world.folder, name, world.clock.now())
  await world.server.keeper.look()
  assert.equal(tlsaOfKey((await world.kept()).keyPem), tlsaOfKey(generated.keyPem))
})

test('several names have a certificate each; of two servers one asks, whichever; the proof is answered by both', async t => {
  const names = [name, 'mail.example.org', 'mail.example.net']
  const world = await createWorld(t, { acme: { names } })
  const other = await world.addServer()
  await Promise.all([world.server.keeper.look(), other.keeper.look(), world.server.keeper.look()])
  assert.deepEqual(world.authority.issued.map(one => one.name).sort(), names.toSorted())
  assert.deepEqual(
    (await readIssued(world.storage, names)).map(one => one.names),
    names.map(one => [one]),
  )
  assert.equal(world.authority.accounts.length, 1)
})

test('dns-01: the program puts the record there and takes it away, with its arguments and without our environment', async t => {
  const records = (): string[] =>
    existsSync(join(world.folder, 'zone'))
      ? readFileSync(join(world.folder, 'zone'), 'utf8').trim().split('\n')
      : []
  const world: World = await createWorld(t, {
    acme: { challenge: 'dns-01', names: ['*.example.test'], hook: ['/bin/false'] },
    authority: {
      txt: asked =>
        records().flatMap(line => (line.startsWith(`add ${asked} `) ? [line.split(' ')[2] ?? ''] : [])),
    },
  })
  const hook = join(world.folder, 'hook; exit 1')
  const write = (lines: string): void => {
    writeFileSync(hook, `#!/bin/sh\n${lines}\n`)
    chmodSync(hook, 0o755)
  }
  write(
    `echo "$2 $3 $4 $1 $POSTRIDER_ACTION $POSTRIDER_NAME $POSTRIDER_DOMAIN [$POSTRIDER_SECRET]" >>"${world.folder}/zone"`,
  )
  process.env['POSTRIDER_SECRET'] = 'secret'
  t.after(() => delete process.env['POSTRIDER_SECRET'])
  const server = await world.addServer({ hook: [hook, '$(id) `id` "x'] })
  await server.keeper.look()
  const [shown] = await readIssued(world.storage, ['*.example.test'])
  assert.ok(shown && certificateCovers(shown, 'any.example.test'))
  const [added = '', removed = '', ...more] = records()
  assert.deepEqual(more, [])
  const value = added.split(' ')[2]
  const rest = `_acme-challenge.example.test ${value} $(id) \`id\` "x`
  assert.equal(added, `add ${rest} add _acme-challenge.example.test example.test []`)
  assert.equal(removed, `remove ${rest} remove _acme-challenge.example.test example.test []`)

  write('echo "the zone is locked" >&2; exit 3')
  await world.storage.run(renewAcmeCertificates, { names: ['*.example.test'], now: world.clock.now() })
  await server.keeper.look()
  const { problem, certificatePem } = await world.kept('*.example.test')
  assert.equal(problem?.sort, 'hook')
  assert.equal(problem.detail, `${hook} add: it ended with 3: the zone is locked`)
  assert.equal(certificatePem, shown.certificatePem)
})

test('what a server had begun when it stopped or died is begun anew by the next', async t => {
  const world = await createWorld(t)
  const { storage, clock, server } = world
  await storage.run(beginAcmeCertificate, { name, keyPem: 'none', now: clock.now() })
  const claim = {
    name,
    until: clock.now() + 20 * 60_000,
    now: clock.now(),
    directory: world.authority.directory,
  }
  assert.ok(await storage.run(claimAcmeCertificate, { ...claim, by: 'server-0' }))
  await server.keeper.look()
  assert.equal((await world.kept()).failures, 0)
  await server.keeper.stop()
  assert.ok(await storage.run(claimAcmeCertificate, { ...claim, by: 'dead' }))
  await server.keeper.start()
  await server.keeper.look()
  assert.equal((await world.kept()).failures, 1)
})

test('a proof that cannot be taken away costs nothing', async t => {
  const told: string[] = []
  const log = { ...silentLog, warn: (message: string) => void told.push(message) }
  const added = (): string[] =>
    existsSync(join(world.folder, 'zone'))
      ? readFileSync(join(world.folder, 'zone'), 'utf8').trim().split('\n')
      : []
  const world: World = await createWorld(t, {
    log,
    acme: { challenge: 'dns-01', hook: ['/bin/false'] },
    authority: { txt: () => added() },
  })
  const hook = join(world.folder, 'hook')
  writeFileSync(
    hook,
    `#!/bin/sh\nif [ "$1" = remove ]; then exit 1; fi\necho "$3" >>"${world.folder}/zone"\n`,
  )
  chmodSync(hook, 0o755)
  const server = await world.addServer({ hook: [hook] })
  await server.keeper.look()
  assert.equal((await world.kept()).problem, undefined)
  assert.deepEqual(told, ['what proved a name is not taken away'])
})

const rate = {
  status: 429,
  type: 'rateLimited',
  detail: 'too many certificates already issued',
  headers: { 'Retry-After': '7200' },
}

const faults: readonly (readonly [what: string, fault: Partial<Faults>, IssuingProblemSort, RegExp])[] = [
  ['a rate limit', { newOrder: rate }, 'rate-limited', /too many certificates/],
  ['a nonce that is never taken', { badNonces: 99 }, 'refused', /this nonce is none/],
  [
    'a firewall before the listener',
    { proof: { type: 'connection', detail: '192.0.2.1: Timeout during connect (likely firewall problem)' } },
    'http-01',
    /likely firewall problem/,
  ],
  [
    'a CAA record',
    { proof: { type: 'caa', detail: 'CAA record for example.test prevents issuance' } },
    'caa',
    /CAA record/,
  ],
  [
    'a name that it refuses',
    { newOrder: { status: 400, type: 'rejectedIdentifier', detail: 'forbidden by policy' } },
    'refused',
    /forbidden by policy/,
  ],
  [
    'a request that it refuses',
    { finalize: { status: 400, type: 'badCSR', detail: 'key is weak' } },
    'refused',
    /key is weak/,
  ],
  [
    'an order that it gives up',
    { invalidOrder: { type: 'serverInternal', detail: 'error finalizing order' } },
    'unreachable',
    /error finalizing order/,
  ],
  ['an authority that is down', { isDown: true }, 'unreachable', /answered 503/],
  ['a certificate for another name', { wrong: 'name' }, 'certificate', /for other\.example, and not for/],
  ['a certificate for another key', { wrong: 'key' }, 'certificate', /is not the key of/],
  ['a chain in disorder', { wrong: 'chain' }, 'certificate', /follows that of/],
]

for (const [what, fault, sort, detail] of faults)
  test(`${what}: what is in use stays, it is tried again later and later, and goes on when it is over`, async t => {
    const world = await createWorld(t)
    const { authority, clock, server } = world
    await server.keeper.look()
    const { certificatePem } = await world.kept()
    const sound = { ...authority.faults }
    const waits: number[] = []
    Object.assign(authority.faults, fault)
    await lookAgain(world)
    for (let n = 0; n < 2; n++) {
      const kept = await world.kept()
      assert.equal(kept.certificatePem, certificatePem)
      assert.equal(kept.problem?.sort, sort)
      assert.match(kept.problem.detail, detail)
      assert.equal(kept.failures, n + 1)
      const asked = authority.requests.length
      await server.keeper.look()
      assert.equal(authority.requests.length, asked, 'it is tried again before its time')
      waits.push(Math.round((kept.nextAt - clock.now()) / 60_000))
      clock.advance(kept.nextAt - clock.now())
      Object.assign(authority.faults, fault)
      await server.keeper.look()
    }
    const usual = [1, 11]
    assert.deepEqual(waits, sort === 'rate-limited' ? usual.map(wait => Math.max(wait, 126)) : usual)
    Object.assign(authority.faults, sound)
    await lookAgain(world)
    const mended = await world.kept()
    assert.notEqual(mended.certificatePem, certificatePem)
    assert.equal(mended.problem, undefined)
    assert.equal(mended.failures, 0)
  })

test('an authority that nobody reaches, and one that cannot be trusted', async t => {
  const world = await createWorld(t)
  await world.authority.close()
  await world.server.keeper.look()
  const { problem } = await world.kept()
  assert.equal(problem?.sort, 'unreachable')
  assert.match(
    problem.detail,
    /cannot be reached: refused; nothing listens on this port there \(ECONNREFUSED\)/,
  )
  const another = await createWorld(t, { acme: { caPem: undefined } })
  await another.server.keeper.look()
  const untrusted = (await another.kept()).problem
  assert.equal(untrusted?.sort, 'unreachable')
  assert.match(untrusted.detail, /certificate/)
})

test('a nonce that was used, and an order that takes its time, are nobody’s affair', async t => {
  const world = await createWorld(t)
  world.authority.faults.badNonces = 3
  world.authority.faults.pendingLooks = 5
  await world.server.keeper.look()
  assert.equal((await world.kept()).problem, undefined)
  assert.equal(world.authority.issued.length, 1)
})

test('an authority that has lost the account gets it again', async t => {
  const world = await createWorld(t)
  await world.server.keeper.look()
  world.authority.forgetAccounts()
  await lookAgain(world)
  assert.equal((await world.kept()).problem?.sort, 'account')
  await lookAgain(world)
  assert.equal((await world.kept()).problem, undefined)
  assert.equal(world.authority.accounts.length, 2)
})

test('an account that is bound to one of the authority’s, by the right key only', async t => {
  const hmacKey = Buffer.from('a key of the authority’s, as it was told').toString('base64url')
  const authority = { externalKeys: { 'kid-1': hmacKey } }
  const right = await createWorld(t, { acme: { externalAccount: { keyId: 'kid-1', hmacKey } }, authority })
  await right.server.keeper.look()
  assert.equal((await right.kept()).problem, undefined)
  assert.equal(right.authority.accounts[0]?.isBound, true)
  const wrong = await createWorld(t, {
    acme: { externalAccount: { keyId: 'kid-1', hmacKey: Buffer.from('another').toString('base64url') } },
    authority,
  })
  await wrong.server.keeper.look()
  assert.match((await wrong.kept()).problem?.detail ?? '', /the external account is not bound/)
  const none = await createWorld(t, { authority })
  await none.server.keeper.look()
  assert.equal((await none.kept()).problem?.sort, 'account')
})

test('an authority that does not offer this proof is told as that', async t => {
  const world = await createWorld(t, { authority: { challenges: ['dns-01'] } })
  await world.server.keeper.look()
  assert.match((await world.kept()).problem?.detail ?? '', /does not offer http-01 for this name, but dns-01/)
})

test('another authority in the settings: its certificate takes the place of the old one at once', async t => {
  const world = await createWorld(t)
  const other = await createWorld(t, {
    authority: { proofAt: () => ({ address: '127.0.0.1', port: moved.work.port() ?? 1 }) },
  })
  await world.server.keeper.look()
  const { certificatePem } = await world.kept()
  const moved = await world.addServer({ directory: other.authority.directory, caPem: other.authority.caPem })
  await moved.keeper.look()
  const kept = await world.kept()
  assert.equal(kept.directory, other.authority.directory)
  assert.notEqual(kept.certificatePem, certificatePem)
})

test('a clock that is wrong is told, and never a reason to ask again and again', async t => {
  const errors: string[] = []
  const log = { ...silentLog, error: (message: string) => void errors.push(message) }
  const real = Date.now()
  const world = await createWorld(t, { log, authority: { now: () => real } })
  world.clock.advance(200 * dayMs)
  await world.server.keeper.look()
  assert.equal(world.authority.issued.length, 1)
  assert.match(errors[0] ?? '', /the clock of this machine is wrong, or that of the authority/)
  for (let n = 0; n < 50; n++) {
    world.clock.advance(dayMs)
    await world.server.keeper.look()
  }
  assert.equal(world.authority.issued.length, 1)
})

test('a port that is taken is told, and tried again', async t => {
  const taken = createServer()
  await new Promise<void>(resolve => {
    taken.listen(0, '127.0.0.1', resolve)
  })
  const address = taken.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const world = await createWorld(t, { acme: { port } })
  await world.server.keeper.look()
  const { problem } = await world.kept()
  assert.equal(problem?.sort, 'port')
  assert.match(problem.detail, new RegExp(`Another program listens on 127\\.0\\.0\\.1:${port} already`))
  await new Promise(resolve => {
    taken.close(resolve)
  })
  await lookAgain(world)
  assert.equal((await world.kept()).problem, undefined)
})

test('alerts: at the second failure in a row where there is none yet, and later only when little is left', async t => {
  const world = await createWorld(t)
  const { authority, clock, server, storage } = world
  const alerts = async (): Promise<string[]> =>
    (await storage.run(listAlerts, { which: 'open' })).map(
      ({ kind, subject, evidence }) => `${kind} ${subject} ${evidence.sort}`,
    )
  authority.faults.newOrder = rate
  await server.keeper.look()
  await server.keeper.look()
  assert.deepEqual(await alerts(), [])
  clock.advance(3 * 3_600_000)
  await server.keeper.look()
  await server.keeper.look()
  assert.deepEqual(await alerts(), [`certificate-renewal ${name} rate-limited`])

  const renewing = await createWorld(t)
  await renewing.server.keeper.look()
  renewing.authority.faults.isDown = true
  const raised = async (): Promise<number> =>
    (await renewing.storage.run(listAlerts, { which: 'open' })).filter(
      ({ kind }) => kind === 'certificate-renewal',
    ).length
  // Renewed from day 57 on; a quarter of 90 days is left on day 67.
  renewing.clock.advance(57 * dayMs)
  for (let day = 58; day <= 66; day++) {
    renewing.clock.advance(dayMs)
    await renewing.server.keeper.look()
    assert.equal(await raised(), 0, `day ${day}`)
  }
  renewing.clock.advance(2 * dayMs)
  await renewing.server.keeper.look()
  const [alert] = await renewing.storage.run(listAlerts, { which: 'open' })
  assert.equal(
    alert?.evidence.validTo,
    new X509Certificate((await renewing.kept()).certificatePem ?? '').validToDate.getTime(),
  )
})

test('a new key is made a renewal ahead, and used when its TLSA record is published or none is', async t => {
  const world = await createWorld(t, { acme: { rotateKeyDays: 30 } })
  const { clock, server, tlsa } = world
  const at = `_25._tcp.${name}`
  await server.keeper.look()
  const { keyPem } = await world.kept()
  clock.advance(31 * dayMs)
  await server.keeper.look()
  const next = (await world.kept()).nextKey?.pem ?? ''
  assert.ok(next)
  // Published is the present one only: the new one would cut off whoever checks.
  tlsa.set(at, [tlsaOfKey(keyPem)])
  clock.advance(30 * dayMs)
  await server.keeper.look()
  assert.equal(world.authority.issued.length, 2)
  assert.equal((await world.kept()).keyPem, keyPem)
  tlsa.set(at, [tlsaOfKey(keyPem), tlsaOfKey(next)])
  clock.advance(60 * dayMs)
  await server.keeper.look()
  const rotated = await world.kept()
  assert.equal(rotated.keyPem, next)
  assert.equal(rotated.nextKey, undefined)
  assert.equal(rotated.keySince, clock.now())
})

test('for the hosts of the first hundred domains only is it asked, and the log says so once', async t => {
  const told: string[] = []
  const log = { ...silentLog, warn: (message: string) => void told.push(message) }
  const { server, storage, clock } = await createWorld(t, { log, tables: { mtaSts: {} } })
  const { names } = server.work.keeperOptions
  const create = (n: number) =>
    storage.run(createDomain, { name: `d${n}.test`, postmaster: undefined, at: clock.now() })
  for (let n = 0; n < 100; n++) await create(n)
  assert.equal((await names()).length, 101)
  assert.deepEqual(told, [])
  await create(100)
  for (let n = 0; n < 2; n++) assert.ok(!(await names()).includes('mta-sts.d100.test'))
  assert.equal(told.length, 1)
  assert.match(told[0] ?? '', /the first 100 domains only/)
})

test('the HTTP listener answers what was asked for, and nothing else', async t => {
  const world = await createWorld(t)
  const base = `http://127.0.0.1:${world.server.work.port()}`
  const statuses = await Promise.all(
    [
      '/',
      '/.well-known/acme-challenge/',
      '/.well-known/acme-challenge/unknown-token-unknown-token',
      '/.well-known/acme-challenge/../../etc/passwd',
      `/.well-known/acme-challenge/${'x'.repeat(5000)}`,
    ].map(async path => (await fetch(base + path)).status),
  )
  assert.deepEqual(statuses, [404, 404, 404, 404, 404])
  assert.equal((await fetch(base, { method: 'POST', body: 'x' })).status, 405)
})

test('the TLS listener shows a certificate to nobody but the authority, for a name that is asked for', async t => {
  const world = await createWorld(t, { acme: { challenge: 'tls-alpn-01' } })
  const port = world.server.work.port() ?? 0
  const shake = (options: object): Promise<string> =>
    new Promise(resolve => {
      const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options }, () => {
        resolve('shaken')
        socket.destroy()
      })
      socket.on('error', (cause: NodeJS.ErrnoException) => resolve(cause.code ?? cause.message))
    })
  assert.notEqual(await shake({ servername: name }), 'shaken')
  assert.notEqual(await shake({ servername: name, ALPNProtocols: ['acme-tls/1'] }), 'shaken')
  assert.equal(
    await shake({ servername: name, ALPNProtocols: ['http/1.1'] }),
    'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
  )
  assert.notEqual(await shake({ ALPNProtocols: ['acme-tls/1'] }), 'shaken')
})
