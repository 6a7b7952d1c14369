// SCRAM with channel binding over real TLS connections: what both ends take for the same, and what is offered where.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import { generate } from 'selfsigned'
import { endPointOfCertificate } from '../../src/sasl/channel-binding.ts'
import { deriveScramCredential } from '../../src/sasl/scram-keys.ts'
import type { SessionServices } from '../../src/smtp/server/services.ts'
import { openConnection, type RawConnection } from '../harness/raw-connection.ts'
import { createScramClient } from '../harness/scram-client.ts'
import { testSecureContext } from '../harness/secure-context.ts'
import { startServer } from './start-server.ts'

const name = 'anna@example.test'
const credential = await deriveScramCredential('SHA-256', 'secret', {
  salt: Buffer.from('0123456789abcdef'),
  iterations: 4096,
})

const services: Partial<SessionServices> = {
  authenticate: async () => undefined,
  openScram: async () => ({
    ...credential,
    keys: [credential],
    settle: async keys => (keys ? { id: 1, address: name } : undefined),
  }),
}

/** Of nobody; Ed25519, which `selfsigned` does not make. */
const edwardsKey = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIL/fYt/duoziElldTevBUI2IuQqhnY9WNLvaf3r3OEJg
-----END PRIVATE KEY-----
`
const edwardsCertificate = `-----BEGIN CERTIFICATE-----
MIIBTzCCAQGgAwIBAgIUM1s0DNFTR76hv6581ZBZz7QYSPkwBQYDK2VwMBwxGjAY
BgNVBAMMEW1haWwuZXhhbXBsZS50ZXN0MCAXDTI2MTEyNzA4MDIyMFoYDzIxMjYx
MTAzMDgwMjIwWjAcMRowGAYDVQQDDBFtYWlsLmV4YW1wbGUudGVzdDAqMAUGAytl
cAMhAMwHa3+N5Unhl5EDK1NVZic5iTnS4gjKlvPt3dvavySDo1MwUTAdBgNVHQ4E
FgQU/wc1imE9qJxjriPGG0p6SVzrPf0wHwYDVR0jBBgwFoAU/wc1imE9qJxjriPG
G0p6SVzrPf0wDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXADQQA72gXyYgrdu0/bnvBU
Cxe5hZ53xqa50OMMXsY0W+XmUpR2A7hGEptiPFj69mpKpLRWAoMtoUO4uB9P/Qi8
pmwP
-----END CERTIFICATE-----
`

async function connect(
  t: TestContext,
  secureContext: () => SecureContext,
  maxVersion: 'TLSv1.2' | 'TLSv1.3',
): Promise<{ connection: RawConnection; offered: readonly string[] }> {
  const { server, listeners } = await startServer({
    services,
    tls: { secureContext },
    listeners: [{ role: 'submission', address: '127.0.0.1', port: 0 }],
  })
  const connection = await openConnection(listeners[0]?.port ?? 0)
  t.after(async () => {
    connection.destroy()
    await server.close()
  })
  await connection.reply()
  await connection.command('EHLO client.example.org')
  await connection.command('STARTTLS')
  await connection.startTls({ maxVersion })
  const hello = await connection.command('EHLO client.example.org')
  const line = hello?.lines.find(each => each.startsWith('AUTH ')) ?? ''
  return { connection, offered: line.split(' ').slice(1) }
}

/** The code of the reply that ends it. */
async function logIn(
  connection: RawConnection,
  type: string,
  bindingData: Uint8Array | undefined,
): Promise<number | undefined> {
  assert.ok(bindingData)
  const client = createScramClient({ name, password: 'secret', gs2Header: `p=${type},,`, bindingData })
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const challenge = await connection.command(`AUTH SCRAM-SHA-256-PLUS ${base64(client.first)}`)
  if (challenge?.code !== 334) return challenge?.code
  const serverFirst = Buffer.from(challenge.lines[0] ?? '', 'base64').toString()
  const proof = await connection.command(base64(client.answer(serverFirst)))
  if (proof?.code !== 334) return proof?.code
  assert.equal(Buffer.from(proof.lines[0] ?? '', 'base64').toString(), client.expected)
  return (await connection.command(''))?.code
}

function tlsOf({ socket }: RawConnection): TLSSocket {
  assert.ok(socket instanceof TLSSocket)
  return socket
}

const exporter = (connection: RawConnection): Buffer =>
  tlsOf(connection).exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))

test('TLS 1.3: by the exporter, or by the certificate', async t => {
  for (const type of ['tls-exporter', 'tls-server-end-point']) {
    const { connection, offered } = await connect(t, testSecureContext, 'TLSv1.3')
    assert.deepEqual(offered, ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'PLAIN', 'LOGIN'])
    const { raw } = tlsOf(connection).getPeerCertificate()
    const data = type === 'tls-exporter' ? exporter(connection) : createHash('sha256').update(raw).digest()
    const other = Buffer.from(data)
    other[0] = (other[0] ?? 0) ^ 1
    assert.equal(await logIn(connection, type, other), 535)
    assert.equal(await logIn(connection, type, data), 235)
  }
})

test('TLS 1.2: by the certificate only, because the exporter may be the same on two connections', async t => {
  const { connection, offered } = await connect(t, testSecureContext, 'TLSv1.2')
  assert.ok(offered.includes('SCRAM-SHA-256-PLUS'))
  assert.equal(await logIn(connection, 'tls-exporter', exporter(connection)), 535)
  const { raw } = tlsOf(connection).getPeerCertificate()
  assert.equal(
    await logIn(connection, 'tls-server-end-point', createHash('sha256').update(raw).digest()),
    235,
  )
})

test('RFC 5929 §4.1: by the hash of the signature of the certificate, and not at all where it has none', async t => {
  const made = async (algorithm: string) => {
    const { cert } = await generate([{ name: 'commonName', value: 'mail.example.test' }], {
      keySize: 2048,
      algorithm,
    })
    return Buffer.from(cert.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')
  }
  const sha384 = await made('sha384')
  assert.deepEqual(endPointOfCertificate(sha384), createHash('sha384').update(sha384).digest())
  const sha1 = await made('sha1')
  assert.deepEqual(endPointOfCertificate(sha1), createHash('sha256').update(sha1).digest())
  const edwards = createSecureContext({ cert: edwardsCertificate, key: edwardsKey })
  const { connection, offered } = await connect(t, () => edwards, 'TLSv1.3')
  assert.equal(await logIn(connection, 'tls-server-end-point', Buffer.alloc(32)), 535)
  assert.equal(await logIn(connection, 'tls-exporter', exporter(connection)), 235)
  assert.ok(offered.includes('SCRAM-SHA-256-PLUS'))
  const old = await connect(t, () => edwards, 'TLSv1.2')
  assert.deepEqual(old.offered, ['SCRAM-SHA-256', 'PLAIN', 'LOGIN'])
})
