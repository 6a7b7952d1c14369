// Two servers as administrators run them: the second is behind a connection that only it can open, and fetches its mail from
// the first (RFC 2645). A kill of either in the middle loses nothing.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { findFreePort } from '../harness/free-port.ts'
import { readFolderMailboxes } from '../harness/read-mailboxes.ts'
import { sendMessage } from '../harness/send-message.ts'
import {
  createServerFolder,
  type ServerFolder,
  type ServerProcess,
  startServer,
} from '../harness/server-process.ts'
import { startTcpProxy, type TcpProxy } from '../harness/tcp-proxy.ts'

const anna = 'anna@home.test'

interface Fetching {
  readonly provider: ServerFolder
  readonly customer: ServerFolder
  /** Between the two: the only way from one to the other. */
  readonly way: TcpProxy
}

async function prepare(t: TestContext): Promise<Fetching> {
  const port = await findFreePort()
  const way = await startTcpProxy(port)
  t.after(() => way.close())
  const provider = await createServerFolder({
    listeners: [
      { role: 'relay', address: '127.0.0.1', port: 0 },
      { role: 'submission', address: '127.0.0.1', port },
    ],
    tables: '[threads]\nfront = 1',
  })
  t.after(() => provider.remove())
  await provider.postrider('domain', 'create', 'provider.test')
  await provider.postrider('account', 'create', 'customer@provider.test', '--password', 'correct horse')
  await provider.postrider(
    'domain',
    'create',
    'home.test',
    '--relay',
    '--keep-until-fetched',
    '--owner',
    'customer@provider.test',
  )
  // It listens to its own users only, under TLS from the first byte: no other server could hand it anything.
  const customer = await createServerFolder({
    listeners: [{ role: 'submissions', address: '127.0.0.1', port: 0 }],
    tables: [
      '[threads]\nfront = 1',
      '[[fetch]]\nhost = "127.0.0.1"',
      `port = ${way.port}`,
      'verifyCertificate = false\nusername = "customer@provider.test"\npassword = "correct horse"\ndomains = ["home.test"]',
      'everyMinutes = 10000',
    ].join('\n'),
  })
  t.after(() => customer.remove())
  await customer.postrider('domain', 'create', 'home.test')
  await customer.postrider('account', 'create', anna, '--password', 'correct horse')
  return { provider, customer, way }
}

function stopAtEnd(t: TestContext, server: ServerProcess): ServerProcess {
  t.after(() => server.kill())
  return server
}

/** Until the other server says that there is no more. */
async function fetchAll(customer: ServerFolder): Promise<void> {
  for (let round = 0; round < 100; round++) {
    const { stdout } = await customer.tryPostrider('fetch')
    if (stdout.includes('there was no mail')) return
  }
  assert.fail('there was mail after a hundred times')
}

async function subjectsIn(customer: ServerFolder): Promise<string[]> {
  const subjects: string[] = []
  for await (const message of readFolderMailboxes(customer.dataFolder, [anna]))
    subjects.push(/Subject: (.+)\r\n/.exec(message)?.[1] ?? assert.fail(message))
  return subjects.toSorted()
}

test('mail for a server that nobody can reach is kept, fetched by it, and read in its mailbox', async t => {
  const { provider, customer } = await prepare(t)
  const first = stopAtEnd(t, await startServer(provider))
  await sendMessage(first.port('relay'), anna, 'One')
  await sendMessage(first.port('relay'), anna, 'Two')
  const listed = await provider.postrider('queue', 'list')
  assert.match(listed, /anna@home\.test +(?:kept|due)/)
  // It fetches when it starts; with "postrider fetch" once more, and no message twice.
  const second = stopAtEnd(t, await startServer(customer))
  await fetchAll(customer)
  const mailbox = await customer.postrider('mail', 'list', anna)
  assert.match(mailbox, /One/)
  assert.match(mailbox, /Two/)
  assert.equal(await provider.postrider('queue', 'list'), '')
  await second.stop()
  await first.stop()
  assert.deepEqual(await subjectsIn(customer), ['One', 'Two'])
})

test('a wrong password fetches nothing, and says why', async t => {
  const { provider, customer } = await prepare(t)
  await provider.postrider('account', 'password', 'customer@provider.test', '--password', 'another one')
  const first = stopAtEnd(t, await startServer(provider))
  await sendMessage(first.port('relay'), anna, 'Kept')
  stopAtEnd(t, await startServer(customer))
  const { exitCode, stdout } = await customer.tryPostrider('fetch')
  assert.equal(exitCode, 1)
  assert.match(stdout, /127\.0\.0\.1: failed\. 127\.0\.0\.1 refused the log-in/)
})

const count = 60
const bytesBeforeKill = 60_000

for (const killed of ['provider', 'customer'] as const)
  test(`kill -9 of the ${killed} in the middle loses nothing`, async t => {
    const { provider, customer, way } = await prepare(t)
    let first = stopAtEnd(t, await startServer(provider))
    const subjects = Array.from(
      { length: count },
      (_, n) => `Message ${String(n).padStart(2, '0')} ${'x'.repeat(900)}`,
    )
    for (const subject of subjects) await sendMessage(first.port('relay'), anna, subject)
    // So much has gone to the customer that some messages have arrived, and not so much that all have.
    let passed = 0
    const middle = new Promise<void>(resolve => {
      way.fromServer = bytes => {
        passed += bytes.length
        if (passed >= bytesBeforeKill) {
          way.cut()
          resolve()
        }
        return bytes
      }
    })
    let second = stopAtEnd(t, await startServer(customer))
    await middle
    await (killed === 'provider' ? first : second).kill()
    way.fromServer = bytes => bytes
    way.reset()
    way.mend()
    if (killed === 'provider') first = stopAtEnd(t, await startServer(provider))
    else second = stopAtEnd(t, await startServer(customer))
    await fetchAll(customer)
    await second.stop()
    await first.stop()
    const received = (await subjectsIn(customer)).map(subject => subject.slice(0, 10))
    assert.deepEqual(
      [...new Set(received)],
      subjects.map(subject => subject.slice(0, 10)),
    )
    // What was under way at the kill, and what was not written down yet.
    t.diagnostic(`${received.length - count} of ${count} came twice`)
    assert.ok(received.length < 2 * count, 'what had been written down was not sent again')
  })
