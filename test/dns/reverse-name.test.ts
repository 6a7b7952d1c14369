// Where the names of an address stand in the DNS.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createResolver } from '../../src/dns/resolver.ts'
import { reverseName } from '../../src/dns/reverse-name.ts'
import { startDnsServer } from '../harness/dns-server.ts'

test('the name under which an address has its names', () => {
  assert.equal(reverseName('192.0.2.1'), '1.2.0.192.in-addr.arpa')
  assert.equal(
    reverseName('2001:db8::1'),
    '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
  )
  assert.equal(reverseName('mx.example.test'), undefined)
})

test('the names of an address are looked up, and texts longer than a string of the DNS', async t => {
  const long = 'x'.repeat(700)
  const dns = await startDnsServer(['1.2.0.192.in-addr.arpa PTR Mx.Example.TEST', `long.test TXT ${long}`])
  t.after(() => dns.close())
  const resolver = createResolver({ servers: [dns] })
  t.after(() => resolver.close())
  assert.partialDeepStrictEqual(await resolver.ptr('1.2.0.192.in-addr.arpa'), {
    kind: 'found',
    records: ['mx.example.test'],
  })
  assert.partialDeepStrictEqual(await resolver.txt('long.test'), { kind: 'found', records: [long] })
})
