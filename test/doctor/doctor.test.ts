// postrider doctor: a correct set-up has no finding, and whatever is broken has the right one and no other.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { z } from 'zod'
import { checkNames } from '../../src/doctor/ledger.ts'
import { issueCertificate, makeAuthority, type TestCertificate } from '../harness/certificates.ts'
import type { ZoneLine } from '../harness/dns-server.ts'
import { eventually } from '../harness/eventually.ts'
import { trustedAuthority } from '../tls-policy/policy-server.ts'
import { type CorrectWorld, emptyAddress, startCorrectWorld } from './correct-world.ts'
import { codesOf, readReport } from './report.ts'
import { address, domain, hostname, neighbour } from './surroundings.ts'

let world: CorrectWorld

before(async () => {
  world = await startCorrectWorld()
})

after(async () => {
  await world?.close()
})

const without = (start: string): readonly ZoneLine[] => {
  const rest = world.zone.filter(line => !line.startsWith(start))
  assert.notEqual(rest.length, world.zone.length, `nothing begins with ${start}`)
  return rest
}

/** What begins like that gives way to these. */
const inPlaceOf = (start: string, ...lines: readonly ZoneLine[]): readonly ZoneLine[] => [
  ...without(start),
  ...lines,
]

const beside = (...lines: readonly ZoneLine[]): readonly ZoneLine[] => [...world.zone, ...lines]

const spf = (record: string): readonly ZoneLine[] =>
  inPlaceOf(`${domain} TXT v=spf1`, `${domain} TXT ${record}`)
const dmarc = (...records: readonly string[]): readonly ZoneLine[] =>
  inPlaceOf(`_dmarc.${domain} TXT`, ...records.map(record => `_dmarc.${domain} TXT ${record}`))
const mx = (...lines: readonly ZoneLine[]): readonly ZoneLine[] => inPlaceOf(`${domain} MX`, ...lines)
const reverse = `${address.split('.').toReversed().join('.')}.in-addr.arpa`

/** The first of ours in the zone. */
const keyLine = (): string => world.zone.find(line => line.includes('._domainkey.')) ?? ''

interface Broken {
  readonly what: string
  readonly code: string
  /** On both name servers. */
  readonly zone?: () => readonly ZoneLine[]
  /** On the second only. */
  readonly secondZone?: () => readonly ZoneLine[]
  readonly more?: readonly string[]
  /** Returns what undoes it. */
  readonly breaking?: () => (() => unknown) | Promise<() => unknown>
}

const broken: readonly Broken[] = [
  {
    what: 'the host name has no address',
    code: 'name-missing',
    zone: () => without(`${hostname} A`),
  },
  {
    what: 'the host name leads to where nobody is',
    code: 'name-elsewhere',
    zone: () => inPlaceOf(`${hostname} A`, `${hostname} A ${emptyAddress}`),
  },
  {
    what: 'the host name leads to another server',
    code: 'name-elsewhere',
    zone: () => inPlaceOf(`${hostname} A`, `${hostname} A ${world.peer.address}`),
  },
  {
    what: 'the host name leads to where nobody is, too',
    code: 'name-elsewhere',
    zone: () => beside(`${hostname} A ${emptyAddress}`),
  },
  {
    what: 'mail leaves from an address to which the host name does not lead',
    code: 'hello-name-elsewhere',
    zone: () => beside(`26.0.0.127.in-addr.arpa PTR ${hostname}`),
    more: ['--public-address', address, '--public-address', '127.0.0.26'],
  },
  {
    what: 'an address of ours at which nothing listens',
    code: 'port-closed',
    zone: () => beside(`${hostname} A ${emptyAddress}`, `99.0.0.127.in-addr.arpa PTR ${hostname}`),
    more: ['--public-address', address, '--public-address', emptyAddress],
  },
  { what: 'no MX record', code: 'mx-missing', zone: () => without(`${domain} MX`) },
  {
    what: 'an MX record to another server',
    code: 'mx-elsewhere',
    zone: () => mx(`${domain} MX 10 mx.peer.test`),
  },
  {
    what: 'an MX record with an address',
    code: 'mx-address',
    zone: () => mx(`${domain} MX 10 ${address}`),
  },
  {
    what: 'an MX record to an alias',
    code: 'mx-alias',
    zone: () => mx(`${domain} MX 10 alias.${domain}`, `alias.${domain} CNAME ${hostname}`),
  },
  {
    what: 'a mail host without an address',
    code: 'mx-host-missing',
    zone: () => beside(`${domain} MX 20 gone.${domain}`),
  },
  { what: 'a null MX', code: 'mx-null', zone: () => mx(`${domain} MX 0 .`) },
  { what: 'no SPF record', code: 'spf-missing', zone: () => without(`${domain} TXT v=spf1`) },
  {
    what: 'two SPF records',
    code: 'spf-several',
    zone: () => beside(`${domain} TXT v=spf1 -all`),
  },
  {
    what: 'an SPF record that does not name us',
    code: 'spf-not-covered',
    zone: () => spf('v=spf1 ip4:192.0.2.1 ~all'),
  },
  {
    what: 'an SPF record with eleven lookups',
    code: 'spf-too-many-lookups',
    zone: () => [
      ...spf(`v=spf1 mx ${Array.from({ length: 10 }, (_, n) => `include:s${n}.test`).join(' ')} ~all`),
      ...Array.from({ length: 10 }, (_, n) => `s${n}.test TXT v=spf1 ip4:192.0.2.${n} -all`),
    ],
  },
  { what: 'an SPF record for everybody', code: 'spf-everyone', zone: () => spf('v=spf1 mx +all') },
  {
    what: 'an SPF record with a slip of the pen',
    code: 'spf-invalid',
    zone: () => spf('v=spf1 mxx ~all'),
  },
  {
    what: 'an SPF record that includes one that is not there',
    code: 'spf-broken',
    zone: () => spf('v=spf1 mx include:gone.test ~all'),
  },
  {
    what: 'no SPF record of the host name',
    code: 'spf-of-server-missing',
    zone: () => without(`${hostname} TXT v=spf1`),
  },
  {
    what: 'a DKIM record that is missing',
    code: 'dkim-missing',
    zone: () => without(keyLine()),
  },
  {
    what: 'a DKIM record with another key',
    code: 'dkim-different',
    zone: () => inPlaceOf(keyLine(), keyLine().replace(/p=.{8}/, 'p=AAAAAAAA')),
  },
  { what: 'no DMARC record', code: 'dmarc-missing', zone: () => dmarc() },
  {
    what: 'two DMARC records',
    code: 'dmarc-several',
    zone: () => beside(`_dmarc.${domain} TXT v=DMARC1; p=reject`),
  },
  {
    what: 'a DMARC record with an unknown policy',
    code: 'dmarc-invalid',
    zone: () => dmarc(`v=DMARC1; p=rejected; rua=mailto:postmaster@${domain}`),
  },
  {
    what: 'a DMARC record that begins otherwise',
    code: 'dmarc-invalid',
    zone: () => dmarc('v=dmarc1; p=none'),
  },
  {
    what: 'DMARC reports to somebody who does not want them',
    code: 'dmarc-reports-unauthorised',
    zone: () => dmarc('v=DMARC1; p=none; rua=mailto:us@collector.test'),
  },
  {
    what: 'DMARC reports to nobody',
    code: 'dmarc-reports-nobody',
    zone: () => dmarc(`v=DMARC1; p=none; rua=mailto:reports@${domain}`),
  },
  {
    what: 'DMARC reports to what is no address',
    code: 'dmarc-reports-address',
    zone: () => dmarc(`v=DMARC1; p=none; rua=postmaster@${domain}`),
  },
  {
    what: 'an MTA-STS record that cannot be read',
    code: 'mta-sts-record',
    zone: () => inPlaceOf(`_mta-sts.${domain}`, `_mta-sts.${domain} TXT v=STSv1; id=2026-01-01`),
  },
  {
    what: 'an MTA-STS record without its policy',
    code: 'mta-sts-policy',
    breaking: () => {
      const { answer } = world.policy
      world.policy.answer = { status: 404, body: '' }
      return () => (world.policy.answer = answer)
    },
  },
  {
    what: 'no MTA-STS record for the policy that is served',
    code: 'mta-sts-missing',
    zone: () => without(`_mta-sts.${domain}`),
    breaking: async () => await changeSettings(settings => `${settings}\n[mtaSts]\nmode = "enforce"\n`),
  },
  {
    what: 'another MTA-STS policy than that of the settings',
    code: 'mta-sts-other',
    breaking: async () => await changeSettings(settings => `${settings}\n[mtaSts]\nmode = "testing"\n`),
  },
  {
    what: 'an MTA-STS record with the id of an older policy',
    code: 'mta-sts-id',
    breaking: async () =>
      // The policy that is served holds for a day.
      await changeSettings(settings => `${settings}\n[mtaSts]\nmode = "enforce"\nmaxAgeDays = 1\n`),
  },
  {
    what: 'an MTA-STS policy that does not name the mail host',
    code: 'mta-sts-unnamed',
    breaking: () => {
      const { answer } = world.policy
      world.policy.answer = { body: answer.body.replace(hostname, `old.${domain}`) }
      return () => (world.policy.answer = answer)
    },
  },
  {
    what: 'a TLS-RPT record without an address',
    code: 'tls-reports-record',
    zone: () => inPlaceOf(`_smtp._tls.${domain}`, `_smtp._tls.${domain} TXT v=TLSRPTv1; rua=`),
  },
  {
    what: 'TLS reports to nobody',
    code: 'tls-reports-nobody',
    zone: () =>
      inPlaceOf(`_smtp._tls.${domain}`, `_smtp._tls.${domain} TXT v=TLSRPTv1; rua=mailto:reports@${domain}`),
  },
  {
    what: 'a TLSA record of another key',
    code: 'tlsa-mismatch',
    zone: () => {
      const name = `_${world.ports.relay}._tcp.${hostname} TLSA`
      return inPlaceOf(name, `${name} 3 1 1 ${'ab'.repeat(32)}`)
    },
  },
  {
    what: 'a TLSA record of a kind that mail has no use for',
    code: 'tlsa-unusable',
    zone: () => {
      const name = `_${world.ports.relay}._tcp.${hostname} TLSA`
      return inPlaceOf(name, `${name} 1 1 1 ${'ab'.repeat(32)}`)
    },
  },
  {
    what: 'a TLSA record in a zone that is not signed',
    code: 'tlsa-unsigned',
    zone: () => [
      ...mx(`${domain} MX 10 mx.unsigned.test`),
      `mx.unsigned.test A ${address}`,
      world.zone.find(line => line.includes(' TLSA '))?.replace(hostname, 'mx.unsigned.test') ?? '',
    ],
    breaking: () => {
      const { answer } = world.policy
      world.policy.answer = { body: answer.body.replace('enforce', 'none') }
      return () => (world.policy.answer = answer)
    },
  },
  {
    what: 'an SRV record with a port that is none of ours',
    code: 'service-elsewhere',
    zone: () =>
      inPlaceOf(`_submissions._tcp.${domain}`, `_submissions._tcp.${domain} SRV 0 1 1465 ${hostname}`),
  },
  { what: 'no PTR record', code: 'reverse-missing', zone: () => without(`${reverse} PTR`) },
  {
    what: 'a PTR record with a name of the provider',
    code: 'reverse-other-name',
    zone: () =>
      inPlaceOf(`${reverse} PTR`, `${reverse} PTR host25.provider.test`, `host25.provider.test A ${address}`),
  },
  {
    what: 'a PTR record with a name that does not lead back',
    code: 'reverse-unconfirmed',
    zone: () => inPlaceOf(`${reverse} PTR`, `${reverse} PTR host25.provider.test`),
  },
  {
    what: 'our address on a block list',
    code: 'listed',
    zone: () => beside('25.0.0.127.list.test A 127.0.0.4', '25.0.0.127.list.test TXT see list.test/why'),
  },
  {
    what: 'our domain on a block list',
    code: 'listed',
    zone: () => beside(`${domain}.domains.test A 127.0.1.2`),
  },
  {
    what: 'a name server that does not have the zone',
    code: 'name-server-lame',
    breaking: () => {
      world.secondDns.disown(true)
      return () => world.secondDns.disown(false)
    },
  },
  {
    what: 'a name server that says nothing',
    code: 'name-server-silent',
    breaking: () => {
      world.secondDns.setBehaviour(domain, 'silent')
      return () => world.secondDns.setBehaviour(domain, undefined)
    },
  },
  {
    what: 'a name server without an address',
    code: 'name-server-missing',
    zone: () => beside(`${domain} NS ns3.${domain}`),
  },
  {
    what: 'a name server that only the zone above still names, and that is gone',
    code: 'name-server-missing',
    secondZone: () => beside(`${domain} NS ns9.${domain}`),
  },
  {
    what: 'a name server that has the zone of before',
    code: 'name-server-behind',
    zone: () => [
      `${domain} SOA ns1.${domain} 2`,
      ...spf('v=spf1 a:mail.example.test ~all').filter(line => !line.includes(' SOA ')),
    ],
    secondZone: () => world.zone,
  },
  {
    what: 'name servers that answer differently',
    code: 'name-servers-differ',
    secondZone: () => spf('v=spf1 a:mail.example.test ~all'),
  },
  {
    what: 'a resolver with a zone of its own',
    code: 'views-differ',
    zone: () =>
      without(`${domain} NS ns1`).map(line =>
        line.startsWith('_dmarc.') ? `_dmarc.${domain} TXT v=DMARC1; p=reject` : line,
      ),
    secondZone: () => without(`${domain} NS ns1`),
  },
  {
    what: 'port 25 of others out of reach',
    code: 'way-out-closed',
    zone: () => beside('dead.test MX 10 mx.dead.test', `mx.dead.test A ${emptyAddress}`),
    more: ['--peer', 'dead.test'],
    breaking: () => {
      const zone = world.dns
      zone.setBehaviour('peer.test', 'SERVFAIL')
      return () => zone.setBehaviour('peer.test', undefined)
    },
  },
  {
    what: 'a clock that is ten minutes off',
    code: 'clock-wrong',
    breaking: () => {
      world.time.aheadMs = 600_000
      return () => (world.time.aheadMs = 0)
    },
  },
  {
    what: 'no DNS server that answers',
    code: 'resolver-silent',
    breaking: async () =>
      await changeSettings(settings => settings.replace(world.dns.text, `${emptyAddress}:${world.dns.port}`)),
  },
  {
    what: 'a domain that is not in the DNS',
    code: 'domain-missing',
    breaking: async () => {
      await world.at.postrider('domain', 'create', 'gone.test')
      return async () => await world.at.postrider('domain', 'remove', 'gone.test')
    },
  },
  {
    what: 'a proxy that makes strangers look like neighbours',
    code: 'open-relay',
    zone: () =>
      world.zone.map(line =>
        line.replaceAll(address, '127.0.0.26').replace(reverse, '26.0.0.127.in-addr.arpa'),
      ),
    breaking: async () => await startProxies('127.0.0.26'),
    more: ['--public-address', '127.0.0.26'],
  },
  {
    what: 'a certificate that is not for a mail host, where other servers check it (MTA-STS)',
    code: 'certificate-name',
    zone: () => [...mx(`${domain} MX 10 mx.${domain}`), `mx.${domain} A ${address}`],
    breaking: () => {
      const { answer } = world.policy
      world.policy.answer = { body: answer.body.replace(hostname, `mx.${domain}`) }
      return () => (world.policy.answer = answer)
    },
  },
  {
    what: 'a certificate for another name',
    code: 'certificate-name',
    zone: () => without(`_${world.ports.relay}._tcp.`),
    breaking: async () => await showCertificate(await issueCertificate(trustedAuthority, [`www.${domain}`])),
  },
  {
    what: 'a certificate without that of its issuer',
    code: 'certificate-chain',
    zone: () => without(`_${world.ports.relay}._tcp.`),
    breaking: async () => {
      const between = await makeAuthority('between', { issuer: trustedAuthority })
      return await showCertificate(await issueCertificate(between, [hostname]))
    },
  },
  {
    what: 'a certificate that ends within days',
    code: 'certificate-ends',
    zone: () => without(`_${world.ports.relay}._tcp.`),
    breaking: async () => {
      const day = 86_400_000
      return await showCertificate(
        await issueCertificate(trustedAuthority, [hostname], {
          notBefore: new Date(Date.now() - 85 * day),
          notAfter: new Date(Date.now() + 5 * day),
        }),
      )
    },
  },
  {
    what: 'a certificate of nobody',
    code: 'certificate-untrusted',
    zone: () => without(`_${world.ports.relay}._tcp.`),
    breaking: async () => {
      await showCertificate(await issueCertificate(undefined, [hostname]))
      // The last one: from a certificate that is whole the server goes back to none whose issuer nobody knows.
      return () => {}
    },
  },
]

/** Of what the settings file says to the command; the server has read it already. */
async function changeSettings(change: (settings: string) => string): Promise<() => Promise<void>> {
  const { settingsFile } = world.at
  const settings = await readFile(settingsFile, 'utf8')
  await writeFile(settingsFile, change(settings))
  return async () => await writeFile(settingsFile, settings)
}

/** Has the server show another certificate, and resolves when it does; what it returns takes that back. */
async function showCertificate(certificate: TestCertificate): Promise<() => Promise<unknown>> {
  const { at, server } = world
  await writeFile(join(at.folder, 'certificate.pem'), certificate.certificate)
  await writeFile(join(at.folder, 'key.pem'), certificate.key)
  const shown = z.array(z.object({ fingerprint: z.string() }))
  process.kill(server.pid, 'SIGHUP')
  await eventually('the certificate', async () => {
    const list = shown.parse(JSON.parse(await at.postrider('certificate', 'show', '--json')))
    return list.some(({ fingerprint }) => fingerprint === certificate.x509.fingerprint256) ? true : undefined
  })
  return async () => await showCertificate(world.certificate)
}

/** In front of all ports, as a proxy of containers does it: the server sees its address and no other. */
async function startProxies(front: string): Promise<() => void> {
  const proxies = await Promise.all(
    Object.values(world.ports).map(async (port: number) => {
      const proxy = createServer({ noDelay: true }, client => {
        const behind = connect({ host: address, port, localAddress: neighbour, noDelay: true })
        client.pipe(behind).pipe(client)
        for (const socket of [client, behind]) socket.on('error', () => socket.destroy())
      })
      proxy.listen(port, front)
      await once(proxy, 'listening')
      return proxy
    }),
  )
  return () => {
    for (const proxy of proxies) proxy.close()
  }
}

describe('postrider doctor', () => {
  it('finds nothing on a correct set-up, and has looked at everything', async () => {
    const ran = await world.doctor()
    const report = readReport(ran)
    assert.deepEqual(report.findings, [])
    assert.deepEqual(report.notChecked, [])
    assert.equal(ran.exitCode, 0)
    assert.deepEqual([...new Set(report.passed.map(({ check }) => check))], checkNames)
  })

  it('has each of its codes in docs/doctor.md, and no other', () => {
    const root = join(import.meta.dirname, '..', '..')
    const inDocument = [
      ...readFileSync(join(root, 'docs/doctor.md'), 'utf8').matchAll(/^\| `([a-z0-9-]+)` \|/gm),
    ].map(([, code]) => code)
    const inSources = globSync('src/doctor/**/*.ts', { cwd: root }).flatMap(file =>
      [
        ...readFileSync(join(root, file), 'utf8').matchAll(
          /\b(?:error|warning|advice|make)\(\s*(?:[a-z.]+ === 'missing' \? )?'([a-z0-9-]+)'(?: : '([a-z0-9-]+)')?/g,
        ),
      ].flatMap(([, code, other]) => (other === undefined ? [code] : [code, other])),
    )
    const checks: readonly string[] = checkNames
    assert.deepEqual(
      inDocument.filter(code => !checks.includes(code ?? '')).sort(),
      [...new Set(inSources)].sort(),
    )
  })

  it('advises what would be better, and that is nothing wrong', async () => {
    world.publish(
      [...dmarc('v=DMARC1; p=none')].filter(
        line => !line.startsWith('_smtp._tls.') && !line.startsWith('_pop3s.'),
      ),
    )
    try {
      const ran = await world.doctor()
      const report = readReport(ran)
      assert.deepEqual(codesOf(report), ['dmarc-idle', 'service-missing', 'tls-reports-missing'])
      // As "domain dns" prints it: those who can read the mailbox are not to fetch it.
      const remedy = report.findings.find(({ code }) => code === 'service-missing')?.remedy ?? ''
      assert.match(remedy, /^Publish: _pop3s\._tcp\.example\.test\. IN SRV 10 1 \d+ mail\.example\.test\.$/)
      assert.ok(report.findings.every(({ severity }) => severity === 'advice'))
      assert.equal(ran.exitCode, 0)
    } finally {
      world.publish(world.zone)
    }
  })

  it('says of what it could not ask that it was not checked, and why; it raises no alarm and shows no green', async () => {
    for (const name of ['list.test', '25.0.0.127.list.test', `_dmarc.${domain}`, 'peer.test'])
      world.dns.setBehaviour(name, 'SERVFAIL')
    try {
      const ran = await world.doctor('--time-server', '127.0.0.98:1123')
      const report = readReport(ran)
      assert.deepEqual(report.findings, [])
      assert.equal(ran.exitCode, 0)
      const places = new Set(report.notChecked.map(({ check, subject }) => `${check} ${subject}`))
      for (const place of [
        `DMARC ${domain}`,
        `block lists ${address}`,
        'way out this machine',
        'clock this machine',
      ]) {
        assert.ok(places.has(place), place)
        assert.ok(!report.passed.some(({ check, subject }) => place === `${check} ${subject}`), place)
      }
    } finally {
      for (const name of ['list.test', '25.0.0.127.list.test', `_dmarc.${domain}`, 'peer.test'])
        world.dns.setBehaviour(name, undefined)
    }
  })

  it('shows no green for the zone of a domain that is not in the DNS', async () => {
    await world.at.postrider('domain', 'create', 'gone.test')
    const report = readReport(await world.doctor())
    await world.at.postrider('domain', 'remove', 'gone.test')
    const places = report.notChecked.map(({ check, subject }) => `${check} ${subject}`)
    for (const place of ['zones gone.test', 'DNSSEC gone.test']) assert.ok(places.includes(place), place)
    // The zone that says so is not ours.
    assert.deepEqual(
      report.passed.filter(({ subject }) => subject === 'test'),
      [],
    )
  })

  it('believes no list of domains that answers nobody, lists everybody, or nobody', async () => {
    for (const [lines, why] of [
      [
        [`${domain}.domains.test A 127.0.1.2`, 'invalid.domains.test A 127.0.1.2'],
        /it lists what no list may/,
      ],
      [[], /it does not even list what every list has to/],
      [['test.domains.test A 127.255.255.254'], /it does not serve this resolver/],
    ] as const) {
      world.publish([...without('test.domains.test'), ...lines])
      const report = readReport(await world.doctor())
      world.publish(world.zone)
      assert.deepEqual(report.findings, [])
      assert.deepEqual(
        report.notChecked.map(({ check, subject }) => `${check} ${subject}`),
        [`block lists ${domain}`],
      )
      assert.match(report.notChecked[0]?.because ?? '', why)
    }
  })

  it('believes no block list that lists everybody, and none that lists nobody', async () => {
    for (const lines of [
      ['25.0.0.127.list.test A 127.0.0.2', '1.0.0.127.list.test A 127.0.0.2'],
      [] as readonly ZoneLine[],
    ]) {
      world.publish([...without('2.0.0.127.list.test'), ...lines])
      const report = readReport(await world.doctor())
      world.publish(world.zone)
      assert.deepEqual(report.findings, [])
      assert.deepEqual(
        report.notChecked.map(({ check, subject }) => `${check} ${subject}`),
        [`block lists ${address}`],
      )
    }
  })

  it('tells people what is wrong, what it costs and how to mend it', async () => {
    world.publish(without(`${reverse} PTR`))
    const { stdout, exitCode } = await world.tell()
    world.publish(world.zone)
    assert.equal(exitCode, 1)
    assert.equal(
      stdout.split('\n').slice(-6).join('\n'),
      [
        'ERROR    reverse DNS 127.0.0.25: 127.0.0.25, from which mail leaves, has no name (PTR).',
        '         Costs: Large receivers refuse mail from such an address.',
        '         Mend:  Have the provider of 127.0.0.25 set its PTR record to mail.example.test; it is set there, not in your own zone.',
        '',
        '1 error, 0 warnings.',
        '',
      ].join('\n'),
    )
  })

  for (const { what, code, zone, secondZone, more = [], breaking } of broken) {
    it(`${what}: ${code}, and nothing else`, async () => {
      const restore = await breaking?.()
      try {
        world.dns.setZone(zone?.() ?? world.zone)
        world.secondDns.setZone(secondZone?.() ?? zone?.() ?? world.zone)
        const ran = await world.doctor(...more)
        const report = readReport(ran)
        assert.deepEqual(codesOf(report), [code], JSON.stringify(report.findings, null, 1))
        assert.equal(ran.exitCode, 1)
        // Each check is told of, whatever came of it.
        const told = [...report.findings, ...report.notChecked, ...report.passed].map(({ check }) => check)
        assert.deepEqual(
          checkNames.filter(name => !told.includes(name)),
          [],
        )
      } finally {
        await restore?.()
        world.publish(world.zone)
      }
    })
  }

  it('a server that does not run: server-stopped, and nothing else', async () => {
    await world.server.stop()
    const ran = await world.doctor()
    assert.deepEqual(codesOf(readReport(ran)), ['server-stopped'])
    assert.equal(ran.exitCode, 1)
  })
})
