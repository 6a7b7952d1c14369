// Reverse-paths that name the recipient: what is composed is read back, or not composed at all.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Address } from '../../src/address/address.ts'
import { formatAddress } from '../../src/address/format-address.ts'
import { parseAddress } from '../../src/address/parse-address.ts'
import { composeVerp, parseVerp } from '../../src/address/verp.ts'

const address = (text: string): Address => parseAddress(text) ?? assert.fail(text)
const news = address('news@example.test')

function compose(recipient: string, sender = news, delimiter = '='): string | undefined {
  const verp = composeVerp(sender, address(recipient), delimiter)
  return verp && formatAddress(verp)
}

test('the recipient stands in the detail of the sender, and the domain stays', () => {
  assert.equal(compose('boris@example.org'), 'news+boris=example.org@example.test')
  assert.equal(compose('boris@example.org', news, '#'), 'news+boris#example.org@example.test')
})

test('it is read back, whatever the local-part of the recipient has', () => {
  for (const recipient of ['boris@example.org', 'a+b=c@example.org', 'A.B@example.org']) {
    const verp = parseVerp(address(compose(recipient) ?? assert.fail(recipient)), '=')
    assert.equal(verp && formatAddress(verp.sender), 'news@example.test')
    assert.equal(verp && formatAddress(verp.recipient), recipient)
  }
})

test('none is made that a server may refuse or that could not be read back', () => {
  assert.equal(compose(`${'x'.repeat(60)}@example.org`), undefined, 'longer than 64 octets')
  assert.equal(compose('почта@example.org'), undefined, 'beyond ASCII')
  assert.equal(compose('"a b"@example.org'), undefined, 'in need of quotes')
  assert.equal(compose('boris@[192.0.2.1]'), undefined, 'an address literal')
  assert.equal(compose('boris@example.org', address('news+june@example.test')), undefined, 'a subaddress')
})

test('other addresses are none', () => {
  for (const text of [
    'news@example.test',
    'news+june@example.test',
    'news+=example.org@example.test',
    'news+boris=@example.test',
    '+boris=example.org@example.test',
  ])
    assert.equal(parseVerp(address(text), '='), undefined, text)
})

test('whatever the addresses are, what is composed is an address and says who it is for', () => {
  const local = fc.stringMatching(/^[!-~]{1,20}$/)
  const domain = fc.stringMatching(/^[a-z0-9]{1,8}(\.[a-z0-9]{1,8}){0,2}$/)
  fc.assert(
    fc.property(local, local, domain, fc.constantFrom('=', '#', '~'), (from, to, name, delimiter) => {
      const sender = parseAddress(formatAddress({ localPart: from, domain: 'example.test' }))
      const recipient = parseAddress(formatAddress({ localPart: to, domain: name }))
      if (!sender || !recipient) return
      const verp = composeVerp(sender, recipient, delimiter)
      if (!verp) return
      assert.deepEqual(parseAddress(formatAddress(verp)), verp)
      assert.deepEqual(parseVerp(verp, delimiter), { sender, recipient })
    }),
  )
})
