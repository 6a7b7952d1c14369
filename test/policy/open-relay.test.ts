import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findOpenNetworks } from '../../src/policy/open-networks.ts'

test('networks that take in strangers are found', () => {
  const severity = (network: string): string => findOpenNetworks([network])[0]?.severity ?? 'fine'
  const expected: readonly (readonly [network: string, severity: string])[] = [
    ['0.0.0.0/0', 'refuse'],
    ['::/0', 'refuse'],
    ['::1/0', 'refuse'],
    ['10.0.0.0/4', 'refuse'],
    ['64.0.0.0/7', 'refuse'],
    ['2000::/3', 'refuse'],
    ['not a network', 'refuse'],
    ['11.0.0.0/8', 'refuse'],
    ['2a00::/16', 'refuse'],
    ['12.0.0.0/12', 'warn'],
    ['2a00:1000::/24', 'warn'],
    ['198.51.100.0/24', 'fine'],
    ['198.51.100.7', 'fine'],
    ['127.0.0.0/8', 'fine'],
    ['10.0.0.0/8', 'fine'],
    ['192.168.0.0/16', 'fine'],
    ['fc00::/7', 'fine'],
    ['fe80::/10', 'fine'],
    ['::1', 'fine'],
    ['2001:db8:1::/48', 'fine'],
  ]
  for (const [network, expectedSeverity] of expected)
    assert.equal(severity(network), expectedSeverity, network)
})
