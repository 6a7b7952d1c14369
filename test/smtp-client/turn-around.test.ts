// The customer of On-Demand Mail Relay: what it says, and what it makes of the answers.
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { SmtpClientFailure } from '../../src/smtp/client/smtp-client-failure.ts'
import { requestTurnAround, type TurnedAround } from '../../src/smtp/client/turn-around.ts'
import { replies } from '../../src/smtp/replies.ts'
import { startServer } from '../smtp-server/start-server.ts'
import { listen } from './open-client.ts'

/** Answers the commands in order; collects them. */
async function provider(
  t: TestContext,
  answers: readonly string[],
): Promise<{ readonly port: number; readonly said: string[] }> {
  const said: string[] = []
  const { port } = await listen(t, (socket: Socket) => {
    const left = [...answers]
    socket.write(`${left.shift() ?? ''}\r\n`)
    socket.on('data', (bytes: Buffer) => {
      for (const line of bytes.toString().split('\r\n').slice(0, -1)) {
        said.push(line)
        socket.write(`${left.shift() ?? '500 What?'}\r\n`)
      }
    })
  })
  return { port, said }
}

const ask = (port: number, domains: readonly string[] = []): Promise<TurnedAround> =>
  requestTurnAround(
    { host: '127.0.0.1', port, helloName: 'server.home.test', tls: 'never', verifyCertificate: false },
    domains,
  )

test('after 250 the socket is free, and the other end waits for a greeting', async t => {
  const { port, said } = await provider(t, ['220 provider', '250 provider', '250 Ok', '250 heard'])
  const turned = await ask(port, ['home.test', 'second.test'])
  assert.ok(turned.kind === 'turned')
  const { socket } = turned
  const heard = new Promise(resolve => {
    socket.once('data', bytes => resolve(String(bytes)))
  })
  socket.resume()
  socket.write('220 server.home.test\r\n')
  assert.equal(await heard, '250 heard\r\n')
  assert.deepEqual(said, ['EHLO server.home.test', 'ATRN home.test,second.test', '220 server.home.test'])
  socket.destroy()
})

test('453 is no mail, and any other refusal is told; either way it says QUIT', async t => {
  const none = await provider(t, ['220 provider', '250 provider', '453 You have no mail', '221 Bye'])
  assert.deepEqual(await ask(none.port), { kind: 'no-mail' })
  assert.deepEqual(none.said, ['EHLO server.home.test', 'ATRN', 'QUIT'])
  const refused = await provider(t, ['220 provider', '250 provider', '450 4.7.1 Not yours', '221 Bye'])
  assert.deepEqual(await ask(refused.port), {
    kind: 'refused',
    reply: { code: 450, enhanced: '4.7.1', lines: ['Not yours'] },
  })
})

test('who goes on talking after 250 is no client that waits for a greeting', async t => {
  const { port } = await provider(t, ['220 provider', '250 provider', '250 Ok\r\n220 provider'])
  await assert.rejects(
    ask(port),
    (cause: unknown) => cause instanceof SmtpClientFailure && cause.facts.kind === 'protocol',
  )
})

test('a served socket has none of the rights of its address', async t => {
  const clients: {
    readonly local: boolean
    readonly loopback: boolean
    readonly fetched?: boolean | undefined
  }[] = []
  const started = await startServer({
    localNetworks: ['127.0.0.0/8'],
    services: {
      connect(client) {
        clients.push(client)
        return undefined
      },
      receive: () => replies.localError,
    },
  })
  t.after(() => started.server.close())
  const { port } = await provider(t, ['220 provider', '250 provider', '250 Ok', 'EHLO provider', 'QUIT'])
  const turned = await ask(port)
  assert.ok(turned.kind === 'turned')
  assert.deepEqual(await started.server.serve(turned.socket), { messages: 0 })
  assert.equal(clients[0]?.local, false)
  assert.equal(clients[0].loopback, false)
  assert.equal(clients[0].fetched, true)
})
