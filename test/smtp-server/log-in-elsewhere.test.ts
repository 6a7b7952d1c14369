// Who asks the relay port for what takes a login is told where to log in, and HELP says nothing else.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openConnection } from '../harness/raw-connection.ts'
import { testSecureContext } from '../harness/secure-context.ts'
import { startServer } from './start-server.ts'

const services = { authenticate: () => Promise.resolve(undefined) }
const tls = { secureContext: testSecureContext }

void test('refusals and HELP name the ports on which this server takes AUTH', async () => {
  const { server, listeners, greeted } = await startServer({
    services,
    tls,
    listeners: (['relay', 'submission', 'submissions'] as const).map(role => ({
      role,
      address: '127.0.0.1',
      port: 0,
    })),
  })
  const [, submission, submissions] = listeners.map(({ port }) => port)
  const place = `port ${submission} or ${submissions}`
  const stranger = await greeted()
  await stranger.command('EHLO client.example.org')
  for (const [line, words] of [
    ['AUTH PLAIN', `5.5.1 AUTH is not offered on this port; log in on ${place}`],
    ['SEND FROM:<a@example.org>', `5.7.0 SEND is for users who have logged in, on ${place}`],
    ['SOML FROM:<a@example.org>', `5.7.0 SOML is for users who have logged in, on ${place}`],
    ['SAML FROM:<a@example.org>', `5.7.0 SAML is for users who have logged in, on ${place}`],
    ['HELP AUTH', `2.0.0 Not offered on this port; log in on ${place}.`],
    ['HELP SEND', `2.0.0 For users who have logged in (on ${place}), and for the networks in localNetworks.`],
  ] as const)
    assert.ok((await stranger.command(line))?.lines.includes(words), line)
  stranger.destroy()
  assert.ok(submission)
  const user = await openConnection(submission)
  await user.reply()
  assert.ok((await user.command('HELP AUTH'))?.lines.includes('2.0.0 Only over TLS: say STARTTLS first.'))
  await user.command('EHLO client.example.org')
  await user.command('STARTTLS')
  await user.startTls()
  assert.ok(
    (await user.command('HELP AUTH'))?.lines.includes('2.0.0 Offered on this connection: PLAIN, LOGIN.'),
  )
  user.destroy()
  await server.close()
})

void test('a server that has no submission port names none', async () => {
  const { server, greeted } = await startServer({ services })
  const connection = await greeted()
  assert.equal(
    (await connection.command('AUTH PLAIN'))?.text,
    '5.5.1 AUTH is not offered on this port; log in on the submission port',
  )
  connection.destroy()
  await server.close()
})
