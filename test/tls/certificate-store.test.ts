// The certificate as a peer sees it in the handshake, before and after its files change.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect, type SecureContextOptions, TLSSocket } from 'node:tls'
import type { LogFields } from '../../src/runtime/log.ts'
import { silentLog } from '../../src/runtime/log.ts'
import type { Certificate } from '../../src/tls/certificate.ts'
import { type CertificateStore, createCertificateStore } from '../../src/tls/certificate-store.ts'
import { generateCertificate } from '../../src/tls/generate-certificate.ts'
import { createManualClock } from '../harness/manual-clock.ts'

const start = Date.UTC(2026, 0, 1)

interface Seen {
  readonly protocol: string | null
  readonly fingerprint: string
}

/** One handshake with a server that takes each connection's context from the store, as the SMTP server does. */
async function handshake(store: CertificateStore, options: SecureContextOptions = {}): Promise<Seen> {
  const server = createServer(socket => {
    const secured = new TLSSocket(socket, {
      isServer: true,
      secureContext: store.secureContext('mail.example.test'),
    })
    // The client tells why the handshake failed.
    secured.on('error', () => {})
  })
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  try {
    return await new Promise<Seen>((resolve, reject) => {
      const { port } = server.address() as AddressInfo
      const socket = connect({ ...options, port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
        resolve({ protocol: socket.getProtocol(), fingerprint: socket.getPeerCertificate().fingerprint256 })
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
    assert.deepEqual(seen, { protocol: 'TLSv1.3', fingerprint: store.certificate.fingerprint })
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

  it('takes a renewed certificate within a minute, without a restart', async () => {
    const clock = createManualClock(start)
    const old = await generateCertificate({ hostname: 'mail.example.test' }, start)
    const renewed = await generateCertificate({ hostname: 'mail.example.test' }, start)
    const store = await createCertificateStore({
      hostname: 'mail.example.test',
      dataFolder: folder,
      ...write(old),
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
      ...write(old),
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
      ...files,
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

  it('refuses to start with a certificate that is over', async () => {
    const files = write(
      await generateCertificate({ hostname: 'mail.example.test' }, start - 4000 * 86_400_000),
    )
    await assert.rejects(
      createCertificateStore({
        hostname: 'mail.example.test',
        dataFolder: folder,
        ...files,
        clock: createManualClock(start),
      }),
      { name: 'UsageFault', code: 'TLS_CERTIFICATE_EXPIRED' },
    )
  })
})
