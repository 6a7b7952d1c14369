// Clients that we did not write log in with tokens of a provider that we did not write, over TLS, at the server as it is run.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createTransport } from 'nodemailer'
import { createAccount, readMessage } from '../harness/mailboxes.ts'
import { mailAudience, type OpenIdProvider, startOpenIdProvider } from '../harness/openid-provider.ts'
import { missing, type ProgramResult } from '../harness/programs.ts'
import {
  createServerFolder,
  type ServerFolder,
  type ServerProcess,
  startServer,
} from '../harness/server-process.ts'
import { sendWithMsmtp } from './msmtp.ts'

const user = 'anna@example.test'

let provider: OpenIdProvider
let stopProvider: () => unknown = () => undefined
let at: ServerFolder
let server: ServerProcess

before(async () => {
  provider = await startOpenIdProvider({
    after: stop => {
      stopProvider = stop
    },
  })
  at = await createServerFolder({
    tables: `[[login.openid]]\nissuer = "${provider.issuer}"\naudience = ["${mailAudience}"]\nscope = "mail"`,
  })
  await createAccount(at, user, 'correct horse battery staple')
  server = await startServer(at)
})

after(async () => {
  await server?.stop()
  await at?.remove()
  await stopProvider()
})

test('nodemailer: XOAUTH2, over STARTTLS and over TLS from the first byte', async () => {
  const accessToken = await provider.token({ email: user })
  for (const role of ['submission', 'submissions'] as const) {
    const transport = createTransport({
      host: '127.0.0.1',
      port: server.port(role),
      secure: role === 'submissions',
      requireTLS: true,
      tls: { rejectUnauthorized: false },
      auth: { type: 'OAuth2', user, accessToken },
    })
    const subject = `by nodemailer on ${role}`
    await transport.sendMail({ from: user, to: user, subject, text: 'Good day.' })
    transport.close()
    assert.match(await readMessage(at, user, subject), /with (UTF8SMTPSA|ESMTPSA)/)
  }
})

async function msmtp(mechanism: string, token: string, subject: string): Promise<ProgramResult> {
  const tokenFile = join(at.folder, 'token')
  await writeFile(tokenFile, token)
  return await sendWithMsmtp(at, server, {
    from: user,
    to: user,
    subject,
    logIn: [`auth ${mechanism}`, `passwordeval "cat ${tokenFile}"`],
  })
}

for (const mechanism of ['oauthbearer', 'xoauth2'])
  test(`msmtp: ${mechanism}, with a token that is right, and with one for another program`, {
    skip: missing('msmtp'),
  }, async () => {
    const subject = `by msmtp with ${mechanism}`
    const right = await msmtp(mechanism, await provider.token({ email: user }), subject)
    assert.equal(right.exitCode, 0, right.stdout + right.stderr)
    assert.match(await readMessage(at, user, subject), /with (UTF8SMTPSA|ESMTPSA)/)
    const foreign = await provider.token({ email: user, audience: 'https://other.test' })
    const wrong = await msmtp(mechanism, foreign, subject)
    assert.notEqual(wrong.exitCode, 0)
    assert.match(wrong.stdout + wrong.stderr, /535|invalid_token|"status":"401"/)
  })
