// Clients that we did not write each send through the submission port with STARTTLS and AUTH; the message is then read
// from the mailbox.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createTransport } from 'nodemailer'
import { createAccount, readMessage } from '../harness/mailboxes.ts'
import { missing, runProgram } from '../harness/programs.ts'
import {
  createServerFolder,
  type ServerFolder,
  type ServerProcess,
  startServer,
} from '../harness/server-process.ts'

const sender = 'anna@example.test'
const receiver = 'boris@example.test'
const password = 'correct horse battery staple'
// The dot at the start of a line is what a client must stuff and the server unstuff (RFC 5321 §4.5.2).
const bodyLines = ['Good day,', '.a line with a dot', 'and an end.']

let at: ServerFolder
let server: ServerProcess
let port: number

before(async () => {
  at = await createServerFolder()
  await createAccount(at, sender, password)
  await createAccount(at, receiver, password)
  server = await startServer(at)
  port = server.port('submission')
})

after(async () => {
  await server?.stop()
  await at.remove()
})

/** The one message with this subject, as it lies in the receiver's mailbox, and that it came in by TLS and log-in. */
async function assertArrived(subject: string): Promise<void> {
  const message = await readMessage(at, receiver, subject)
  // swaks ends what it reads with one more empty line.
  assert.ok(message.trimEnd().endsWith(`\r\n\r\n${bodyLines.join('\r\n')}`), message)
  // RFC 3848: E for ESMTP, S for TLS, A for AUTH.
  assert.match(message, /with (UTF8SMTPSA|ESMTPSA)/)
}

const messageWith = (subject: string, lineEnd: string): string =>
  [`From: ${sender}`, `To: ${receiver}`, `Subject: ${subject}`, '', ...bodyLines, ''].join(lineEnd)

/** swaks speaks TLS through a Perl module that is a package of its own. */
async function missingForSwaks(): Promise<string | false> {
  const absent = missing('swaks', 'perl')
  if (absent !== false) return absent
  const { exitCode } = await runProgram(['perl', '-MNet::SSLeay', '-e', '1'])
  return exitCode !== 0 && 'not installed: libnet-ssleay-perl (.ci/run installs it on Debian)'
}

test('swaks', { skip: await missingForSwaks() }, async () => {
  const result = await runProgram(
    [
      'swaks',
      '--server',
      '127.0.0.1',
      '--port',
      String(port),
      '--tls',
      '--auth',
      'LOGIN',
      '--auth-user',
      sender,
      '--auth-password',
      password,
      '--from',
      sender,
      '--to',
      receiver,
      '--data',
      '-',
    ],
    { input: messageWith('by swaks', '\n') },
  )
  assert.equal(result.exitCode, 0, result.stdout + result.stderr)
  await assertArrived('by swaks')
})

const smtplibProgram = `
import smtplib, ssl, sys
port, sender, receiver, password = sys.argv[1:]
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
with smtplib.SMTP('127.0.0.1', int(port)) as client:
    client.starttls(context=context)
    client.login(sender, password)
    client.sendmail(sender, [receiver], sys.stdin.read())
`

test("Python's smtplib", { skip: missing('python3') }, async () => {
  const result = await runProgram(
    ['python3', '-c', smtplibProgram, String(port), sender, receiver, password],
    {
      input: messageWith('by smtplib', '\n'),
    },
  )
  assert.equal(result.exitCode, 0, result.stdout + result.stderr)
  await assertArrived('by smtplib')
})

test('msmtp', { skip: missing('msmtp') }, async () => {
  const file = join(at.folder, 'msmtprc')
  const lines = [
    'account default',
    'host 127.0.0.1',
    `port ${port}`,
    'tls on',
    'tls_starttls on',
    'tls_certcheck off',
    'auth plain',
    `user ${sender}`,
    `password "${password}"`,
    `from ${sender}`,
  ]
  // msmtp refuses a file with a password that others may read.
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 })
  const result = await runProgram(['msmtp', `--file=${file}`, receiver], {
    input: messageWith('by msmtp', '\n'),
  })
  assert.equal(result.exitCode, 0, result.stdout + result.stderr)
  await assertArrived('by msmtp')
})

test('curl', { skip: missing('curl') }, async () => {
  const result = await runProgram(
    [
      'curl',
      '--silent',
      '--show-error',
      '--ssl-reqd',
      '--insecure',
      '--url',
      `smtp://127.0.0.1:${port}`,
      '--user',
      `${sender}:${password}`,
      '--mail-from',
      sender,
      '--mail-rcpt',
      receiver,
      '--upload-file',
      '-',
    ],
    { input: messageWith('by curl', '\r\n') },
  )
  assert.equal(result.exitCode, 0, result.stdout + result.stderr)
  await assertArrived('by curl')
})

test('nodemailer', async () => {
  const transport = createTransport({
    host: '127.0.0.1',
    port,
    requireTLS: true,
    tls: { rejectUnauthorized: false },
    auth: { user: sender, pass: password },
  })
  const sent = await transport.sendMail({
    from: sender,
    to: receiver,
    subject: 'by nodemailer',
    text: bodyLines.join('\n'),
    textEncoding: 'quoted-printable',
  })
  transport.close()
  assert.deepEqual(sent.accepted, [receiver])
  await assertArrived('by nodemailer')
})
