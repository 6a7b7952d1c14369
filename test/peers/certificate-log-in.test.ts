// Clients that we did not write log in with a certificate (EXTERNAL), at the server as it is run.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { issueCertificate, makeAuthority, type TestCertificate } from '../harness/certificates.ts'
import { createAccount, readMessage } from '../harness/mailboxes.ts'
import { missing, type ProgramResult, runProgram } from '../harness/programs.ts'
import {
  createServerFolder,
  type ServerFolder,
  type ServerProcess,
  startServer,
} from '../harness/server-process.ts'
import { sendWithMsmtp } from './msmtp.ts'

const user = 'anna@example.test'
const authority = await makeAuthority('clients')
const own = await issueCertificate(authority, [], { addresses: [user] })
const foreign = await issueCertificate(await makeAuthority('stranger'), [], { addresses: [user] })

let at: ServerFolder
let server: ServerProcess

before(async () => {
  at = await createServerFolder({ tables: '[login.certificates]\ncaFile = "clients.pem"' })
  await writeFile(join(at.folder, 'clients.pem'), authority.certificate)
  for (const [name, { certificate, key }] of Object.entries({ own, foreign })) {
    await writeFile(join(at.folder, `${name}.pem`), certificate)
    await writeFile(join(at.folder, `${name}.key`), key, { mode: 0o600 })
  }
  await createAccount(at, user, 'correct horse battery staple')
  server = await startServer(at)
})

after(async () => {
  await server?.stop()
  await at?.remove()
})

async function msmtp(
  name: 'own' | 'foreign',
  role: 'submission' | 'submissions',
  subject: string,
): Promise<ProgramResult> {
  return await sendWithMsmtp(at, server, {
    role,
    from: user,
    to: user,
    subject,
    logIn: [
      'auth external',
      `tls_cert_file ${join(at.folder, `${name}.pem`)}`,
      `tls_key_file ${join(at.folder, `${name}.key`)}`,
    ],
  })
}

for (const role of ['submission', 'submissions'] as const)
  test(`msmtp on ${role}: its own certificate, and that of a stranger`, {
    skip: missing('msmtp'),
  }, async () => {
    const subject = `by msmtp on ${role}`
    const right = await msmtp('own', role, subject)
    assert.equal(right.exitCode, 0, right.stdout + right.stderr)
    assert.match(await readMessage(at, user, subject), /with (UTF8SMTPSA|ESMTPSA)/)
    const wrong = await msmtp('foreign', role, subject)
    assert.notEqual(wrong.exitCode, 0)
    assert.match(wrong.stdout + wrong.stderr, /does not support authentication method external/i)
  })

test('GNU SASL: EXTERNAL over STARTTLS', { skip: missing('gsasl') }, async () => {
  const gsasl = (certificate: TestCertificate): Promise<ProgramResult> => {
    const name = certificate === own ? 'own' : 'foreign'
    return runProgram([
      'gsasl',
      '--smtp',
      '--starttls',
      '--x509-ca-file=',
      `--x509-cert-file=${join(at.folder, `${name}.pem`)}`,
      `--x509-key-file=${join(at.folder, `${name}.key`)}`,
      `--connect=127.0.0.1:${server.port('submission')}`,
      '--mechanism=EXTERNAL',
      `--authorization-id=${user}`,
    ])
  }
  const right = await gsasl(own)
  assert.equal(right.exitCode, 0, right.stdout + right.stderr)
  const wrong = await gsasl(foreign)
  assert.notEqual(wrong.exitCode, 0)
})
