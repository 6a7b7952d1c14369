// Rewritten senders: they lead back, to nobody but whom we wrote into them, and for a while only.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Address } from '../../src/address/address.ts'
import { formatAddress } from '../../src/address/format-address.ts'
import { parseAddress } from '../../src/address/parse-address.ts'
import { isSrsAddress, openSrs, rewriteSender, type SrsKey } from '../../src/routing/srs.ts'

const dayMs = 86_400_000
const now = Date.UTC(2026, 0, 5)
const key: SrsKey = { secret: Buffer.from('a secret of the test'), now }

function address(text: string): Address {
  const parsed = parseAddress(text)
  assert.ok(parsed, text)
  return parsed
}

function rewritten(sender: string, domain = 'forwarder.test', by = key): Address {
  const found = rewriteSender(address(sender), domain, by)
  assert.ok(found, sender)
  return found
}

test('the form is that of SRS0, and it leads back', () => {
  const srs = rewritten('anna@example.org')
  assert.match(formatAddress(srs), /^SRS0=[A-Z2-7]{6}=[A-Z2-7]{2}=example\.org=anna@forwarder\.test$/)
  assert.ok(isSrsAddress(srs))
  assert.deepEqual(openSrs(srs, key), { kind: 'returns', to: address('anna@example.org') })
})

const localParts = fc.string({
  unit: fc.constantFrom('a', 'B', '0', '=', '+', '-', '.', ' ', '"', 'я', 'é'),
  minLength: 1,
  maxLength: 30,
})
const senders = localParts
  .map(localPart => parseAddress(formatAddress({ localPart, domain: 'mail.example.org' })))
  .filter(found => found !== undefined)

test('every sender is found again, also through parsers and in another letter case', () => {
  fc.assert(
    fc.property(senders, sender => {
      const srs = rewriteSender(sender, 'forwarder.test', key)
      assert.ok(srs)
      const back = openSrs(address(formatAddress(srs)), key)
      assert.deepEqual(back, { kind: 'returns', to: sender })
      const folded = openSrs({ ...srs, localPart: srs.localPart.toLowerCase() }, key)
      assert.equal(folded.kind, 'returns')
    }),
  )
})

test('whoever changes a character of it, or has another secret, is found out', () => {
  const srs = rewritten('anna@example.org')
  for (let index = 'SRS0='.length; index < srs.localPart.length; index++) {
    const other = srs.localPart[index] === 'B' ? 'C' : 'B'
    const changed = srs.localPart.slice(0, index) + other + srs.localPart.slice(index + 1)
    if (!isSrsAddress({ ...srs, localPart: changed })) continue
    assert.deepEqual(openSrs({ ...srs, localPart: changed }, key), { kind: 'invalid', reason: 'forged' })
  }
  const stranger = { secret: Buffer.from('another'), now }
  assert.deepEqual(openSrs(srs, stranger), { kind: 'invalid', reason: 'forged' })
})

test('it leads back for three weeks, also where the count of days begins anew', () => {
  for (const start of [now, 1023 * dayMs, 2047 * dayMs + 5]) {
    const srs = rewritten('anna@example.org', 'forwarder.test', { ...key, now: start })
    assert.equal(openSrs(srs, { ...key, now: start + 21 * dayMs }).kind, 'returns')
    assert.deepEqual(openSrs(srs, { ...key, now: start + 22 * dayMs }), {
      kind: 'invalid',
      reason: 'expired',
    })
  }
})

test('what others have rewritten leads back to the first of them, however many there were', () => {
  const first = rewritten('anna@example.org', 'first.test', { ...key, secret: Buffer.from('first') })
  const second = rewritten(formatAddress(first), 'second.test', { ...key, secret: Buffer.from('second') })
  assert.match(formatAddress(second), /^SRS1=[A-Z2-7]{6}=first\.test==[A-Z2-7]{6}=/)
  const third = rewritten(formatAddress(second), 'third.test')
  assert.ok(third.localPart.length <= second.localPart.length)
  assert.deepEqual(openSrs(third, key), { kind: 'returns', to: first })
  // Other programs part by + and - too, and have other hashes.
  const foreign = rewritten('SRS0+x7=yz=example.org=anna@other.test')
  assert.deepEqual(openSrs(foreign, key), {
    kind: 'returns',
    to: address('SRS0+x7=yz=example.org=anna@other.test'),
  })
})

test('what would be too long, or is at an IP address, is not rewritten', () => {
  assert.equal(rewriteSender(address('anna@[192.0.2.1]'), 'forwarder.test', key), undefined)
  const long = `${'a'.repeat(64)}@${`${'b'.repeat(60)}.`.repeat(2)}org`
  assert.equal(rewriteSender(address(long), `${'c'.repeat(60)}.test`, key), undefined)
  // Longer than 64 characters before the @, as forwarders write it.
  assert.ok(rewritten(`${'a'.repeat(60)}@newsletter.example.org`).localPart.length > 64)
})
