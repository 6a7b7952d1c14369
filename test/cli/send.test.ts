import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { replies } from '../../src/smtp/replies.ts'
import { createSmtpServer } from '../../src/smtp/server/create-smtp-server.ts'
import type { ListenerRole } from '../../src/smtp/server/services.ts'
import { makeFolder, runPostrider } from './run-postrider.ts'

interface Received {
  readonly reversePath: string | undefined
  readonly recipients: readonly string[]
  readonly account: string | undefined
  readonly text: string
}

async function serve(
  context: TestContext,
  role: ListenerRole = 'relay',
): Promise<{ folder: string; server: string[]; received: Received[] }> {
  const received: Received[] = []
  const server = createSmtpServer({
    hostname: 'mail.example.test',
    listeners: [{ role, address: '127.0.0.1', port: 0 }],
    allowPlaintextAuthOnLoopback: true,
    services: {
      authenticate: async (_client, name, password) =>
        name === 'anna@example.test' && password === 'secret' ? { id: 1, address: name } : undefined,
      acceptForwardPath: (_client, _transaction, { forwardPath }) =>
        forwardPath.localPart === 'nobody' ? replies.noSuchMailbox('nobody@example.test') : undefined,
      receive: (client, transaction) => {
        const chunks: Uint8Array[] = []
        return {
          write: chunk => void chunks.push(Buffer.from(chunk)),
          finish: async () => {
            received.push({
              reversePath: transaction.reversePath?.localPart,
              recipients: transaction.recipients.map(({ forwardPath }) => forwardPath.localPart),
              account: client.account?.address,
              text: Buffer.concat(chunks).toString('utf8'),
            })
            return replies.queued('1CCD5D74AAE')
          },
          abort() {},
        }
      },
    },
  })
  const [listener] = await server.listen()
  context.after(() => server.close(0))
  const folder = makeFolder(remove => context.after(remove))
  return { folder, server: ['--server', '127.0.0.1', '--port', String(listener?.port)], received }
}

test('a message is sent, and the dialogue is shown as in the RFC', async context => {
  const { folder, server, received } = await serve(context)
  const envelope = ['--from', 'test@testmail.com', '--to', 'anna@example.test']
  const content = ['--subject', 'Привет', '--body', 'Some text\n.\nafter a dot']
  const ran = await runPostrider(folder, ['send', ...server, ...envelope, ...content])
  assert.equal(ran.exitCode, 0, ran.stderr)
  const lines = ran.stdout.split('\n')
  for (const line of lines.slice(0, -2)) assert.match(line, /^[CS]: /)
  assert.ok(
    lines.includes('C: MAIL FROM:<test@testmail.com>') ||
      lines.some(line => line.startsWith('C: MAIL FROM:<test@testmail.com> ')),
  )
  assert.ok(lines.includes('S: 250 2.0.0 Ok: queued as 1CCD5D74AAE'))
  assert.equal(lines.at(-2), 'anna@example.test: accepted (250 2.0.0 Ok: queued as 1CCD5D74AAE)')
  const [message] = received
  assert.equal(message?.reversePath, 'test')
  assert.match(
    message?.text ?? '',
    /^Date: .*\r\nFrom: test@testmail\.com\r\nTo: anna@example\.test\r\nSubject: =\?UTF-8\?B\?/,
  )
  assert.match(message?.text ?? '', /\r\n\r\nSome text\r\n\.\r\nafter a dot\r\n$/)
})

test('one refused recipient: the others get it, and the exit code says so', async context => {
  const { folder, server, received } = await serve(context)
  const parameters = [
    'send',
    ...server,
    '--from',
    '<>',
    '--to',
    'anna@example.test',
    '--to',
    'nobody@example.test',
    '--json',
  ]
  const ran = await runPostrider(folder, parameters, 'The body\n')
  assert.equal(ran.exitCode, 1, ran.stderr)
  assert.equal(ran.stderr, '')
  const result = JSON.parse(ran.stdout) as {
    accepted: number
    recipients: { address: string; kind: string }[]
    dialogue: string[]
  }
  assert.equal(result.accepted, 1)
  assert.deepEqual(
    result.recipients.map(({ address, kind }) => `${address} ${kind}`),
    ['anna@example.test accepted', 'nobody@example.test refused'],
  )
  assert.ok(result.dialogue.length > 5)
  assert.equal(received[0]?.reversePath, undefined)
  assert.match(received[0]?.text ?? '', /\r\n\r\nThe body\r\n$/)
})

test('logging in: the password comes from stdin and is not shown', async context => {
  const { folder, server, received } = await serve(context, 'submission')
  const parameters = [
    'send',
    ...server,
    '--user',
    'anna@example.test',
    '--password-stdin',
    '--to',
    'boris@example.test',
  ]
  const ran = await runPostrider(folder, parameters, 'secret\n')
  assert.equal(ran.exitCode, 0, ran.stderr)
  assert.equal(received[0]?.account, 'anna@example.test')
  assert.equal(received[0]?.reversePath, 'anna')
  assert.doesNotMatch(ran.stdout, /secret/)
  assert.ok(!ran.stdout.includes(Buffer.from('\0anna@example.test\0secret').toString('base64')))
  const wrong = await runPostrider(folder, parameters, 'wrong\n')
  assert.equal(wrong.exitCode, 1)
  assert.match(wrong.stdout, /boris@example\.test: failed: .*535/)
})

test('a whole message from a file is sent as it is, its lines ended with CRLF', async context => {
  const { folder, server, received } = await serve(context)
  writeFileSync(join(folder, 'message.eml'), 'Subject: from a file\n\nÄ line\r\nanother\n')
  const parameters = [
    'send',
    ...server,
    '--from',
    'a@example.test',
    '--to',
    'anna@example.test',
    '--data-file',
    'message.eml',
  ]
  assert.equal((await runPostrider(folder, parameters)).exitCode, 0)
  assert.equal(received[0]?.text, 'Subject: from a file\r\n\r\nÄ line\r\nanother\r\n')
})

test('a server that does not answer: one message, exit code 1', async context => {
  const { folder } = await serve(context)
  const parameters = [
    'send',
    '--server',
    '127.0.0.1',
    '--port',
    '1',
    '--from',
    'a@b.test',
    '--to',
    'c@d.test',
    '--body',
    'x',
  ]
  const ran = await runPostrider(folder, parameters)
  assert.equal(ran.exitCode, 1)
  assert.match(ran.stdout, /^c@d\.test: failed: .*127\.0\.0\.1/)
  assert.doesNotMatch(ran.stderr, /\n {4}at /)
})
