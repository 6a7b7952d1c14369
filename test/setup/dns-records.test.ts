// The DNS records that `postrider init` writes: a zone file that a name server takes, with a reason for each record.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { composeDnsRecords } from '../../src/setup/dns-records.ts'

const recordsOf = (zone: string): string[] =>
  zone.split('\n').filter(line => line !== '' && !line.startsWith(';'))

describe('the DNS records', () => {
  it('are MX, SPF, DMARC of each domain and the addresses of the host', () => {
    const zone = composeDnsRecords({
      hostname: 'mail.example.com',
      domains: ['example.com'],
      addresses: ['192.0.2.1', '2001:db8::1'],
    })
    assert.deepEqual(recordsOf(zone), [
      'example.com. 3600 IN MX 10 mail.example.com.',
      'example.com. 3600 IN TXT "v=spf1 mx ~all"',
      '_dmarc.example.com. 3600 IN TXT "v=DMARC1; p=none; rua=mailto:postmaster@example.com"',
      '_smtp._tls.example.com. 3600 IN TXT "v=TLSRPTv1; rua=mailto:postmaster@example.com"',
      'mail.example.com. 3600 IN A 192.0.2.1',
      'mail.example.com. 3600 IN AAAA 2001:db8::1',
      'mail.example.com. 3600 IN TXT "v=spf1 a -all"',
    ])
    assert.match(zone, /^; 1\.2\.0\.192\.in-addr\.arpa\. 3600 IN PTR mail\.example\.com\.$/m)
    assert.match(zone, /^; (1\.(0\.)+)8\.b\.d\.0\.1\.0\.0\.2\.ip6\.arpa\. 3600 IN PTR mail\.example\.com\.$/m)
  })

  it('have those of the MTA-STS policy where there is one', () => {
    const zone = composeDnsRecords({
      hostname: 'mail.example.com',
      domains: ['example.com'],
      addresses: ['192.0.2.1'],
      stsPolicy: { mode: 'enforce', maxAgeDays: 14, mx: ['mail.example.com'] },
    })
    const records = recordsOf(zone).filter(record => record.includes('mta-sts'))
    assert.match(records[0] ?? '', /^_mta-sts\.example\.com\. 3600 IN TXT "v=STSv1; id=[0-9a-f]{20}"$/)
    assert.deepEqual(records.slice(1), ['mta-sts.example.com. 3600 IN CNAME mail.example.com.'])
  })

  it('hold A-labels, and show people the U-labels', () => {
    const zone = composeDnsRecords({
      hostname: 'mail.xn--e1afmkfd.xn--p1ai',
      domains: ['xn--e1afmkfd.xn--p1ai'],
      addresses: [],
    })
    assert.ok(zone.includes('пример.рф (in the DNS xn--e1afmkfd.xn--p1ai)'))
    for (const record of recordsOf(zone)) assert.match(record, /^[\x20-\x7e]+$/)
  })

  it('have no address that nobody knows', () => {
    const zone = composeDnsRecords({ hostname: 'mail.example.com', domains: ['example.com'], addresses: [] })
    assert.ok(!recordsOf(zone).some(record => / IN A+ /.test(record)))
    assert.match(zone, /not known here\. Write it in/)
    assert.match(zone, /^; PTR: the public address .* provider/m)
  })

  it('keep each string within 255 bytes', () => {
    const label = 'a'.repeat(60)
    const domain = `${label}.${label}.${label}.example`
    const zone = composeDnsRecords({ hostname: `mail.example`, domains: [domain], addresses: [] })
    const [record = ''] = recordsOf(zone).filter(line => line.startsWith('_dmarc'))
    for (const [, text = ''] of record.matchAll(/"([^"]*)"/g)) assert.ok(text.length <= 255)
    assert.ok(record.includes(`postmaster@${label}`))
  })

  it('are those of services that there are, of further addresses, and of the certificate', () => {
    const zone = composeDnsRecords({
      hostname: 'mail.example.com',
      domains: ['example.com'],
      addresses: ['192.0.2.1'],
      listeners: [
        { role: 'relay', port: 25 },
        { role: 'submissions', port: 465 },
        // The same on IPv6.
        { role: 'submissions', port: 465 },
        { role: 'imaps', port: 993 },
        { role: 'pop3s', port: 995 },
      ],
      sources: [
        { address: '192.0.2.7' },
        { address: '192.0.2.8', heloName: 'out1.example.com' },
        { address: '2001:db8::8', heloName: 'out1.example.com' },
        // Behind a router: what others see of it, nobody here knows.
        { address: '10.0.0.1' },
      ],
      certificateKeys: [{ record: `3 1 1 ${'ab'.repeat(32)}`, isShown: true, isKept: true }],
    })
    assert.deepEqual(
      recordsOf(zone).filter(record => !/^_(dmarc|smtp)/.test(record)),
      [
        'example.com. 3600 IN MX 10 mail.example.com.',
        'example.com. 3600 IN TXT "v=spf1 mx ip4:192.0.2.7 ip4:192.0.2.8 ip6:2001:db8::8 ~all"',
        '_submissions._tcp.example.com. 3600 IN SRV 0 1 465 mail.example.com.',
        '_imaps._tcp.example.com. 3600 IN SRV 0 1 993 mail.example.com.',
        '_pop3s._tcp.example.com. 3600 IN SRV 10 1 995 mail.example.com.',
        'mail.example.com. 3600 IN A 192.0.2.1',
        'out1.example.com. 3600 IN A 192.0.2.8',
        'out1.example.com. 3600 IN AAAA 2001:db8::8',
        'mail.example.com. 3600 IN TXT "v=spf1 a ip4:192.0.2.7 -all"',
        'out1.example.com. 3600 IN TXT "v=spf1 a -all"',
        `_25._tcp.mail.example.com. 3600 IN TLSA 3 1 1 ${'ab'.repeat(32)}`,
      ],
    )
    for (const [address, name] of [
      ['1.2.0.192', 'mail'],
      ['7.2.0.192', 'mail'],
      ['8.2.0.192', 'out1'],
    ])
      assert.ok(zone.includes(`; ${address}.in-addr.arpa. 3600 IN PTR ${name}.example.com.`))
  })

  it('leave the key of a certificate that others renew to whoever knows what he does', () => {
    const zone = composeDnsRecords({
      hostname: 'mail.example.com',
      domains: ['example.com'],
      addresses: ['192.0.2.1'],
      certificateKeys: [{ record: `3 1 1 ${'ab'.repeat(32)}`, isShown: true, isKept: false }],
    })
    assert.match(zone, /^; _25\._tcp\.mail\.example\.com\. 3600 IN TLSA 3 1 1 (ab){32}$/m)
  })

  it('have the key that comes next beside the one in use, and say where there is none', () => {
    const server = { hostname: 'mail.example.com', domains: ['example.com'], addresses: ['192.0.2.1'] }
    const zone = composeDnsRecords({
      ...server,
      certificateKeys: [
        { record: '3 1 1 aa', isShown: true, isKept: true },
        { record: '3 1 1 bb', isShown: false, isKept: true },
      ],
    })
    assert.deepEqual(
      recordsOf(zone).filter(record => record.includes('TLSA')),
      [
        '_25._tcp.mail.example.com. 3600 IN TLSA 3 1 1 aa',
        '_25._tcp.mail.example.com. 3600 IN TLSA 3 1 1 bb',
      ],
    )
    assert.match(zone, /NEW: the key that comes next/)
    assert.match(composeDnsRecords(server), /^; DANE: there is no certificate yet/m)
  })

  it('have one SPF record where the server has the name of the domain', () => {
    const zone = composeDnsRecords({
      hostname: 'example.com',
      domains: ['example.com'],
      addresses: ['192.0.2.1'],
    })
    assert.equal(recordsOf(zone).filter(record => record.includes('v=spf1')).length, 1)
  })

  it('ask for the SPF record of a smart host, and for no PTR record', () => {
    const zone = composeDnsRecords({
      hostname: 'mail.example.com',
      domains: ['example.com'],
      addresses: ['192.0.2.1'],
      smartHost: 'smtp.example.net',
    })
    assert.match(zone, /leaves through smtp\.example\.net/)
    assert.doesNotMatch(zone, /PTR/)
  })

  it('tell of each key what is to be done with its record', () => {
    const key = {
      domain: 'example.com',
      algorithm: 'rsa',
      publicKey: 'A'.repeat(392),
      isImported: false,
      stateSince: Date.UTC(2026, 10, 1),
      createdAt: 0,
    } as const
    const zone = composeDnsRecords({
      hostname: 'mail.example.com',
      domains: ['example.com'],
      addresses: [],
      keys: [
        { ...key, selector: 'new', state: 'next' },
        { ...key, selector: 'now', state: 'active' },
        { ...key, selector: 'old', state: 'retired' },
        { ...key, selector: 'gone', state: 'revoked' },
        { ...key, selector: 'first', state: 'next', algorithm: 'ed25519' },
      ],
    })
    const purposeOf = (selector: string): string => {
      const before = zone.slice(0, zone.indexOf(`${selector}._domainkey`))
      return before.slice(before.lastIndexOf('\n\n')).replaceAll(/\n; |\n/g, ' ')
    }
    assert.match(purposeOf('new'), /NEW, publish it now beside the old one/)
    assert.match(purposeOf('now'), /with which mail of this domain is signed/)
    assert.match(purposeOf('old'), /keep the record until 2026-11-15/)
    assert.match(purposeOf('gone'), /no longer used/)
    assert.match(purposeOf('first'), /as soon as this server sees it/)
    assert.match(zone, /^; gone\._domainkey\.example\.com\. 3600 IN TXT "v=DKIM1; p="$/m)
    const [record = ''] = recordsOf(zone).filter(line => line.startsWith('now._domainkey'))
    const strings = [...record.matchAll(/"([^"]*)"/g)].map(([, text = '']) => text)
    assert.deepEqual(
      strings.map(text => text.length),
      [255, 155],
    )
    assert.equal(strings.join(''), `v=DKIM1; k=rsa; p=${'A'.repeat(392)}`)
  })
})
