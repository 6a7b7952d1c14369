// Certificates: read, checked, generated; what is wrong with one is told by file.
import assert from 'node:assert/strict'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Log, silentLog } from '../../src/runtime/log.ts'
import {
  assertValidAt,
  certificateCovers,
  parseCertificate,
  readCertificate,
} from '../../src/tls/certificate.ts'
import { generateCertificate } from '../../src/tls/generate-certificate.ts'
import {
  ensureGeneratedCertificate,
  generatedCertificateFile,
} from '../../src/tls/generated-certificate-file.ts'

const now = Date.UTC(2026, 0, 1)
const day = 86_400_000
const files = { certificateFile: '/etc/c.pem', keyFile: '/etc/k.pem' }

interface Warning {
  readonly message: string
  readonly reason: unknown
}

function collectWarnings(): { warned: Warning[]; log: Log } {
  const warned: Warning[] = []
  const warn: Log['warn'] = (message, fields) => warned.push({ message, reason: fields?.['reason'] })
  return { warned, log: { ...silentLog, warn } }
}

function publicKeyOf(certificatePem: string): string {
  return new X509Certificate(certificatePem).publicKey.export({ type: 'spki', format: 'pem' })
}

describe('a certificate', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'postrider-tls-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  it('of our own making has the host name, ten years, and a key of its own', async () => {
    const made = await generateCertificate({ hostname: 'mail.example.test' }, now)
    assert.deepEqual(made.names, ['mail.example.test'])
    assert.ok(made.selfSigned)
    assert.ok(made.validFrom < now)
    assert.ok(made.validTo >= now + 3649 * day)
    const other = await generateCertificate({ hostname: 'mail.example.test' }, now)
    assert.notEqual(other.keyPem, made.keyPem)
    assertValidAt(made, now, 'x')
  })

  it('for a host name longer than a common name may be', async () => {
    const hostname = `${'a'.repeat(60)}.${'b'.repeat(60)}.example.test`
    assert.deepEqual((await generateCertificate({ hostname }, now)).names, [hostname])
  })

  it('is told apart from what is none', async () => {
    const { certificatePem, keyPem } = await generateCertificate({ hostname: 'a.example.test' }, now)
    const other = await generateCertificate({ hostname: 'a.example.test' }, now)
    const faults: readonly [string, string, string][] = [
      [certificatePem, other.keyPem, 'TLS_KEY_MISMATCH'],
      ['', keyPem, 'TLS_NOT_A_CERTIFICATE'],
      [keyPem, keyPem, 'TLS_NOT_A_CERTIFICATE'],
      [certificatePem, '', 'TLS_NOT_A_KEY'],
      [certificatePem, certificatePem, 'TLS_NOT_A_KEY'],
    ]
    for (const [certificate, key, code] of faults) {
      assert.throws(() => parseCertificate(certificate, key, files), { code })
    }
  })

  it('whose key has a passphrase: says how to take it off', async () => {
    const { certificatePem } = await generateCertificate({ hostname: 'a.example.test' }, now)
    const { privateKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' },
    })
    assert.throws(
      () => parseCertificate(certificatePem, privateKey, files),
      /passphrase.*openssl pkey -in \/etc\/k\.pem/s,
    )
  })

  it('that cannot be read names its file', async () => {
    await assert.rejects(readCertificate({ certificateFile: '/nowhere/c.pem', keyFile: '/nowhere/k.pem' }), {
      code: 'TLS_FILE_UNREADABLE',
      message: /^\/nowhere\/[ck]\.pem: There is no such file/,
    })
  })

  it('has an end and a beginning', async () => {
    const made = await generateCertificate({ hostname: 'a.example.test' }, now)
    assert.throws(() => assertValidAt(made, made.validTo + 1, '/etc/c.pem'), {
      code: 'TLS_CERTIFICATE_EXPIRED',
      message: /ended on 2035-12-30/,
    })
    assert.throws(() => assertValidAt(made, made.validFrom - 1, '/etc/c.pem'), {
      code: 'TLS_CERTIFICATE_NOT_YET_VALID',
    })
  })

  it('covers its names, and one label for a *', () => {
    const names = ['mail.example.com', '*.example.org']
    for (const name of ['mail.example.com', 'MAIL.example.com', 'a.example.org'])
      assert.ok(certificateCovers({ names }, name), name)
    for (const name of ['example.com', 'a.mail.example.com', 'example.org', 'a.b.example.org', '']) {
      assert.ok(!certificateCovers({ names }, name), name)
    }
  })

  it('is generated once and kept private', async () => {
    const own = mkdtempSync(join(folder, 'once-'))
    const { warned, log } = collectWarnings()
    const first = await ensureGeneratedCertificate(own, 'mail.example.test', now, log)
    assert.equal(statSync(generatedCertificateFile(own)).mode & 0o777, 0o600)
    const later = await ensureGeneratedCertificate(own, 'mail.example.test', now + 1000 * day, log)
    assert.equal(later.fingerprint, first.fingerprint)
    assert.deepEqual(warned, [])
  })

  it('is made anew for the same key when the host name changes, near its end, and when it is damaged', async () => {
    const own = mkdtempSync(join(folder, 'anew-'))
    const { warned, log } = collectWarnings()
    const first = await ensureGeneratedCertificate(own, 'mail.example.test', now, log)
    const renamed = await ensureGeneratedCertificate(own, 'other.example.test', now, log)
    assert.deepEqual(renamed.names, ['other.example.test'])
    const late = await ensureGeneratedCertificate(own, 'other.example.test', first.validTo - 29 * day, log)
    assert.ok(late.validTo > renamed.validTo)
    const file = generatedCertificateFile(own)
    // Behind the key.
    writeFileSync(file, readFileSync(file).subarray(0, -100))
    const mended = await ensureGeneratedCertificate(own, 'other.example.test', now, log)
    assert.equal(new Set([first, renamed, late, mended].map(({ fingerprint }) => fingerprint)).size, 4)
    for (const { certificatePem } of [renamed, late, mended])
      assert.equal(publicKeyOf(certificatePem), publicKeyOf(first.certificatePem))
    const ends = new Date(renamed.validTo).toISOString().slice(0, 10)
    assert.deepEqual(
      warned.map(({ reason }) => reason),
      ['it has no name other.example.test', `it ends on ${ends}`, 'unreadable'],
    )
    for (const { message } of warned)
      assert.match(message, /its key was kept: mail programs .* ask again, and TLSA records .* stay right/)
  })

  it('has another key when the old one is lost, or is none of ours', async () => {
    const own = mkdtempSync(join(folder, 'lost-'))
    const { warned, log } = collectWarnings()
    const first = await ensureGeneratedCertificate(own, 'mail.example.test', now, log)
    const file = generatedCertificateFile(own)
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    for (const damaged of [readFileSync(file).subarray(0, 100), privateKey, '']) {
      writeFileSync(file, damaged)
      const made = await ensureGeneratedCertificate(own, 'mail.example.test', now, log)
      assert.notEqual(publicKeyOf(made.certificatePem), publicKeyOf(first.certificatePem))
    }
    assert.equal(warned.length, 3)
    for (const { message } of warned)
      assert.match(message, /its key were replaced: .* TLSA records of the old key are wrong now/)
  })

  it('asked for by two threads at once leaves one whole file', async () => {
    const own = mkdtempSync(join(folder, 'race-'))
    const hostname = 'mail.example.test'
    const made = await Promise.all([1, 2, 3].map(() => ensureGeneratedCertificate(own, hostname, now)))
    const kept = await ensureGeneratedCertificate(own, hostname, now)
    assert.ok(made.some(({ fingerprint }) => fingerprint === kept.fingerprint))
  })

  it('that cannot be kept is a fault with the file', async () => {
    const own = mkdtempSync(join(folder, 'no-room-'))
    writeFileSync(join(own, 'tls'), 'a file where the folder should be')
    await assert.rejects(ensureGeneratedCertificate(own, 'a.example.test', now), {
      code: 'TLS_CERTIFICATE_NOT_KEPT',
      message: /generated\.pem/,
    })
  })
})
