// Certificates of a running server: renewed under its connections by a signal, refused with an alert when they are of no use.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { issueCertificate, type TestCertificate } from '../harness/certificates.ts'
import { eventually } from '../harness/eventually.ts'
import { createServerFolder, type ServerFolder, startServer } from '../harness/server-process.ts'

interface Session {
  readonly fingerprint: string
  readonly socket: TLSSocket
  /** A command, and the first line of its reply. */
  ask(command: string): Promise<string>
}

async function openSession(port: number, servername = 'mail.example.test'): Promise<Session> {
  const socket = connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false })
  const read = (): Promise<string> =>
    new Promise((resolve, reject) => {
      socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1').split('\r\n')[0] ?? ''))
      socket.once('error', reject)
      socket.once('close', () => reject(new Error('the server closed the connection')))
    })
  await read()
  return {
    fingerprint: socket.getPeerX509Certificate()?.fingerprint256 ?? '',
    socket,
    ask(command) {
      const reply = read()
      socket.write(`${command}\r\n`)
      return reply
    },
  }
}

async function shownNow(port: number, servername?: string): Promise<string> {
  const { fingerprint, socket } = await openSession(port, servername)
  socket.destroy()
  return fingerprint
}

function put(
  { folder }: Pick<ServerFolder, 'folder'>,
  name: string,
  { certificate, key }: TestCertificate,
): void {
  writeFileSync(join(folder, `${name}.c.pem`), certificate)
  writeFileSync(join(folder, `${name}.k.pem`), key)
}

test('a renewed certificate is taken at SIGHUP by every front, and no connection is dropped; a wrong one is an alert', async t => {
  const [old, renewed, org] = await Promise.all([
    issueCertificate(undefined, ['mail.example.test']),
    issueCertificate(undefined, ['mail.example.test']),
    issueCertificate(undefined, ['mail.example.org']),
  ])
  const at = await createServerFolder({
    tables: `[tls]
certificateFile = "own.c.pem"
keyFile = "own.k.pem"
[[tls.certificates]]
certificateFile = "org.c.pem"
keyFile = "org.k.pem"
[threads]
front = 2`,
  })
  t.after(() => at.remove())
  put(at, 'own', old)
  put(at, 'org', org)
  const server = await startServer(at)
  try {
    const port = server.port('submissions')
    const session = await openSession(port)
    assert.equal(session.fingerprint, old.x509.fingerprint256)
    assert.equal(await shownNow(port, 'mail.example.org'), org.x509.fingerprint256)

    put(at, 'own', renewed)
    process.kill(server.pid, 'SIGHUP')
    // Each front says that it has read it.
    await eventually('both fronts to read it', async () =>
      server.output().match(/"certificate read again"/g)?.length === 2 ? true : undefined,
    )
    for (let n = 0; n < 8; n++) assert.equal(await shownNow(port), renewed.x509.fingerprint256)
    assert.equal(await session.ask('EHLO client.example.test'), '250-mail.example.test')
    session.socket.destroy()

    writeFileSync(join(at.folder, 'own.k.pem'), old.key)
    process.kill(server.pid, 'SIGHUP')
    const why = `${at.folder}/own.k.pem is not the key of the certificate ${at.folder}/own.c.pem.`
    const alerts = await eventually('an alert', async () => (await at.postrider('alerts')) || undefined)
    assert.ok(alerts.startsWith(`the certificate ${at.folder}/own.c.pem cannot be used`), alerts)
    assert.ok(alerts.replace(/\s+/g, ' ').includes(why), alerts)
    assert.equal(await shownNow(port), renewed.x509.fingerprint256)
  } finally {
    assert.equal(await server.stop(), 0)
  }
})

test('a start with a chain that is over or in disorder ends with a message that names the file', async t => {
  const at = await createServerFolder({
    tables: '[tls]\ncertificateFile = "own.c.pem"\nkeyFile = "own.k.pem"',
  })
  t.after(() => at.remove())
  const own = await issueCertificate(undefined, ['mail.example.test'])
  const stranger = await issueCertificate(undefined, ['other.example.test'])
  put(at, 'own', { ...own, certificate: `${own.certificate}\n${stranger.certificate}` })
  const { exitCode, stderr } = await at.tryPostrider('serve')
  assert.equal(exitCode, 1)
  assert.match(
    stderr,
    /own\.c\.pem: the certificate of other\.example\.test follows that of mail\.example\.test/,
  )
})

test('the command shows what is in use, with a server and without, and the TLSA records of the keys', async t => {
  // For half an hour from now it says the same of how long they go on.
  const notAfter = new Date(Date.now() + (100 * 24 + 0.5) * 3_600_000)
  const [own, wild] = await Promise.all([
    issueCertificate(undefined, ['mail.example.test', 'smtp.example.test'], { notAfter }),
    issueCertificate(undefined, ['*.example.org'], { notAfter }),
  ])
  const at = await createServerFolder({
    tables: `[tls]
certificateFile = "own.c.pem"
keyFile = "own.k.pem"
[[tls.certificates]]
certificateFile = "wild.c.pem"
keyFile = "wild.k.pem"`,
  })
  t.after(() => at.remove())
  put(at, 'own', own)
  put(at, 'wild', wild)
  const offline = await at.postrider('certificate', 'show')
  assert.match(offline, /^mail\.example\.test, smtp\.example\.test\n {2}from {5}\S+own\.c\.pem\n/)
  assert.ok(offline.includes(`SHA-256  ${wild.x509.fingerprint256}`), offline)
  const digest = createHash('sha256')
    .update(own.x509.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
  const server = await startServer(at)
  try {
    assert.equal(await at.postrider('certificate', 'show'), offline)
    assert.deepEqual((await at.postrider('certificate', 'tlsa')).trimEnd().split('\n'), [
      `_25._tcp.mail.example.test. IN TLSA 3 1 1 ${digest}`,
      `_25._tcp.smtp.example.test. IN TLSA 3 1 1 ${digest}`,
    ])
    put(at, 'own', wild)
    writeFileSync(join(at.folder, 'own.k.pem'), own.key)
    process.kill(server.pid, 'SIGHUP')
    await eventually('the problem to be shown', async () => {
      const shown = await at.postrider('certificate', 'show')
      return /\n {2}problem {2}\S+own\.k\.pem is not the key of/.test(shown) || undefined
    })
  } finally {
    await server.stop()
  }
})

test('a session begun in one front goes on in each', async t => {
  const at = await createServerFolder({ tables: '[threads]\nfront = 2' })
  t.after(() => at.remove())
  const server = await startServer(at)
  try {
    const port = server.port('submissions')
    let session: Buffer | undefined
    const connectOnce = (): Promise<boolean> =>
      new Promise((resolve, reject) => {
        const socket = connect({
          port,
          host: '127.0.0.1',
          rejectUnauthorized: false,
          ...(session && { session }),
        })
        socket.on('session', latest => {
          session ??= latest
        })
        socket.once('data', () => {
          resolve(socket.isSessionReused())
          socket.destroy()
        })
        socket.once('error', reject)
      })
    assert.equal(await connectOnce(), false)
    for (let n = 0; n < 12; n++) assert.equal(await connectOnce(), true)
  } finally {
    await server.stop()
  }
})
