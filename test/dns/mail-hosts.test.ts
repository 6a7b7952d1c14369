// Which hosts take the mail of a domain, and in which order (RFC 5321 §5.1, RFC 7505).
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { lookupMailHosts, type MailHosts } from '../../src/dns/mail-hosts.ts'
import { type Random, systemRandom } from '../../src/runtime/random.ts'
import { resolverOf, resolverOver, startManualDnsServer } from './ask-dns.ts'

const servfail = 2

/** Draws these lots, one after the other. */
function drawing(...lots: readonly number[]): Random {
  const left = [...lots]
  return { ...systemRandom, fraction: () => left.shift() ?? 0 }
}

async function lookup(
  t: TestContext,
  zone: readonly string[],
  {
    domain = 'example.org',
    random = systemRandom,
    fails,
  }: { domain?: string; random?: Random; fails?: string } = {},
): Promise<MailHosts> {
  const { resolver, server } = await resolverOver(t, zone)
  if (fails) server.setBehaviour(fails, 'SERVFAIL')
  return await lookupMailHosts(resolver, domain, random)
}

test('hosts come by preference, the lowest first', async t => {
  const hosts = await lookup(t, [
    'example.org MX 20 b.example.org',
    'example.org MX 5 a.example.org',
    'example.org MX 100 c.example.org',
    'example.org MX 0 z.example.net',
  ])
  assert.deepEqual(hosts, {
    kind: 'hosts',
    hosts: [
      { host: 'z.example.net', preference: 0 },
      { host: 'a.example.org', preference: 5 },
      { host: 'b.example.org', preference: 20 },
      { host: 'c.example.org', preference: 100 },
    ],
  })
})

test('among equals the lot decides, and only among them', async t => {
  const zone = ['a', 'b', 'c'].map(name => `example.org MX 10 ${name}.example.org`)
  zone.unshift('example.org MX 20 last.example.org')
  const order = async (...lots: readonly number[]): Promise<string[]> => {
    const found = await lookup(t, zone, { random: drawing(0, ...lots) })
    return found.kind === 'hosts' ? found.hosts.map(({ host }) => host.split('.')[0] ?? '') : [found.kind]
  }
  assert.deepEqual(await order(0.1, 0.2, 0.3), ['a', 'b', 'c', 'last'])
  assert.deepEqual(await order(0.9, 0.1, 0.5), ['b', 'c', 'a', 'last'])
  assert.deepEqual(await order(0.5, 0.9, 0.1), ['c', 'a', 'b', 'last'])
})

test('a host that is named twice is tried once, at its better preference', async t => {
  const hosts = await lookup(t, [
    'example.org MX 10 A.example.org',
    'example.org MX 20 b.example.org',
    'example.org MX 30 a.example.org',
  ])
  assert.deepEqual(hosts, {
    kind: 'hosts',
    hosts: [
      { host: 'a.example.org', preference: 10 },
      { host: 'b.example.org', preference: 20 },
    ],
  })
})

for (const [what, record] of [
  ['IPv4', 'A 192.0.2.1'],
  ['IPv6', 'AAAA 2001:db8::1'],
] as const) {
  test(`without MX records the domain is its own host, by its ${what} address`, async t => {
    assert.deepEqual(await lookup(t, [`example.org ${record}`]), {
      kind: 'hosts',
      hosts: [{ host: 'example.org', preference: 0 }],
    })
  })
}

test('with MX records the domain’s own address does not count', async t => {
  const hosts = await lookup(t, ['example.org A 192.0.2.1', 'example.org MX 10 nowhere.example.org'])
  assert.deepEqual(hosts, { kind: 'hosts', hosts: [{ host: 'nowhere.example.org', preference: 10 }] })
})

test('null MX: the domain takes no mail, whatever address it has', async t => {
  assert.deepEqual(await lookup(t, ['example.org MX 0 .', 'example.org A 192.0.2.1']), { kind: 'null-mx' })
})

test('null MX next to others means nothing; several are still one', async t => {
  assert.deepEqual(await lookup(t, ['example.org MX 0 .', 'example.org MX 10 a.example.org']), {
    kind: 'hosts',
    hosts: [{ host: 'a.example.org', preference: 10 }],
  })
  assert.deepEqual(await lookup(t, ['example.org MX 0 .', 'example.org MX 10 .']), { kind: 'null-mx' })
})

test('a domain that is an alias has the hosts of the domain it stands for', async t => {
  const hosts = await lookup(t, ['example.org CNAME example.net', 'example.net MX 10 mx.example.net'])
  assert.deepEqual(hosts, { kind: 'hosts', hosts: [{ host: 'mx.example.net', preference: 10 }] })
})

test('no such domain is known for good, a domain without hosts too', async t => {
  assert.deepEqual(await lookup(t, []), { kind: 'no-such-domain' })
  assert.deepEqual(await lookup(t, ['www.example.org A 192.0.2.1']), { kind: 'no-hosts' })
  assert.deepEqual(await lookup(t, ['example.org TXT nothing here']), { kind: 'no-hosts' })
})

test('DNS that fails says nothing about the domain', async t => {
  const failed = await lookup(t, ['example.org MX 10 mx.example.org'], { fails: 'example.org' })
  assert.equal(failed.kind, 'temporary-failure')
  assert.match(failed.detail, /the MX records of example\.org could not be looked up/)
})

for (const [what, address, kind] of [
  ['no host is not certain', undefined, 'temporary-failure'],
  ['the other kind is enough', '2001:db8::1', 'hosts'],
] as const) {
  test(`while one kind of address cannot be looked up, ${what}`, async t => {
    const server = await startManualDnsServer(t)
    const { resolver } = resolverOf(t, server)
    const hosts = lookupMailHosts(resolver, 'example.org', systemRandom)
    // MX, A, AAAA, and A once more.
    for (let n = 0; n < 4; n++) {
      const question = await server.next()
      if (question.text.startsWith('A ')) await question.answer({ flags: servfail })
      else if (address && question.text.startsWith('AAAA '))
        await question.answer({ answers: [{ type: 'AAAA', name: 'example.org', ttl: 60, data: address }] })
      else await question.answer({})
    }
    assert.equal((await hosts).kind, kind)
  })
}
