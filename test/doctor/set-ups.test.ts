// postrider doctor raises no false alarm: set-ups that are right in another way than the usual one.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createInspector } from '../../src/dns/inspector.ts'
import { createResolver } from '../../src/dns/resolver.ts'
import { examine } from '../../src/doctor/examine.ts'
import type { OwnServer } from '../../src/doctor/own-server.ts'
import { composeReport } from '../../src/doctor/report.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { connectSmtp } from '../../src/smtp/client/connect.ts'
import { createStsFetcher } from '../../src/tls-policy/fetch-sts-policy.ts'
import { composeStsPolicy, stsIdOf } from '../../src/tls-policy/own-policy.ts'
import { startPeer } from '../delivery/remote-peer.ts'
import type { ZoneLine } from '../harness/dns-server.ts'
import { type CorrectWorld, startCorrectWorld } from './correct-world.ts'
import { type DoctorReport, readReport } from './report.ts'
import { address, domain, hostname, zoneLinesOf } from './surroundings.ts'

let world: CorrectWorld

before(async () => {
  world = await startCorrectWorld()
})

after(async () => {
  await world?.close()
})

const without = (...starts: readonly string[]): readonly ZoneLine[] =>
  world.zone.filter(line => !starts.some(start => line.startsWith(start)))

interface SetUp {
  /** TOML after what is there. */
  readonly settings?: string
  readonly zone?: readonly ZoneLine[]
  readonly more?: readonly string[]
}

async function examineSetUp({ settings = '', zone, more = [] }: SetUp): Promise<DoctorReport> {
  const { at } = world
  const file = join(at.folder, 'other.toml')
  await writeFile(file, `${await readFile(at.settingsFile, 'utf8')}\n${settings}\n`)
  world.publish(zone ?? world.zone)
  try {
    return readReport(await world.doctor('--settings', file, ...more))
  } finally {
    world.publish(world.zone)
  }
}

const placesOf = (entries: readonly { readonly check: string; readonly subject: string }[]): string[] =>
  entries.map(({ check, subject }) => `${check} ${subject}`)

describe('postrider doctor finds nothing', () => {
  it('where all mail leaves through a smart host: neither PTR nor SPF are for this server to have', async () => {
    const report = await examineSetUp({
      settings: `[delivery.smartHost]\nhost = "mx.peer.test"\nport = ${world.ports.relay}\ntls = "never"`,
      zone: [
        ...without(`${domain} TXT v=spf1`, '25.0.0.127.in-addr.arpa', `${hostname} TXT`),
        `${domain} TXT v=spf1 include:spf.peer.test ~all`,
        'spf.peer.test TXT v=spf1 ip4:192.0.2.7 -all',
      ],
    })
    assert.deepEqual(report.findings, [])
    assert.deepEqual(placesOf(report.notChecked), [
      `SPF ${domain}`,
      `reverse DNS ${hostname}`,
      `block lists ${hostname}`,
    ])
    assert.ok(placesOf(report.passed).includes('way out mx.peer.test'))
  })

  it('where mail leaves from addresses of its own with names of their own', async () => {
    const report = await examineSetUp({
      settings:
        '[[delivery.sourcePools]]\nname = "bulk"\nclasses = ["bulk"]\n[[delivery.sourcePools.sources]]\naddress = "127.0.0.26"\nheloName = "out.example.test"',
      more: ['--public-address', address, '--public-address', '127.0.0.26'],
      zone: [
        ...without(`${domain} TXT v=spf1`),
        `${domain} TXT v=spf1 mx ip4:127.0.0.26 ~all`,
        'out.example.test A 127.0.0.26',
        'out.example.test TXT v=spf1 a -all',
        '26.0.0.127.in-addr.arpa PTR out.example.test',
      ],
    })
    assert.deepEqual(report.findings, [])
    assert.deepEqual(report.notChecked, [])
    const passed = placesOf(report.passed)
    for (const place of ['reverse DNS 127.0.0.26', 'SPF out.example.test', 'way out 127.0.0.26'])
      assert.ok(passed.includes(place), place)
  })

  it('where a pool has an address that a router exchanges for another', async () => {
    const report = await examineSetUp({
      settings:
        '[[delivery.sourcePools]]\nname = "bulk"\nclasses = ["bulk"]\n[[delivery.sourcePools.sources]]\naddress = "127.0.0.26"',
    })
    assert.deepEqual(report.findings, [])
    assert.deepEqual(placesOf(report.notChecked), ['reverse DNS 127.0.0.26', 'block lists 127.0.0.26'])
  })

  it('where only its IPv6 address is its own, and a router leads to it for IPv4', async () => {
    const own = { ...(await describeBehindRouter()), addresses: ['2001:db8::1'], mailPort: 1 }
    const report = composeReport(await examine(openWorld(), own, { ...terms(), peers: [] }))
    assert.deepEqual(report.findings, [])
    assert.ok(placesOf(report.notChecked).includes(`names ${hostname}`))
  })

  it('where another server keeps the mail of a domain, and this one fetches it', async () => {
    const report = await examineSetUp({
      settings: `[[fetch]]\nhost = "mx.peer.test"\nusername = "us"\npassword = "a password"\ndomains = ["${domain}"]`,
      zone: [
        ...without(`${domain} MX`, `${domain} TXT v=spf1`, '_mta-sts'),
        `${domain} MX 10 mx.peer.test`,
        `${domain} TXT v=spf1 mx a:${hostname} ~all`,
      ],
    })
    assert.deepEqual(report.findings, [])
    assert.deepEqual(placesOf(report.notChecked), [`DANE ${hostname}`])
  })

  it('where another server takes mail while this one is away', async () => {
    const report = await examineSetUp({
      zone: [...without('_mta-sts'), `${domain} MX 20 mx.peer.test`],
    })
    assert.deepEqual(report.findings, [])
    assert.deepEqual(report.notChecked, [])
  })

  it('of a domain below another one, whose DMARC record holds for it', async () => {
    const lists = `lists.${domain}`
    const { at } = world
    await at.postrider('domain', 'create', lists)
    const records = zoneLinesOf(
      JSON.parse(await at.postrider('domain', 'dns', lists, '--public-address', address, '--json')),
    )
    try {
      const report = await examineSetUp({
        zone: [...world.zone, ...records.filter(line => line.includes(lists) && !line.startsWith('_dmarc'))],
      })
      assert.deepEqual(report.findings, [])
      assert.deepEqual(report.notChecked, [])
      assert.ok(placesOf(report.passed).includes(`DMARC ${lists}`))
    } finally {
      await at.postrider('domain', 'remove', lists)
    }
  })

  it('behind a load balancer, at whose address this server greets, while mail leaves from its own', async () => {
    const report = await examineSetUp({
      settings:
        '[[delivery.sourcePools]]\nname = "all"\n[[delivery.sourcePools.sources]]\naddress = "127.0.0.26"\nheloName = "out.example.test"',
      more: ['--public-address', '127.0.0.26'],
      zone: [
        ...without(`${domain} TXT v=spf1`),
        `${domain} TXT v=spf1 ip4:127.0.0.26 ~all`,
        'out.example.test A 127.0.0.26',
        'out.example.test TXT v=spf1 a -all',
        '26.0.0.127.in-addr.arpa PTR out.example.test',
      ],
    })
    assert.deepEqual(report.findings, [])
    assert.deepEqual(report.notChecked, [])
    assert.ok(placesOf(report.passed).includes(`ports ${address} ${world.ports.relay}`))
  })

  it('behind a router, where no public address is known: what depends on it is not checked', async () => {
    const own = await describeBehindRouter()
    const report = composeReport(await examine(openWorld(), own, terms()))
    assert.deepEqual(report.findings, [])
    assert.deepEqual(placesOf(report.notChecked), [
      `SPF ${domain}`,
      `DKIM ${domain}`,
      `reverse DNS ${hostname}`,
      `block lists ${hostname}`,
    ])
  })

  it('behind a router that leads nobody back inside: the ports are not checked', async () => {
    const own = { ...(await describeBehindRouter()), mailPort: 1 }
    const report = composeReport(await examine(openWorld(), own, { ...terms(), peers: [] }))
    assert.deepEqual(report.findings, [])
    const places = placesOf(report.notChecked)
    for (const place of [`names ${hostname}`, `ports ${address} 1`]) assert.ok(places.includes(place), place)
  })

  it('where the DNS says that there is no such service for mail programs', async () => {
    const report = await examineSetUp({
      zone: [...without('_submission._tcp'), `_submission._tcp.${domain} SRV 0 0 0 .`],
    })
    assert.deepEqual(report.findings, [])
    assert.deepEqual(report.notChecked, [])
  })

  it('where mail programs are answered, and the record of Autodiscover leads here or not', async () => {
    const settings = '[autoconfig]'
    const withRecord = async (...records: readonly string[]): Promise<readonly string[]> =>
      placesOf((await examineSetUp({ settings, zone: [...world.zone, ...records] })).findings)
    const name = `_autodiscover._tcp.${domain}`
    assert.deepEqual(await withRecord(`${name} SRV 0 1 443 ${hostname}`), [])
    assert.deepEqual((await withRecord()).length, 1)
    assert.deepEqual((await withRecord(`${name} SRV 0 1 443 autodiscover.example.org`)).length, 1)
  })

  it('where the policy of [mtaSts] is served, and its record has its id', async () => {
    const policy = { mode: 'enforce', maxAgeDays: 14, mx: [hostname] } as const
    const { answer } = world.policy
    world.policy.answer = { body: composeStsPolicy(policy) }
    try {
      const report = await examineSetUp({
        settings: '[mtaSts]\nmode = "enforce"',
        zone: [...without('_mta-sts'), `_mta-sts.${domain} TXT v=STSv1; id=${stsIdOf(policy)}`],
      })
      assert.deepEqual(report.findings, [])
      assert.deepEqual(report.notChecked, [])
    } finally {
      world.policy.answer = answer
    }
  })

  it('where a DKIM record is an alias of one that somebody else keeps', async () => {
    const [key = ''] = world.zone.filter(line => line.includes('._domainkey.'))
    const [name = ''] = key.split(' ')
    const report = await examineSetUp({
      zone: [
        ...without(key),
        `${name} CNAME ours.keeper.test`,
        `ours.keeper.test ${key.slice(name.length + 1)}`,
        'keeper.test SOA ns.keeper.test 1',
        'keeper.test NS ns.keeper.test',
      ],
    })
    assert.deepEqual(report.findings, [])
    assert.deepEqual(report.notChecked, [])
  })

  it('in one domain that is named, whatever the others are like', async () => {
    await world.at.postrider('domain', 'create', 'gone.test')
    try {
      const report = await examineSetUp({ more: [domain] })
      assert.deepEqual(report.findings, [])
      const unknown = await world.doctor('nobodys.test')
      assert.equal(unknown.exitCode, 1)
      assert.match(unknown.stderr, /nobodys\.test/)
    } finally {
      await world.at.postrider('domain', 'remove', 'gone.test')
    }
  })

  it('where a peer answers that it does not want us: the way out is open', async () => {
    const peer = await startPeer({
      address: '127.0.0.31',
      port: world.ports.relay,
      script: command => (command === '(connect)' ? '554 5.7.1 not today' : undefined),
    })
    try {
      const report = await examineSetUp({
        zone: [...without('mx.peer.test A'), 'mx.peer.test A 127.0.0.31'],
      })
      assert.deepEqual(report.findings, [])
    } finally {
      await peer.close()
    }
  })
})

function openWorld(): Parameters<typeof examine>[0] {
  const servers = [{ address: world.dns.address, port: world.dns.port }]
  const [clock, random] = [systemClock, systemRandom]
  const resolver = createResolver({ servers, clock, random })
  return {
    resolver,
    inspector: createInspector({ servers, clock, random }),
    connect: connectSmtp,
    fetchStsPolicy: createStsFetcher({ resolver, clock, ipv6: false, port: world.policy.port }),
    clock,
    random,
    nameServerPort: world.dns.port,
  }
}

function terms(): Parameters<typeof examine>[2] {
  const [host = '', port = ''] = world.time.text.split(':')
  return {
    peers: ['peer.test'],
    addressLists: [],
    domainLists: [],
    timeServer: { address: host, port: Number(port) },
  }
}

async function describeBehindRouter(): Promise<OwnServer> {
  const { ports } = world
  return {
    hostname,
    domains: [{ name: domain, keys: [], isFetched: false }],
    addresses: [],
    sending: [],
    behindRouter: ['ipv4'],
    sources: [],
    listeners: [
      { role: 'relay', port: ports.relay },
      { role: 'submission', port: ports.submission },
      { role: 'submissions', port: ports.submissions },
    ],
    localNetworks: [],
    smartHost: undefined,
    mailPort: ports.relay,
    ipv6: true,
    state: 'running',
    stsPolicy: undefined,
    autoconfig: 'off',
    signs: true,
    takesMailFor: async () => await Promise.resolve(true),
  }
}
