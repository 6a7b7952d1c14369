// A server that gets its certificates itself, as an administrator sees it: it starts without one, and changes over while
// connections go on.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { startAcmeServer } from '../acme/acme-server.ts'
import { eventually } from '../harness/eventually.ts'
import { findFreePort } from '../harness/free-port.ts'
import { createServerFolder, startServer } from '../harness/server-process.ts'

interface Shown {
  readonly fingerprint: string
  readonly issuer: string
}

function shownOn(port: number, servername?: string): Promise<Shown> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      { port, host: '127.0.0.1', rejectUnauthorized: false, ...(servername && { servername }) },
      () => {
        const certificate = socket.getPeerX509Certificate()
        resolve({ fingerprint: certificate?.fingerprint256 ?? '', issuer: certificate?.issuer ?? '' })
        socket.destroy()
      },
    )
    socket.once('error', reject)
  })
}

interface CertificateJson {
  readonly source: { readonly kind: string }
  readonly names: readonly string[]
  readonly tlsa: string | null
  readonly renewal: { readonly failures: number; readonly problem: { readonly sort: string } | null } | null
}

test('a server without a certificate gets one, shows it without a restart, keeps it, and renews it when it is told to', async t => {
  const answerPort = await findFreePort()
  const authority = await startAcmeServer({
    proofAt: () => ({ address: '127.0.0.1', port: answerPort }),
    now: () => Date.now(),
  })
  t.after(() => authority.close())
  const at = await createServerFolder({
    tables: `[tls.acme]
agreeToTerms = true
contact = ["admin@example.test"]
names = ["mail.example.test", "mail.example.org"]
directory = "${authority.directory}"
caFile = "own-authority.pem"
address = "127.0.0.1"
port = ${answerPort}
[threads]
front = 2`,
  })
  t.after(() => at.remove())
  writeFileSync(join(at.folder, 'own-authority.pem'), authority.caPem)
  const listed = async (): Promise<readonly CertificateJson[]> =>
    JSON.parse(await at.postrider('certificate', 'show', '--json')) as readonly CertificateJson[]

  authority.faults.proof = { type: 'connection', detail: 'Timeout during connect' }
  const server = await startServer(at)
  try {
    const port = server.port('submissions')
    const before = await shownOn(port)
    assert.equal(before.issuer, 'CN=mail.example.test')
    await eventually('both names to have failed', async () => {
      const all = await listed()
      return all.filter(({ renewal }) => renewal?.problem?.sort === 'http-01').length === 2 ? true : undefined
    })
    const text = await at.postrider('certificate', 'show')
    assert.match(text, /mail\.example\.org\n {2}in use {3}no: the authority has not issued it yet\n/)
    assert.match(
      text,
      /problem {2}.*, the 1\. time in a row: Timeout during connect\n {2}mend {5}The authority asks on port 80/,
    )
    // That of the key to come can be published before there is a certificate, beside that of the present one.
    const tlsa = await at.postrider('certificate', 'tlsa')
    assert.equal((await shownOn(port)).fingerprint, before.fingerprint)

    authority.faults.proof = undefined
    assert.match(
      await at.postrider('certificate', 'renew'),
      /^Asked for: mail\.example\.test, mail\.example\.org\./,
    )
    const issued = async (servername: string, not: string): Promise<Shown> =>
      await eventually(`every front to show the certificate for ${servername}`, async () => {
        const seen = await Promise.all([1, 2, 3, 4, 5, 6].map(() => shownOn(port, servername)))
        const [first] = seen
        return first?.issuer === 'CN=ACME Issuer' &&
          seen.every(({ fingerprint }) => fingerprint === first.fingerprint && fingerprint !== not)
          ? first
          : undefined
      })
    const own = await issued('mail.example.test', before.fingerprint)
    const org = await issued('mail.example.org', own.fingerprint)
    assert.equal((await shownOn(port)).fingerprint, own.fingerprint)
    const lines = (await at.postrider('certificate', 'tlsa')).trimEnd().split('\n')
    assert.deepEqual(
      lines.map(line => line.replace(/[0-9a-f]{64}$/, 'DIGEST')),
      ['mail.example.test', 'mail.example.org'].map(name => `_25._tcp.${name}. IN TLSA 3 1 1 DIGEST`),
    )
    assert.deepEqual(
      tlsa
        .trimEnd()
        .split('\n')
        .filter(line => lines.includes(line)),
      lines,
    )

    await at.postrider('certificate', 'renew', 'mail.example.org')
    await issued('mail.example.org', org.fingerprint)
    assert.equal((await shownOn(port)).fingerprint, own.fingerprint)
    assert.deepEqual(
      authority.issued.map(({ name }) => name),
      ['mail.example.test', 'mail.example.org', 'mail.example.org'],
    )
    const digests = new Set(lines.map(line => line.slice(-64)))
    assert.deepEqual(digests, new Set(authority.issued.map(({ keyDigest }) => keyDigest)))
    const { exitCode, stderr } = await at.tryPostrider('certificate', 'renew', 'strange.example')
    assert.equal(exitCode, 1)
    assert.match(stderr, /No authority issues certificates for strange\.example to this server/)
  } finally {
    assert.equal(await server.stop(), 0)
  }

  // What is kept is shown from the first handshake on, and nothing is asked for anew.
  const again = await startServer(at)
  try {
    assert.equal((await shownOn(again.port('submissions'))).issuer, 'CN=ACME Issuer')
    assert.deepEqual(
      (await listed()).map(({ source, names }) => [source.kind, names]),
      [
        ['issued', ['mail.example.test']],
        ['issued', ['mail.example.org']],
      ],
    )
    assert.equal(authority.issued.length, 3)
  } finally {
    await again.stop()
  }
})

test('a port for the authority that cannot be opened keeps no mail away', async t => {
  const at = await createServerFolder({
    tables: `[tls.acme]
agreeToTerms = true
directory = "https://127.0.0.1:1/directory"
address = "192.0.2.77"
port = 8080`,
  })
  t.after(() => at.remove())
  const check = await at.tryPostrider('check')
  assert.match(check.stdout, /certificate: This machine has no address 192\.0\.2\.77/)
  const server = await startServer(at)
  try {
    await eventually('the problem to be told', async () => {
      const text = await at.postrider('certificate', 'show')
      return /problem {2}.*This machine has no address 192\.0\.2\.77/.test(text) || undefined
    })
    assert.equal((await shownOn(server.port('submissions'))).issuer, 'CN=mail.example.test')
  } finally {
    assert.equal(await server.stop(), 0)
  }
})
