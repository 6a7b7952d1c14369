// Which servers are this server itself.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createOwnEndpoints } from '../../src/routing/own-endpoints.ts'

const own = (...listeners: { address: string; port: number }[]) =>
  createOwnEndpoints({
    hostname: 'Mail.Example.test',
    listeners,
    machineAddresses: () => ['192.0.2.7', '2001:db8::7'],
  })

test('the own name counts in any spelling', () => {
  assert.equal(own().isOwnName('mail.example.TEST.'), true)
  assert.equal(own().isOwnName('mx.example.test'), false)
})

test('an address counts together with its port', () => {
  const one = own({ address: '127.0.0.1', port: 25 })
  assert.equal(one.isOwnAddress('127.0.0.1', 25), true)
  assert.equal(one.isOwnAddress('::ffff:127.0.0.1', 25), true)
  assert.equal(one.isOwnAddress('127.0.0.1', 2525), false)
  assert.equal(one.isOwnAddress('127.0.0.2', 25), false)
})

test('a listener on every address takes those of the machine', () => {
  const six = own({ address: '::', port: 25 })
  assert.equal(six.isOwnAddress('192.0.2.7', 25), true)
  assert.equal(six.isOwnAddress('2001:DB8::7', 25), true)
  assert.equal(six.isOwnAddress('127.0.0.5', 25), true)
  assert.equal(six.isOwnAddress('192.0.2.8', 25), false)
  const four = own({ address: '0.0.0.0', port: 25 })
  assert.equal(four.isOwnAddress('192.0.2.7', 25), true)
  assert.equal(four.isOwnAddress('2001:db8::7', 25), false)
})

test('an address that leads nowhere but to this machine is its own, however a stranger writes it', () => {
  const six = own({ address: '::', port: 25 })
  for (const address of [
    '0.0.0.0',
    '::',
    '::ffff:0.0.0.0',
    '::ffff:7f00:1',
    '0:0:0:0:0:0:0:1',
    '::ffff:c000:207',
  ])
    assert.equal(six.isOwnAddress(address, 25), true, address)
  const loopback = own({ address: '127.0.0.1', port: 25 })
  assert.equal(loopback.isOwnAddress('0.0.0.0', 25), true)
  const outside = own({ address: '192.0.2.7', port: 25 })
  assert.equal(outside.isOwnAddress('0.0.0.0', 25), false)
})
