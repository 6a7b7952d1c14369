// The stub resolver: what an answer means, aliases, and answers that are remembered (RFC 1034 §5.3, RFC 2308).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Packet, Answer as RecordAnswer } from 'dns-packet'
import { createResolver } from '../../src/dns/resolver.ts'
import { startDnsServer } from '../harness/dns-server.ts'
import { resolverOf, resolverOver, startManualDnsServer } from './ask-dns.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

test('records of each type are read', async t => {
  const { resolver } = await resolverOver(t, [
    'example.org MX 10 MX1.Example.org',
    'example.org MX 0 .',
    'example.org A 192.0.2.1',
    'example.org A 192.0.2.2',
    'example.org AAAA 2001:db8::1',
    'example.org TXT v=spf1 -all',
  ])
  assert.deepEqual(await resolver.mx('example.org'), {
    kind: 'found',
    records: [
      { preference: 10, exchange: 'mx1.example.org' },
      { preference: 0, exchange: '' },
    ],
    ttlMs: minuteMs,
  })
  assert.deepEqual(await resolver.a('example.org'), {
    kind: 'found',
    records: ['192.0.2.1', '192.0.2.2'],
    ttlMs: minuteMs,
  })
  assert.deepEqual(await resolver.aaaa('example.org'), {
    kind: 'found',
    records: ['2001:db8::1'],
    ttlMs: minuteMs,
  })
  assert.deepEqual(await resolver.txt('example.org'), {
    kind: 'found',
    records: ['v=spf1 -all'],
    ttlMs: minuteMs,
  })
})

test('the strings of a text record are one text (RFC 7208 §3.3)', async t => {
  const server = await startManualDnsServer(t)
  const { resolver } = resolverOf(t, server)
  const answer = resolver.txt('example.org')
  const question = await server.next()
  await question.answer({
    answers: [{ type: 'TXT', name: 'example.org', ttl: 60, data: ['v=spf1 ip4:192.0', '.2.1 -all'] }],
  })
  assert.deepEqual(await answer, { kind: 'found', records: ['v=spf1 ip4:192.0.2.1 -all'], ttlMs: minuteMs })
})

test('a server that only names other servers has not answered', async t => {
  const server = await startManualDnsServer(t)
  const { resolver } = resolverOf(t, server)
  const answer = resolver.mx('example.org')
  const referral: Partial<Packet> = {
    flags: 0,
    authorities: [{ type: 'NS', name: 'org', ttl: 60, data: 'a0.example.test' }],
  }
  // Asked a second time, as after any failure.
  for (let time = 1; time <= 2; time++) await (await server.next()).answer(referral)
  const { kind, ...rest } = await answer
  assert.equal(kind, 'temporary-failure')
  assert.match('detail' in rest ? rest.detail : '', /only names other servers/)
})

test('a name that does not exist is another thing than a name without such records', async t => {
  const { resolver } = await resolverOver(t, ['www.example.org A 192.0.2.1'])
  assert.deepEqual(await resolver.mx('nowhere.test'), { kind: 'no-such-domain' })
  assert.deepEqual(await resolver.mx('www.example.org'), { kind: 'no-data' })
  // It has names below it, so it exists.
  assert.deepEqual(await resolver.mx('example.org'), { kind: 'no-data' })
})

test('names are asked for in any case', async t => {
  const { resolver, server } = await resolverOver(t, ['example.org A 192.0.2.1'])
  assert.equal((await resolver.a('EXAMPLE.Org')).kind, 'found')
  assert.equal((await resolver.a('example.ORG')).kind, 'found')
  assert.deepEqual(server.questions, ['A example.org'])
})

test('aliases are followed to the records at their end', async t => {
  const { resolver } = await resolverOver(t, [
    'www.example.org CNAME web.example.org',
    'web.example.org CNAME Host.example.net',
    'host.example.net A 192.0.2.1',
    'other.example.net A 192.0.2.9',
  ])
  assert.deepEqual(await resolver.a('www.example.org'), {
    kind: 'found',
    records: ['192.0.2.1'],
    ttlMs: minuteMs,
    leadsTo: 'host.example.net',
  })
  assert.deepEqual(await resolver.aaaa('www.example.org'), { kind: 'no-data' })
  assert.deepEqual(await resolver.cname('www.example.org'), {
    kind: 'found',
    records: ['web.example.org'],
    ttlMs: minuteMs,
  })
})

test('records of a name that no alias led to are not believed', async t => {
  const server = await startManualDnsServer(t)
  const { resolver } = resolverOf(t, server)
  const answer = resolver.a('www.example.org')
  const question = await server.next()
  await question.answer({
    answers: [
      { type: 'A', name: 'bank.example', ttl: 60, data: '192.0.2.66' },
      { type: 'CNAME', name: 'www.example.org', ttl: 60, data: 'host.example.net' },
      { type: 'A', name: 'host.example.net', ttl: 60, data: '192.0.2.1' },
    ],
  })
  assert.deepEqual(await answer, {
    kind: 'found',
    records: ['192.0.2.1'],
    ttlMs: minuteMs,
    leadsTo: 'host.example.net',
  })
  // Nor are they remembered.
  void resolver.a('bank.example')
  assert.equal((await server.next()).text, 'A bank.example')
})

test('aliases that lead in a circle are a temporary failure', async t => {
  const { resolver } = await resolverOver(t, [
    'a.example.org CNAME b.example.org',
    'b.example.org CNAME a.example.org',
  ])
  const answer = await resolver.a('a.example.org')
  assert.equal(answer.kind, 'temporary-failure')
  assert.match(answer.detail, /aliases \(CNAME\) of a\.example\.org lead in a circle/)
})

for (const [aliases, kind] of [
  [8, 'found'],
  [9, 'temporary-failure'],
] as const) {
  test(`${aliases} aliases one after the other: ${kind}`, async t => {
    const zone = Array.from({ length: aliases }, (_, n) => `n${n}.example.org CNAME n${n + 1}.example.org`)
    const { resolver } = await resolverOver(t, [...zone, `n${aliases}.example.org A 192.0.2.1`])
    assert.equal((await resolver.a('n0.example.org')).kind, kind)
  })
}

test('an answer is remembered for as long as it says, and no longer', async t => {
  const { resolver, server, clock } = await resolverOver(t, ['example.org A 192.0.2.1'])
  const found = async (): Promise<readonly string[]> => {
    const answer = await resolver.a('example.org')
    return answer.kind === 'found' ? answer.records : [answer.kind]
  }
  assert.deepEqual(await found(), ['192.0.2.1'])
  server.setZone(['example.org A 192.0.2.2'])
  clock.advance(minuteMs - 1)
  assert.deepEqual(await found(), ['192.0.2.1'])
  clock.advance(1)
  assert.deepEqual(await found(), ['192.0.2.2'])
  assert.deepEqual(server.questions, ['A example.org', 'A example.org'])
})

test('types are remembered apart', async t => {
  const { resolver, server } = await resolverOver(t, [
    'example.org A 192.0.2.1',
    'example.org MX 5 mx.example.org',
  ])
  await resolver.a('example.org')
  await resolver.mx('example.org')
  await resolver.mx('example.org')
  assert.deepEqual(server.questions, ['A example.org', 'MX example.org'])
})

test('what does not exist is remembered too, for a minute when the server does not say', async t => {
  const { resolver, server, clock } = await resolverOver(t, ['www.example.org A 192.0.2.1'])
  const kinds = async (): Promise<string[]> => [
    (await resolver.mx('nowhere.test')).kind,
    (await resolver.mx('www.example.org')).kind,
  ]
  assert.deepEqual(await kinds(), ['no-such-domain', 'no-data'])
  server.setZone(['nowhere.test MX 5 mx.nowhere.test', 'www.example.org MX 5 mx.example.org'])
  clock.advance(minuteMs - 1)
  assert.deepEqual(await kinds(), ['no-such-domain', 'no-data'])
  clock.advance(1)
  assert.deepEqual(await kinds(), ['found', 'found'])
})

test('a failure is not remembered', async t => {
  const { resolver, server } = await resolverOver(t, ['example.org A 192.0.2.1'])
  server.setBehaviour('example.org', 'SERVFAIL')
  assert.equal((await resolver.a('example.org')).kind, 'temporary-failure')
  server.setBehaviour('example.org', undefined)
  assert.equal((await resolver.a('example.org')).kind, 'found')
})

const a = (name: string, ttl: number): RecordAnswer => ({ type: 'A', name, ttl, data: '192.0.2.1' })

const soa = (ttl: number, minimum: number): RecordAnswer => ({
  type: 'SOA',
  name: 'example.org',
  ttl,
  data: {
    mname: 'ns.example.org',
    rname: 'root.example.org',
    serial: 1,
    refresh: 1,
    retry: 1,
    expire: 1,
    minimum,
  },
})

const week = 7 * 24 * 3600

const lives: readonly (readonly [what: string, packet: Partial<Packet>, keptMs: number])[] = [
  [
    'the shortest of several records counts',
    { answers: [a('www.example.org', 300), a('www.example.org', 20)] },
    20_000,
  ],
  [
    'an alias on the way counts too',
    {
      answers: [
        { type: 'CNAME', name: 'www.example.org', ttl: 5, data: 'host.example.org' },
        a('host.example.org', 300),
      ],
    },
    5000,
  ],
  ['none is kept for more than an hour', { answers: [a('www.example.org', week)] }, hourMs],
  ['nothing is kept that is to live for no time', { answers: [a('www.example.org', 0)] }, 0],
  ['no such records: for as long as the zone says', { authorities: [soa(900, 300)] }, 300_000],
  ['no such records: for as long as the zone’s own record lives', { authorities: [soa(30, 300)] }, 30_000],
  ['no such name: for as long as the zone says', { flags: 3, authorities: [soa(900, 600)] }, 600_000],
  ['no such name: for no more than an hour', { flags: 3, authorities: [soa(week, week)] }, hourMs],
  ['no such name: not at all, if the zone says so', { flags: 3, authorities: [soa(900, 0)] }, 0],
]

for (const [what, packet, keptMs] of lives) {
  test(`how long an answer is remembered: ${what}`, async t => {
    const server = await startManualDnsServer(t)
    const { resolver, clock } = resolverOf(t, server)
    const first = resolver.a('www.example.org')
    await (await server.next()).answer(packet)
    const { kind } = await first
    if (keptMs > 0) {
      clock.advance(keptMs - 1)
      assert.equal((await resolver.a('www.example.org')).kind, kind)
      clock.advance(1)
    }
    // Whatever it is now: it is asked for again.
    const again = resolver.a('www.example.org')
    void server
      .next()
      .then(question =>
        question.answer({ answers: [{ type: 'A', name: 'www.example.org', ttl: 60, data: '192.0.2.99' }] }),
      )
    assert.deepEqual(await again, { kind: 'found', records: ['192.0.2.99'], ttlMs: minuteMs })
  })
}

test('many who ask the same at the same moment ask once', async t => {
  const { resolver, server } = await resolverOver(t, ['example.org MX 10 mx.example.org'])
  const answers = await Promise.all(Array.from({ length: 50 }, () => resolver.mx('Example.org')))
  assert.ok(answers.every(answer => answer.kind === 'found'))
  assert.deepEqual(server.questions, ['MX example.org'])
})

test('TLSA records are read', async t => {
  const { resolver } = await resolverOver(t, ['_25._tcp.mx.example.org TLSA 3 1 1 0abf'])
  assert.deepEqual(await resolver.tlsa('_25._tcp.mx.example.org'), {
    kind: 'found',
    records: [{ usage: 3, selector: 1, matchingType: 1, data: Buffer.from('0abf', 'hex') }],
    ttlMs: minuteMs,
  })
})

test('whether an answer is proven is asked, and believed of a resolver on this machine', async t => {
  const { resolver, server } = await resolverOver(t, ['example.org A 192.0.2.1', 'example.net A 192.0.2.2'])
  server.sign('example.org')
  const proven = async (name: string): Promise<boolean> => {
    const answers = await Promise.all([resolver.a(name), resolver.aaaa(name), resolver.a(`not.${name}`)])
    const flags = answers.map(answer => answer.kind !== 'temporary-failure' && answer.isAuthentic === true)
    assert.equal(new Set(flags).size, 1)
    // From what is remembered too.
    const again = await resolver.a(name)
    return flags[0] === true && again.kind === 'found' && again.isAuthentic === true
  }
  assert.equal(await proven('example.org'), true)
  assert.equal(await proven('example.net'), false)
})

test('an alias out of what is proven proves nothing', async t => {
  const { resolver, server } = await resolverOver(t, [
    'mx.example.org CNAME mx.example.net',
    'mx.example.net A 192.0.2.2',
  ])
  server.sign('example.org')
  const answer = await resolver.a('mx.example.org')
  assert.ok(answer.kind === 'found')
  assert.equal(answer.isAuthentic, undefined)
  const alias = await resolver.cname('mx.example.org')
  assert.ok(alias.kind === 'found')
  assert.equal(alias.isAuthentic, true)
})

for (const [dnssec, expected] of [
  ['loopback', true],
  ['always', true],
  ['never', undefined],
] as const) {
  test(`dnssec = ${dnssec}: the word of a resolver on this machine is ${expected ? '' : 'not '}taken`, async t => {
    const server = await startDnsServer(['example.org A 192.0.2.1'])
    t.after(() => server.close())
    server.sign('example.org')
    const answer = await createResolver({ servers: [server], dnssec }).a('example.org')
    assert.ok(answer.kind === 'found')
    assert.equal(answer.isAuthentic, expected)
  })
}

test('the forwarder of Docker is on this machine, and knows nothing of its own', {
  skip: process.platform !== 'linux' && 'only Linux has all of 127.0.0.0/8',
}, async t => {
  const server = await startDnsServer(['example.org A 192.0.2.1'], { address: '127.0.0.11' })
  t.after(() => server.close())
  server.sign('example.org')
  const answer = await createResolver({ servers: [server] }).a('example.org')
  assert.ok(answer.kind === 'found')
  assert.equal(answer.isAuthentic, undefined)
})
