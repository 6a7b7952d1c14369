// The certificate as a peer sees it in the handshake, before and after its files change.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type ConnectionOptions, connect, TLSSocket } from 'node:tls'
import type { LogFields } from '../../src/runtime/log.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { type Certificate, type CertificateFiles, readCertificate } from '../../src/tls/certificate.ts'
import {
  type CertificateStore,
  type CertificateTrouble,
  createCertificateStore,
} from '../../src/tls/certificate-store.ts'
import { generateCertificate } from '../../src/tls/generate-certificate.ts'
import { issueCertificate, makeAuthority } from '../harness/certificates.ts'
import { createManualClock } from '../harness/manual-clock.ts'

const start = Date.UTC(2026, 0, 1)

interface Seen {
  readonly protocol: string | null
  readonly fingerprint: string
  readonly resumed: boolean
  readonly session: Buffer | undefined
}

/** One handshake with a server that takes each connection's context from the store, as the SMTP server does. */
async function handshake(store: CertificateStore, options: ConnectionOptions = {}): Promise<Seen> {
  const server = createServer(socket => {
    const secured = new TLSSocket(socket, {
      isServer: true,
      secureContext: store.secureContext(),
      SNICallback: (serverName, callback) => callback(null, store.secureContext(serverName)),
    })
    secured.on('secure', () => secured.write('220\r\n'))
    // The client tells why the handshake failed.
    secured.on('error', () => {})
  })
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  try {
    return await new Promise<Seen>((resolve, reject) => {
      const { port } = server.address() as AddressInfo
      const socket = connect({ ...options, port, host: '127.0.0.1', rejectUnauthorized: false })
      let session: Buffer | undefined
      socket.on('session', latest => {
        session = latest
      })
      // Tickets of TLS 1.3 come before the greeting.
      socket.once('data', () => {
        resolve({
          protocol: socket.getProtocol(),
          fingerprint: socket.getPeerX509Certificate()?.fingerprint256 ?? '',
          resumed: socket.isSessionReused(),
          session,
        })
        socket.destroy()
      })
      socket.on('error', reject)
    })
  } finally {
    server.close()
  }
}

describe('the certificate store', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'postrider-store-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  const writeTo = (name: string, certificate: string, key: string): CertificateFiles => {
    const files = {
      certificateFile: join(folder, `${name}.c.pem`),
      keyFile: join(folder, `${name}.k.pem`),
    }
    writeFileSync(files.certificateFile, certificate)
    writeFileSync(files.keyFile, key)
    return files
  }

  const write = ({ certificatePem, keyPem }: Certificate): { certificateFile: string; keyFile: string } => {
    const files = { certificateFile: join(folder, 'c.pem'), keyFile: join(folder, 'k.pem') }
    writeFileSync(files.certificateFile, certificatePem)
    writeFileSync(files.keyFile, keyPem)
    return files
  }

  it('shows a generated certificate, the same after a restart', async () => {
    const options = {
      hostname: 'mail.example.test',
      dataFolder: join(folder, 'data'),
      clock: createManualClock(start),
    }
    const store = await createCertificateStore(options)
    const seen = await handshake(store)
    assert.equal(seen.protocol, 'TLSv1.3')
    assert.equal(seen.fingerprint, store.certificate.fingerprint)
    const again = await createCertificateStore(options)
    assert.equal((await handshake(again)).fingerprint, seen.fingerprint)
  })

  it('speaks TLS 1.2 with forward secrecy, and nothing older or weaker', async () => {
    const store = await createCertificateStore({
      hostname: 'mail.example.test',
      dataFolder: join(folder, 'data'),
      clock: createManualClock(start),
    })
    assert.equal((await handshake(store, { maxVersion: 'TLSv1.2' })).protocol, 'TLSv1.2')
    // SECLEVEL=0, or the client itself would refuse before the server can.
    await assert.rejects(
      handshake(store, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }),
    )
    await assert.rejects(
      handshake(store, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0' }),
    )
  })

  it('begins no other handshake on a connection, whoever asks for it', async () => {
    const store = await createCertificateStore({
      hostname: 'mail.example.test',
      dataFolder: folder,
      clock: createManualClock(start),
    })
    const server = createServer(socket => {
      new TLSSocket(socket, { isServer: true, secureContext: store.secureContext() }).on('error', () => {})
    })
    await new Promise<void>(resolve => {
      server.listen(0, '127.0.0.1', resolve)
    })
    const { port } = server.address() as AddressInfo
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2' })
    try {
      await once(socket, 'secureConnect')
      const refused = once(socket, 'error')
      socket.renegotiate({}, () => assert.fail('a second handshake'))
      assert.match(String(await refused), /no renegotiation|NO_RENEGOTIATION/)
    } finally {
      socket.destroy()
      server.close()
      store.close()
    }
  })

  it('takes a renewed certificate within a minute, without a restart', async () => {
    const clock = createManualClock(start)
    const old = await generateCertificate({ hostname: 'mail.example.test' }, start)
    const renewed = await generateCertificate({ hostname: 'mail.example.test' }, start)
    const store = await createCertificateStore({
      hostname: 'mail.example.test',
      dataFolder: folder,
      files: [write(old)],
      clock,
    })
    assert.equal((await handshake(store)).fingerprint, old.fingerprint)
    write(renewed)
    await store.reload()
    assert.equal((await handshake(store)).fingerprint, renewed.fingerprint)
    store.close()
  })

  it('looks by itself, by the clock', async () => {
    const clock = createManualClock(start)
    const old = await generateCertificate({ hostname: 'mail.example.test' }, start)
    const renewed = await generateCertificate({ hostname: 'mail.example.test' }, start)
    const readAgain = Promise.withResolvers<string>()
    const log = { ...silentLog, info: (message: string) => readAgain.resolve(message) }
    const store = await createCertificateStore({
      hostname: 'mail.example.test',
      dataFolder: folder,
      files: [write(old)],
      clock,
      log,
    })
    write(renewed)
    clock.advance(60_000)
    assert.equal(await readAgain.promise, 'certificate read again')
    assert.equal(store.certificate.fingerprint, renewed.fingerprint)
    store.close()
  })

  it('keeps the old one while a renewal is half written, and says why', async () => {
    const clock = createManualClock(start)
    const old = await generateCertificate({ hostname: 'mail.example.test' }, start)
    const renewed = await generateCertificate({ hostname: 'mail.example.test' }, start)
    const reasons: unknown[] = []
    const log = { ...silentLog, warn: (_: string, fields?: LogFields) => reasons.push(fields?.['reason']) }
    const files = write(old)
    const store = await createCertificateStore({
      hostname: 'mail.example.test',
      dataFolder: folder,
      files: [files],
      clock,
      log,
    })
    writeFileSync(files.certificateFile, renewed.certificatePem)
    await store.reload()
    assert.equal((await handshake(store)).fingerprint, old.fingerprint)
    assert.match(String(reasons[0]), /is not the key of the certificate/)
    writeFileSync(files.keyFile, renewed.keyPem)
    await store.reload()
    assert.equal((await handshake(store)).fingerprint, renewed.fingerprint)
    store.close()
  })

  it('shows each name the first certificate that has it, and all others that of the host name', async () => {
    const authority = await makeAuthority('Test Authority')
    const [own, wild, plain] = await Promise.all([
      issueCertificate(authority, ['mail.example.test']),
      issueCertificate(authority, ['*.example.org']),
      issueCertificate(authority, ['imap.example.org', 'pop.example.org']),
    ])
    const store = await createCertificateStore({
      hostname: 'mail.example.test',
      dataFolder: folder,
      // That of the host name is not the first.
      files: [wild, own, plain].map((one, n) => writeTo(`sni${n}`, one.certificate, one.key)),
      clock: createManualClock(Date.now()),
    })
    const names = {
      'mail.example.test': own,
      'MAIL.example.TEST': own,
      'smtp.example.org': wild,
      'imap.example.org': plain,
      'pop.example.org': plain,
      'a.b.example.org': own,
      'example.org': own,
      'unknown.example': own,
    }
    for (const [servername, expected] of Object.entries(names))
      assert.equal(
        (await handshake(store, { servername })).fingerprint,
        expected.x509.fingerprint256,
        servername,
      )
    assert.equal((await handshake(store)).fingerprint, own.x509.fingerprint256)
    store.close()
  })

  it('shows one of its own making no more when one is issued that covers the host name, by a * too', async () => {
    const authority = await makeAuthority('Test Authority')
    const { certificate, key } = await issueCertificate(authority, ['*.example.test'])
    const wild = await readCertificate(writeTo('wild', certificate, key))
    const issued: Certificate[] = []
    const store = await createCertificateStore({
      hostname: 'mail.example.test',
      dataFolder: folder,
      readIssued: async () => issued,
      clock: createManualClock(Date.now()),
    })
    assert.equal(store.certificate.selfSigned, true)
    issued.push(wild)
    await store.reload()
    assert.equal((await handshake(store)).fingerprint, wild.fingerprint)
    const { fingerprint } = await handshake(store, { servername: 'mail.example.test' })
    assert.equal(fingerprint, wild.fingerprint)
    assert.deepEqual(
      store.inUse().map(({ source }) => source.kind),
      ['issued'],
    )
    store.close()
  })

  it('keeps a chain that is whole when one that lacks an issuer, is over or in disorder takes its place', async () => {
    const root = await makeAuthority('Test Root')
    const issuer = await makeAuthority('Test Issuer', { issuer: root })
    const other = await makeAuthority('Other Authority')
    const old = await issueCertificate(issuer, ['mail.example.test'])
    const renewed = await issueCertificate(issuer, ['mail.example.test'])
    const expired = await issueCertificate(undefined, ['mail.example.test'], {
      notBefore: new Date(Date.now() - 2000 * 86_400_000),
      notAfter: new Date(Date.now() - 86_400_000),
    })
    const whole = [old, issuer, root].map(({ certificate }) => certificate).join('\n')
    const files = writeTo('chain', whole, old.key)
    const told: CertificateTrouble[] = []
    const store = await createCertificateStore({
      hostname: 'mail.example.test',
      dataFolder: folder,
      files: [files],
      clock: createManualClock(Date.now()),
      tell: trouble => told.push(trouble),
    })
    assert.equal(told.length, 0)
    const bad: readonly [string, string, RegExp][] = [
      [
        renewed.certificate,
        renewed.key,
        /chain\.c\.pem: the certificate of the issuer is missing \(CN=Test Issuer\)/,
      ],
      [
        [renewed, root, issuer].map(({ certificate }) => certificate).join('\n'),
        renewed.key,
        /the certificate of Test Root follows that of mail\.example\.test, and did not issue it/,
      ],
      [
        [renewed, other].map(({ certificate }) => certificate).join('\n'),
        renewed.key,
        /the certificate of Other Authority follows/,
      ],
      [expired.certificate, expired.key, /chain\.c\.pem: the certificate ended on/],
      [old.certificate, renewed.key, /chain\.k\.pem is not the key of the certificate/],
      ['nonsense', renewed.key, /It holds no certificate/],
    ]
    for (const [certificate, key, why] of bad) {
      writeTo('chain', certificate, key)
      await store.reload()
      const trouble = told.pop()
      assert.equal(trouble?.kind, 'unusable')
      assert.equal(trouble?.file, files.certificateFile)
      assert.match(trouble?.detail ?? '', why)
      assert.equal(trouble?.validTo, old.x509.validToDate.getTime())
      assert.equal((await handshake(store)).fingerprint, old.x509.fingerprint256)
    }
    writeTo('chain', [renewed, issuer, root].map(({ certificate }) => certificate).join('\n'), renewed.key)
    told.length = 0
    await store.reload()
    assert.equal(told.length, 0)
    assert.equal((await handshake(store)).fingerprint, renewed.x509.fingerprint256)
    store.close()
  })

  it('tells of a certificate that nobody renews', async () => {
    const made = await issueCertificate(undefined, ['mail.example.test'], {
      notAfter: new Date(Date.now() + 10 * 86_400_000),
    })
    const told: CertificateTrouble[] = []
    const files = writeTo('ending', made.certificate, made.key)
    const store = await createCertificateStore({
      hostname: 'mail.example.test',
      dataFolder: folder,
      files: [files],
      clock: createManualClock(Date.now()),
      tell: trouble => told.push(trouble),
    })
    assert.deepEqual(
      told.map(({ kind, file }) => [kind, file]),
      [['ending', files.certificateFile]],
    )
    store.close()
  })

  it('serves with a certificate of its own making where the files are of no use, and says so', async () => {
    const over = await generateCertificate({ hostname: 'mail.example.test' }, start - 4000 * 86_400_000)
    const told: CertificateTrouble[] = []
    const store = await createCertificateStore({
      hostname: 'mail.example.test',
      dataFolder: join(folder, 'data'),
      files: [write(over)],
      clock: createManualClock(start),
      tell: trouble => told.push(trouble),
    })
    assert.match(told[0]?.detail ?? '', /the certificate ended on/)
    assert.notEqual((await handshake(store)).fingerprint, over.fingerprint)
    assert.deepEqual(
      store.inUse().map(({ source, certificate }) => [source.kind, certificate !== undefined]),
      [
        ['file', false],
        ['generated', true],
      ],
    )
    store.close()
  })

  it('resumes sessions of another thread, until the key of its tickets is changed', async () => {
    const made = await generateCertificate({ hostname: 'mail.example.test' }, start)
    const key = randomBytes(48)
    const open = async (ticketKey: Uint8Array): Promise<CertificateStore> =>
      await createCertificateStore({
        hostname: 'mail.example.test',
        dataFolder: folder,
        files: [write(made)],
        ticketKey,
        clock: createManualClock(start),
      })
    const [one, another] = [await open(key), await open(key)]
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { session } = await handshake(one, { maxVersion })
      assert.ok(session)
      assert.equal((await handshake(another, { maxVersion, session })).resumed, true)
      assert.equal((await handshake(await open(randomBytes(48)), { maxVersion, session })).resumed, false)
    }
    const { session } = await handshake(one)
    another.setTicketKey(randomBytes(48))
    assert.equal((await handshake(another, { ...(session && { session }) })).resumed, false)
  })
})
