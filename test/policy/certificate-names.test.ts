// Whose account a certificate is: names that could be taken for others are not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddress } from '../../src/address/format-address.ts'
import {
  accountsOfCertificate,
  type CertificateNames,
  canonicalFingerprint,
  mailAddressesOf,
} from '../../src/policy/certificate-names.ts'
import { issueCertificate, makeAuthority } from '../harness/certificates.ts'

const authority = await makeAuthority('authority')
const nothing: CertificateNames = { useAddresses: true, accounts: [] }

async function accounts(
  options: Parameters<typeof issueCertificate>[2],
  names: CertificateNames = nothing,
): Promise<string[]> {
  const { x509 } = await issueCertificate(authority, [], options)
  return accountsOfCertificate(x509, names).map(formatAddress)
}

test('mail addresses in a certificate, in their order', async () => {
  assert.deepEqual(await accounts({ addresses: ['anna@here.test', 'boris@here.test'] }), [
    'anna@here.test',
    'boris@here.test',
  ])
  assert.deepEqual(await accounts({ addresses: ['no address'] }), [])
  assert.deepEqual(
    await accounts({ addresses: ['anna@here.test'] }, { useAddresses: false, accounts: [] }),
    [],
  )
})

test('one name that looks like several is one, and is no address', async () => {
  for (const address of [
    'x, email:boss@here.test',
    'x@here.test, email:boss@here.test',
    '"x@here.test", email:"boss@here.test',
    'DNS:x, email:boss@here.test',
  ])
    assert.ok(!(await accounts({ addresses: [address] })).includes('boss@here.test'), address)
  const { x509 } = await issueCertificate(authority, ['x, email:boss@here.test'])
  assert.deepEqual(accountsOfCertificate(x509, nothing), [])
})

test('a common name, or the certificate itself, for those without an address', async () => {
  const byName: CertificateNames = {
    useAddresses: true,
    accounts: [{ commonName: 'scanner-3', account: 'scanner@here.test' }],
  }
  assert.deepEqual(await accounts({ commonName: 'scanner-3' }, byName), ['scanner@here.test'])
  assert.deepEqual(await accounts({ commonName: 'scanner-33' }, byName), [])
  assert.deepEqual(await accounts({ commonName: 'x\nCN=scanner-3' }, byName), [])
  const { x509 } = await issueCertificate(authority, [], { commonName: 'any' })
  const fingerprint = canonicalFingerprint(x509.fingerprint256) ?? ''
  assert.deepEqual(
    accountsOfCertificate(x509, {
      useAddresses: true,
      accounts: [{ fingerprint, account: 'any@here.test' }],
    }).map(formatAddress),
    ['any@here.test'],
  )
  assert.deepEqual(
    await accounts(
      { commonName: 'any' },
      { useAddresses: true, accounts: [{ fingerprint, account: 'any@here.test' }] },
    ),
    [],
  )
})

for (const [text, expected] of [
  ['', []],
  ['email:a@x.test', ['a@x.test']],
  ['DNS:x.test, email:a@x.test, IP Address:192.0.2.1', ['a@x.test']],
  ['email:"a@x.test, email:b@x.test"', ['a@x.test, email:b@x.test']],
  ['email:"a\\"@x.test", email:b@x.test', ['a"@x.test', 'b@x.test']],
  ['email:"a', []],
  ['DirName:"CN=x, email:boss@x.test"', []],
] as const)
  test(`${text} has ${expected.length === 0 ? 'no address' : expected.join(' and ')}`, () => {
    assert.deepEqual(mailAddressesOf(text), expected)
  })
