// Networks: who is inside, who is not, and that IPv4 in IPv6 clothes is IPv4.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  hostNetworkOf,
  isInNetworks,
  isLoopback,
  type Network,
  neighbourhoodOf,
  parseNetwork,
  plainAddress,
  siteOf,
} from '../../src/address/networks.ts'

function networks(...texts: string[]): Network[] {
  return texts.map(text => parseNetwork(text) ?? assert.fail(text))
}

for (const { network, inside, outside } of [
  { network: '192.0.2.7', inside: ['192.0.2.7'], outside: ['192.0.2.8', '::ffff:192.0.2.8', '::192.0.2.7'] },
  { network: '192.0.2.0/24', inside: ['192.0.2.0', '192.0.2.255'], outside: ['192.0.3.0', '192.0.1.255'] },
  { network: '192.0.2.128/25', inside: ['192.0.2.128'], outside: ['192.0.2.127'] },
  { network: '192.0.2.99/24', inside: ['192.0.2.1'], outside: ['192.0.3.99'] },
  { network: '0.0.0.0/0', inside: ['1.2.3.4', '255.255.255.255'], outside: ['::1', '2001:db8::1'] },
  { network: '192.0.2.7/32', inside: ['192.0.2.7'], outside: ['192.0.2.6'] },
  {
    network: '2001:db8::/32',
    inside: ['2001:db8::1', '2001:DB8:ffff::'],
    outside: ['2001:db9::', '192.0.2.1'],
  },
  { network: '2001:db8::1', inside: ['2001:db8::1', '2001:db8:0:0:0:0:0:1'], outside: ['2001:db8::2'] },
  { network: '::/0', inside: ['::1', '2001:db8::1'], outside: ['192.0.2.1', '::ffff:192.0.2.1'] },
  { network: 'fe80::/10', inside: ['fe80::1', 'fe80::1%eth0'], outside: ['fec0::1', '::1%eth0'] },
  { network: '::ffff:192.0.2.7', inside: ['192.0.2.7', '::ffff:192.0.2.7'], outside: ['192.0.2.8', '::1'] },
  { network: '::ffff:192.0.2.0/120', inside: ['192.0.2.1', '::ffff:c000:2ff'], outside: ['192.0.3.1'] },
]) {
  test(`who is in ${network}`, () => {
    const list = networks(network)
    for (const address of inside) {
      assert.equal(isInNetworks(address, list), true, address)
      if (!address.includes(':'))
        assert.equal(isInNetworks(`::ffff:${address}`, list), true, `mapped ${address}`)
    }
    for (const address of outside) assert.equal(isInNetworks(address, list), false, address)
  })
}

for (const text of [
  '',
  '/',
  '/24',
  '192.0.2.0/',
  '192.0.2.0/33',
  '192.0.2.0/-1',
  '192.0.2.0/ 24',
  '192.0.2.0/24/24',
  '192.0.2.0/255.255.255.0',
  '192.0.2',
  '192.0.2.256',
  '192.0.2.01',
  ' 192.0.2.1',
  // What some parsers take for an address, and no administrator means.
  '1',
  '10/8',
  '0x7f000001',
  '0177.0.0.1',
  '2130706433',
  '2001:db8::/129',
  '2001:db8::g',
  '2001:db8',
  'fe80::1%eth0',
  '::ffff:192.0.2.0/95',
  'localhost',
  '*',
]) {
  test(`no network: ${JSON.stringify(text)}`, () => {
    assert.equal(parseNetwork(text), undefined)
  })
}

test('in any of several networks, and in none of no networks', () => {
  const list = networks('192.0.2.0/24', '2001:db8::/32')
  assert.equal(isInNetworks('192.0.2.1', list), true)
  assert.equal(isInNetworks('2001:db8::1', list), true)
  assert.equal(isInNetworks('198.51.100.1', list), false)
  assert.equal(isInNetworks('192.0.2.1', []), false)
})

test('what is no address is in no network', () => {
  for (const text of ['', 'localhost', '192.0.2', 'x'.repeat(1000), '::g', '0.0.0.0/0'])
    assert.equal(isInNetworks(text, networks('0.0.0.0/0', '::/0')), false, text)
})

test('an address is in every network around it, and flipping a bit of the prefix leads out', () => {
  const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))
  fc.assert(
    fc.property(octets, fc.integer({ min: 1, max: 32 }), fc.nat(31), (bytes, prefix, bit) => {
      const address = bytes.join('.')
      const list = networks(`${address}/${prefix}`)
      assert.equal(isInNetworks(address, list), true)
      const flipped = bytes.map((byte, index) =>
        index === Math.floor(bit / 8) ? byte ^ (0x80 >> (bit % 8)) : byte,
      )
      assert.equal(isInNetworks(flipped.join('.'), list), bit >= prefix)
    }),
  )
})

test('loopback, in each of its forms', () => {
  for (const address of ['127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1'])
    assert.equal(isLoopback(address), true, address)
  for (const address of [
    '128.0.0.1',
    '126.255.255.255',
    '0.0.0.0',
    '::',
    '::2',
    '::127.0.0.1',
    '192.0.2.1',
    'localhost',
    '',
  ])
    assert.equal(isLoopback(address), false, address)
})

test('a mapped address is shown as the IPv4 address that it is', () => {
  assert.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1')
  for (const address of ['192.0.2.1', '2001:db8::1', '::1', '']) assert.equal(plainAddress(address), address)
})

test('a host is an IPv4 address or a /64, in whatever spelling', () => {
  for (const [address, host] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['2001:db8::1', '2001:db8::/64'],
    ['2001:DB8:0:0:ffff:ffff:ffff:ffff', '2001:db8::/64'],
    ['2001:db8:0:1::1', '2001:db8:0:1::/64'],
    ['fe80::1%eth0', 'fe80::/64'],
    ['::1', '::/64'],
    ['', ''],
    ['no address', 'no address'],
  ] as const)
    assert.equal(hostNetworkOf(address), host, address)
})

for (const [address, neighbourhood, site] of [
  ['192.0.2.7', '192.0.2.0/24', '192.0.2.0/24'],
  ['::ffff:192.0.2.7', '192.0.2.0/24', '192.0.2.0/24'],
  ['2001:db8:1:2:3::4', '2001:db8:1:2::/64', '2001:db8:1::/48'],
  ['fe80::1%eth0', 'fe80::/64', 'fe80::/48'],
  ['nowhere', 'nowhere', 'nowhere'],
] as const)
  test(`the neighbours of ${address}, and its site`, () => {
    assert.equal(neighbourhoodOf(address), neighbourhood)
    assert.equal(siteOf(address), site)
  })
