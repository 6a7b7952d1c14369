// Which certificates fit which TLSA records (RFC 6698, RFC 7671, RFC 7672).
import assert from 'node:assert/strict'
import { createHash, type X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { TlsaRecord } from '../../src/dns/answer.ts'
import { issuingLimits, publicKeyInfo } from '../../src/tls-policy/certificate-der.ts'
import { formatTlsa, isUsable, verifyByTlsa } from '../../src/tls-policy/dane.ts'
import { issueCertificate, makeAuthority, type TestCertificate } from '../harness/certificates.ts'

const names = ['mx.example.org', 'example.org']
const root = await makeAuthority('root')
const middle = await makeAuthority('middle', { issuer: root })
const good = await issueCertificate(middle, ['mx.example.org'])
const foreign = await issueCertificate(middle, ['www.example.net'])
const expired = await issueCertificate(middle, ['mx.example.org'], {
  notBefore: new Date('2020-01-01'),
  notAfter: new Date('2021-01-01'),
})
const otherRoot = await makeAuthority('root')
/** Says the same of itself, and is signed by another key. */
const forged = await issueCertificate(await makeAuthority('middle', { issuer: otherRoot }), [
  'mx.example.org',
])

function tlsa(usage: number, selector: number, matchingType: number, of: TestCertificate): TlsaRecord {
  const selected = selector === 0 ? of.x509.raw : of.x509.publicKey.export({ type: 'spki', format: 'der' })
  const hash = ['', 'sha256', 'sha512'][matchingType] ?? ''
  const data = hash === '' ? selected : createHash(hash).update(selected).digest()
  return { usage, selector, matchingType, data }
}

function verify(records: readonly TlsaRecord[], ...shown: readonly TestCertificate[]): string {
  const chain: X509Certificate[] = shown.map(({ x509 }) => x509)
  for (const record of records) assert.ok(isUsable(record), formatTlsa(record))
  return verifyByTlsa(records, names, Date.now)(chain)?.code ?? 'fits'
}

for (const selector of [0, 1]) {
  for (const matchingType of [0, 1, 2]) {
    test(`3 ${selector} ${matchingType}: this certificate, and no other`, () => {
      assert.equal(verify([tlsa(3, selector, matchingType, good)], good), 'fits')
      assert.equal(verify([tlsa(3, selector, matchingType, good)], foreign, good), 'TLSA_MISMATCH')
    })

    test(`2 ${selector} ${matchingType}: a certificate that comes from this authority`, () => {
      const record = tlsa(2, selector, matchingType, root)
      assert.equal(verify([record], good, middle, root), 'fits')
      // In any order, with others between.
      assert.equal(verify([record], good, otherRoot, root, middle), 'fits')
      assert.equal(verify([record], forged, middle, root), 'TLSA_MISMATCH')
      assert.equal(verify([record], good), 'TLSA_MISMATCH', 'the chain is not shown')
    })
  }
}

test('an authority that the record holds as a whole, or by its key, need not be shown', () => {
  assert.equal(verify([tlsa(2, 0, 0, root)], good, middle), 'fits')
  assert.equal(verify([tlsa(2, 1, 0, root)], good, middle), 'fits')
  assert.equal(verify([tlsa(2, 0, 1, root)], good, middle), 'TLSA_MISMATCH')
})

test('the authority in the middle may be the anchor', () => {
  assert.equal(verify([tlsa(2, 1, 1, middle)], good, middle), 'fits')
})

test('usage 3 asks for neither name nor date, usage 2 for both', () => {
  assert.equal(verify([tlsa(3, 1, 1, foreign)], foreign), 'fits')
  assert.equal(verify([tlsa(3, 1, 1, expired)], expired), 'fits')
  const record = tlsa(2, 0, 1, root)
  assert.equal(verify([record], foreign, middle, root), 'ERR_TLS_CERT_ALTNAME_INVALID')
  assert.equal(verify([record], expired, middle, root), 'CERT_HAS_EXPIRED')
})

test('the domain of the mail is a good name too (RFC 7672 §3.2.2)', async () => {
  const own = await issueCertificate(root, ['example.org'])
  assert.equal(verify([tlsa(2, 0, 1, root)], own, root), 'fits')
})

test('one record that fits is enough, whatever the others say', () => {
  assert.equal(verify([tlsa(3, 1, 1, forged), tlsa(2, 0, 1, otherRoot), tlsa(3, 1, 1, good)], good), 'fits')
})

test('a certificate of a server issues none, and an authority no more than it may', async () => {
  const underServer = await issueCertificate(good, ['mx.example.org'])
  assert.notEqual(verify([tlsa(2, 0, 1, root)], underServer, good, middle, root), 'fits')
  const last = await makeAuthority('last', { issuer: root, pathLength: 0 })
  const below = await makeAuthority('below', { issuer: last })
  const own = await issueCertificate(below, ['mx.example.org'])
  assert.equal(verify([tlsa(2, 0, 1, root)], own, below, last, root), 'INVALID_CA')
  const straight = await issueCertificate(last, ['mx.example.org'])
  assert.equal(verify([tlsa(2, 0, 1, root)], straight, last, root), 'fits')
})

test('what a mail server cannot use counts as absent', () => {
  const fits = tlsa(3, 1, 1, good)
  for (const record of [
    { ...fits, usage: 0 },
    { ...fits, usage: 1 },
    { ...fits, usage: 4 },
    { ...fits, selector: 2 },
    { ...fits, matchingType: 3 },
    { ...fits, matchingType: 2 },
    { ...fits, data: fits.data.subarray(1) },
    { ...fits, matchingType: 0 },
    { ...fits, selector: 0, matchingType: 0 },
  ])
    assert.ok(!isUsable(record), formatTlsa(record))
})

test('a server that shows nothing is not the right one', () => {
  assert.equal(verify([tlsa(3, 1, 1, good)]), 'NO_CERTIFICATE')
})

test('whatever a stranger shows in the place of DER is read without an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(good.x509.raw.length - 1), (noise, at) => {
      publicKeyInfo(noise)
      issuingLimits(noise)
      const damaged = Buffer.from(good.x509.raw)
      damaged.set(noise.subarray(0, damaged.length - at), at)
      publicKeyInfo(damaged)
      issuingLimits(damaged)
      isUsable({ usage: 3, selector: 0, matchingType: 0, data: damaged })
    }),
  )
})
