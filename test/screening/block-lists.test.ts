// Lists in the DNS, asked over a real server of the test's.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createResolver } from '../../src/dns/resolver.ts'
import { askAddressLists, type Listing, linesOfListings } from '../../src/screening/block-lists.ts'
import { startDnsServer } from '../harness/dns-server.ts'

async function ask(
  t: TestContext,
  records: readonly string[],
  address: string,
  answers: readonly string[] = [],
): Promise<Listing | undefined> {
  const dns = await startDnsServer(records)
  const resolver = createResolver({ servers: [dns], timeoutMs: 2000 })
  t.after(async () => {
    resolver.close()
    await dns.close()
  })
  const [listing] = await askAddressLists(
    resolver,
    [{ zone: 'bl.example.test', points: 3, answers }],
    address,
  )
  return listing
}

test('an address that is listed, with what the list says of it', async t => {
  const listing = await ask(
    t,
    ['7.2.0.192.bl.example.test A 127.0.0.2', '7.2.0.192.bl.example.test TXT Sent spam on Monday'],
    '192.0.2.7',
  )
  assert.deepEqual(listing, {
    kind: 'listed',
    zone: 'bl.example.test',
    points: 3,
    answers: ['127.0.0.2'],
    text: 'Sent spam on Monday',
  })
  assert.deepEqual(linesOfListings(listing ? [listing] : []), [
    { source: 'bl.example.test', name: 'listed as 127.0.0.2', points: 3, detail: 'Sent spam on Monday' },
  ])
})

test('an IPv6 address is asked for digit by digit', async t => {
  const name = '7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example.test'
  assert.equal((await ask(t, [`${name} A 127.0.0.4`], '2001:db8::7'))?.kind, 'listed')
})

test('an address that is not listed, or listed as what does not count', async t => {
  const records = ['8.2.0.192.bl.example.test A 127.0.0.2', '7.2.0.192.bl.example.test A 127.0.0.10']
  assert.equal((await ask(t, records, '192.0.2.9'))?.kind, 'not-listed')
  assert.equal((await ask(t, records, '192.0.2.7', ['127.0.0.2']))?.kind, 'not-listed')
})

test('a star stands for any number', async t => {
  const records = ['7.2.0.192.bl.example.test A 127.0.14.3', '8.2.0.192.bl.example.test A 127.0.14.30']
  assert.equal((await ask(t, records, '192.0.2.7', ['127.0.*.3']))?.kind, 'listed')
  assert.equal((await ask(t, records, '192.0.2.8', ['127.0.*.3']))?.kind, 'not-listed')
})

test('a list that refuses to answer, or that has been taken over, lists nobody', async t => {
  const refused = await ask(t, ['7.2.0.192.bl.example.test A 127.255.255.254'], '192.0.2.7')
  assert.ok(refused?.kind === 'no-answer')
  assert.match(refused.detail, /does not serve this resolver/)
  assert.deepEqual(linesOfListings([refused]), [])
  const parked = await ask(t, ['7.2.0.192.bl.example.test A 203.0.113.80'], '192.0.2.7')
  assert.equal(parked?.kind, 'not-listed')
})
