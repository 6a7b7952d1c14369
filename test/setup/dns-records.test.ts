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
      'example.com. 3600 IN TXT "v=spf1 mx -all"',
      '_dmarc.example.com. 3600 IN TXT "v=DMARC1; p=none; rua=mailto:postmaster@example.com"',
      'mail.example.com. 3600 IN A 192.0.2.1',
      'mail.example.com. 3600 IN AAAA 2001:db8::1',
      'mail.example.com. 3600 IN TXT "v=spf1 a -all"',
    ])
    assert.match(zone, /^; {3}192\.0\.2\.1 -> mail\.example\.com$/m)
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
  })

  it('keep each string within 255 bytes', () => {
    const label = 'a'.repeat(60)
    const domain = `${label}.${label}.${label}.example`
    const zone = composeDnsRecords({ hostname: `mail.example`, domains: [domain], addresses: [] })
    const [record = ''] = recordsOf(zone).filter(line => line.startsWith('_dmarc'))
    for (const [, text = ''] of record.matchAll(/"([^"]*)"/g)) assert.ok(text.length <= 255)
    assert.ok(record.includes(`postmaster@${label}`))
  })
})
