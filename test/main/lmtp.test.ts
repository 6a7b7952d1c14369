// LMTP on a UNIX socket, as an administrator runs it: who may open it, and what becomes of the file.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { connectSmtp } from '../../src/smtp/client/connect.ts'
import { createAccount } from '../harness/mailboxes.ts'
import { createServerFolder, launchServer, startServer } from '../harness/server-process.ts'

const anna = 'anna@example.test'

async function hand(path: string): Promise<string> {
  const connection = await connectSmtp({
    protocol: 'lmtp',
    path,
    host: 'localhost',
    helloName: 'front.example.test',
    tls: 'never',
    verifyCertificate: false,
  })
  const mailData = Buffer.from('From: <a@example.org>\r\nSubject: Test\r\n\r\nText\r\n')
  const [result] = await connection.send({
    reversePath: { localPart: 'a', domain: 'example.org' },
    body: '7BIT',
    smtpUtf8: false,
    recipients: [{ forwardPath: { localPart: 'anna', domain: 'example.test' } }],
    mailData: {
      size: mailData.length,
      async *open() {
        yield mailData
      },
    },
  })
  await connection.quit()
  assert.ok(result?.result.kind === 'accepted', JSON.stringify(result?.result))
  return result.result.reply.lines.join(' ')
}

test('a UNIX socket has the mode of the settings, comes back after kill -9, and goes with the server', async t => {
  const at = await createServerFolder({
    settings: 'threads.front = 2',
    tables: '[[lmtp]]\npath = "lmtp"\nmode = "0620"',
  })
  t.after(() => at.remove())
  await createAccount(at, anna, 'a password of some length')
  const path = join(at.folder, 'lmtp')
  const first = await startServer(at)
  assert.equal(statSync(path).mode & 0o777, 0o620)
  const reply = await hand(path)
  const id = /delivered as (\S+)$/.exec(reply)?.[1] ?? assert.fail(reply)
  const trace = await at.postrider('trace', id)
  assert.match(trace, /Received over LMTP from front\.example\.test \(unix:\S+\/lmtp\), on this machine/)
  assert.match(trace, /Delivered to anna@example\.test/)
  assert.match(await at.postrider('mail', 'read', anna, '1'), /with LMTP id/)
  // Two servers over one socket would be one too many.
  const rival = await createServerFolder({ tables: `[[lmtp]]\npath = "${path}"` })
  t.after(() => rival.remove())
  const refused = launchServer(rival)
  await assert.rejects(refused.listening, /Another program listens on \S+\/lmtp already/)
  await first.kill()
  assert.ok(existsSync(path), 'a killed server leaves its socket')
  const second = await startServer(at)
  await hand(path)
  await second.stop()
  assert.equal(existsSync(path), false)
})

test('what keeps a socket from being opened is said before anything runs', async t => {
  const at = await createServerFolder({
    tables: '[[lmtp]]\npath = "nowhere/lmtp"\n[[lmtp]]\npath = "postrider.toml"',
  })
  t.after(() => at.remove())
  const { exitCode, stdout } = await at.tryPostrider('check')
  assert.notEqual(exitCode, 0)
  assert.match(stdout, /There is no folder \S+\/nowhere for the socket/)
  assert.match(stdout, /postrider\.toml is there already, and is no socket/)
})

test('a group that there is not is named', async t => {
  const at = await createServerFolder({
    tables: '[[lmtp]]\npath = "lmtp"\ngroup = "no-such-group"',
  })
  t.after(() => at.remove())
  await assert.rejects(launchServer(at).listening, /There is no "no-such-group" in \/etc\/group/)
})

test('nobody but the clients of the settings may talk LMTP to a port', async t => {
  const at = await createServerFolder({
    tables: '[[lmtp]]\naddress = "127.0.0.1"\nport = 0\nclients = ["192.0.2.7"]',
  })
  t.after(() => at.remove())
  const server = await startServer(at)
  const [, port] = /lmtp 127\.0\.0\.1:(\d+)/.exec(server.output()) ?? assert.fail(server.output())
  const socket = connect(Number(port), '127.0.0.1')
  const [greeting] = (await once(socket, 'data')) as [Buffer]
  assert.match(
    greeting.toString(),
    /^554 5\.7\.1 mail\.example\.test does not talk to 127\.0\.0\.1 on this port/,
  )
  socket.destroy()
  await server.stop()
})
