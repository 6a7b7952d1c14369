// From a domain to the servers to ask, over a real resolver and the zones of the test (RFC 5321 §5.1, RFC 7505).
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createResolver } from '../../src/dns/resolver.ts'
import {
  domainDestination,
  hostDestination,
  relayedDestination,
  smartHostDestination,
} from '../../src/routing/destination.ts'
import { createServerFinder, type ServerFinder } from '../../src/routing/find-servers.ts'
import { createOwnEndpoints } from '../../src/routing/own-endpoints.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { type Random, systemRandom } from '../../src/runtime/random.ts'
import { startDnsServer } from '../harness/dns-server.ts'

interface FinderOptions {
  readonly zone: readonly string[]
  readonly ipv6?: boolean
  readonly fails?: string
  readonly random?: Random
}

async function finder(
  t: TestContext,
  { zone, ipv6 = true, fails, random = systemRandom }: FinderOptions,
): Promise<ServerFinder> {
  const server = await startDnsServer(zone)
  t.after(() => server.close())
  if (fails) server.setBehaviour(fails, 'SERVFAIL')
  return createServerFinder({
    resolver: createResolver({ servers: [server], clock: systemClock, random: systemRandom }),
    own: createOwnEndpoints({
      hostname: 'mail.example.test',
      listeners: [{ address: '192.0.2.99', port: 25 }],
    }),
    random,
    port: 25,
    ipv6,
  })
}

async function addresses(find: ServerFinder, domain: string): Promise<string[]> {
  const found = await find(domainDestination(domain))
  return found.kind === 'servers' ? found.servers.map(server => server.address) : [found.diagnosis.status]
}

const threeHosts = [
  'example.org MX 20 b.example.org',
  'example.org MX 10 a.example.org',
  'example.org MX 30 c.example.org',
  'a.example.org A 192.0.2.1',
  'a.example.org AAAA 2001:db8::1',
  'b.example.org A 192.0.2.2',
  'b.example.org A 192.0.2.3',
  'c.example.org A 192.0.2.4',
]

test('every address of every host, by preference', async t => {
  const find = await finder(t, { zone: threeHosts })
  assert.deepEqual(await addresses(find, 'example.org'), [
    '2001:db8::1',
    '192.0.2.1',
    '192.0.2.2',
    '192.0.2.3',
    '192.0.2.4',
  ])
})

test('no IPv6 when the settings say so', async t => {
  const find = await finder(t, { zone: threeHosts, ipv6: false })
  assert.deepEqual(await addresses(find, 'example.org'), ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'])
})

test('equals are tried in an order that changes', async t => {
  const zone = ['a', 'b', 'c', 'd'].flatMap((name, n) => [
    `example.org MX 10 ${name}.example.org`,
    `${name}.example.org A 192.0.2.${n}`,
  ])
  const find = await finder(t, { zone })
  const firsts = new Set<string | undefined>()
  for (let n = 0; n < 200 && firsts.size < 4; n++) firsts.add((await addresses(find, 'example.org'))[0])
  assert.equal(firsts.size, 4)
})

test('a mail host may be an alias', async t => {
  const zone = [
    'example.org MX 10 mx.example.org',
    'mx.example.org CNAME real.example.net',
    'real.example.net A 192.0.2.1',
  ]
  const find = await finder(t, { zone })
  assert.deepEqual(await addresses(find, 'example.org'), ['192.0.2.1'])
})

test('a host whose address cannot be looked up is passed over', async t => {
  const find = await finder(t, { zone: threeHosts, ipv6: false, fails: 'a.example.org' })
  assert.deepEqual(await addresses(find, 'example.org'), ['192.0.2.2', '192.0.2.3', '192.0.2.4'])
})

test('without any address, the reason counts: DNS that fails is temporary, none at all is not', async t => {
  const zone = ['example.org MX 10 a.example.org', 'example.net MX 10 nowhere.example.net']
  const find = await finder(t, { zone, fails: 'a.example.org' })
  const failing = await find(domainDestination('example.org'))
  assert.equal(failing.kind, 'deferred')
  assert.deepEqual(failing.hosts, ['a.example.org'])
  const none = await find(domainDestination('example.net'))
  assert.equal(none.kind, 'failed')
})

test('ourselves in the middle: only those before us are left', async t => {
  const zone = [
    ...threeHosts.slice(0, -1),
    'c.example.org A 192.0.2.99',
    'example.org MX 30 d.example.org',
    'd.example.org A 192.0.2.5',
  ]
  const find = await finder(t, { zone, ipv6: false })
  assert.deepEqual(await addresses(find, 'example.org'), ['192.0.2.1', '192.0.2.2', '192.0.2.3'])
})

test('a literal of our own address leads nowhere, another one is a server', async t => {
  const find = await finder(t, { zone: [] })
  assert.deepEqual(await addresses(find, '[192.0.2.99]'), ['5.3.5'])
  assert.deepEqual(await addresses(find, '[192.0.2.1]'), ['192.0.2.1'])
  assert.deepEqual(await addresses(find, '[IPv6:2001:db8::1]'), ['2001:db8::1'])
})

test('a smart host that has no address, or is ourselves, keeps mail waiting', async t => {
  const find = await finder(t, { zone: ['self.example.org A 192.0.2.99', 'smart.example.org A 192.0.2.1'] })
  const smartHost = { port: 25, tls: 'never', verifyCertificate: true } as const
  for (const [host, kind] of [
    ['nowhere.example.org', 'deferred'],
    ['self.example.org', 'deferred'],
    ['192.0.2.99', 'deferred'],
    ['smart.example.org', 'servers'],
    ['192.0.2.1', 'servers'],
  ] as const) {
    assert.equal((await find(smartHostDestination({ ...smartHost, host }))).kind, kind, host)
  }
})

for (const [what, zone, detail] of [
  ['that does not exist', [], /^the domain home\.test does not exist$/],
  ['without MX and address', ['home.test TXT none'], /names no mail host/],
  [
    'whose MX leads only here',
    ['home.test MX 10 mail.example.test', 'mail.example.test A 192.0.2.99'],
    /^the MX records of home\.test lead to no server before this one$/,
  ],
  ['with a null MX', ['home.test MX 0 .'], /null MX/],
  ['whose mail host has no address', ['home.test MX 10 mx.home.test', 'mx.home.test TXT none'], /no address/],
] as const) {
  test(`mail for a domain that is relayed, ${what}, waits for its DNS, and is no fault of the sender`, async t => {
    const find = await finder(t, { zone })
    const found = await find(relayedDestination('home.test'))
    assert.ok(found.kind === 'deferred')
    const { cause, status, detail: told } = found.diagnosis
    assert.equal(cause, 'relay-dns')
    assert.match(status, /^4\./)
    assert.match(told, detail)
  })
}

test('a host that an administrator has named: NXDOMAIN is told from a name without an address, and from no answer', async t => {
  const zone = ['none.example.org TXT none', 'mx.example.org A 192.0.2.1']
  const find = await finder(t, { zone, fails: 'silent.example.org' })
  for (const [host, cause, detail] of [
    ['nope.example.org', 'unknown-host', /does not exist in the DNS \(NXDOMAIN\)$/],
    ['none.example.org', 'unknown-host', /has no address in the DNS$/],
    ['silent.example.org', 'dns-failure', /silent\.example\.org/],
  ] as const) {
    const found = await find(hostDestination(`${host}:25`) ?? assert.fail())
    assert.ok(found.kind === 'deferred', host)
    assert.equal(found.diagnosis.cause, cause)
    assert.match(found.diagnosis.detail, detail)
  }
  assert.equal((await find(hostDestination('mx.example.org:25') ?? assert.fail())).kind, 'servers')
})

test('a stranger with a thousand mail hosts costs no more than a few', async t => {
  const zone = Array.from({ length: 60 }, (_, n) => [
    `example.org MX ${n} h${n}.example.org`,
    `h${n}.example.org A 192.0.2.1`,
    `h${n}.example.org A 192.0.2.2`,
  ]).flat()
  const find = await finder(t, { zone, ipv6: false })
  assert.equal((await addresses(find, 'example.org')).length, 30)
})
