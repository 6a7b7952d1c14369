// Clients that we did not write log in by each mechanism, over STARTTLS and over TLS from the first byte.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
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
// What SASLprep changes (a letter in two parts), and what SCRAM writes otherwise.
const password = 'pass=word, и\u0306 и пробел'

let at: ServerFolder
let server: ServerProcess

before(async () => {
  at = await createServerFolder({
    tables: '[login]\nmechanisms = ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"]',
  })
  await createAccount(at, user, password)
  server = await startServer(at)
})

after(async () => {
  await server?.stop()
  await at.remove()
})

/** GNU SASL, which sends no mail: its exit code says whether the server let it in, and proved itself. */
async function gsasl(mechanism: string, ...options: readonly string[]): Promise<ProgramResult> {
  return await runProgram(
    [
      'gsasl',
      '--smtp',
      '--starttls',
      '--x509-ca-file=',
      `--connect=127.0.0.1:${server.port('submission')}`,
      `--mechanism=${mechanism}`,
      `--authentication-id=${user}`,
      ...options,
    ],
    { env: { ...process.env, LC_ALL: 'C.UTF-8' } },
  )
}

for (const mechanism of [
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-256',
  'SCRAM-SHA-1-PLUS',
  'SCRAM-SHA-1',
  'PLAIN',
  'LOGIN',
]) {
  test(`GNU SASL: ${mechanism}`, { skip: missing('gsasl') }, async () => {
    const options = mechanism.endsWith('-PLUS') ? [] : ['--no-cb']
    const right = await gsasl(mechanism, `--password=${password}`, ...options)
    assert.equal(right.exitCode, 0, right.stdout + right.stderr)
    const wrong = await gsasl(mechanism, '--password=wrong', ...options)
    assert.notEqual(wrong.exitCode, 0)
    assert.match(wrong.stdout + wrong.stderr, /535 5\.7\.8/)
  })
}

for (const mechanism of ['scram-sha-256', 'scram-sha-1']) {
  test(`msmtp sends a message: ${mechanism}`, { skip: missing('msmtp') }, async () => {
    const subject = `by msmtp with ${mechanism}`
    const result = await sendWithMsmtp(at, server, {
      from: user,
      to: user,
      subject,
      logIn: [`auth ${mechanism}`, `password "${password}"`],
    })
    assert.equal(result.exitCode, 0, result.stdout + result.stderr)
    assert.match(await readMessage(at, user, subject), /with (UTF8SMTPSA|ESMTPSA)/)
  })
}
