// `postrider serve` as a process: how it ends.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { generatedCertificateFile } from '../../src/tls/generated-certificate-file.ts'
import { eventually } from '../harness/eventually.ts'
import { openConnection } from '../harness/raw-connection.ts'
import { createServerFolder, type ServerFolder, startServer } from '../harness/server-process.ts'

function databaseFiles({ dataFolder }: ServerFolder): string[] {
  return readdirSync(dataFolder).filter(name => name.startsWith('postrider.sqlite'))
}

test('a clean stop ends what is under way, does what commands ask meanwhile, and leaves one database file', async t => {
  const at = await createServerFolder()
  t.after(() => at.remove())
  await at.postrider('domain', 'create', 'example.test')
  await at.postrider('account', 'create', 'anna@example.test')
  const server = await startServer(at)
  const connection = await openConnection(server.port('relay'))
  await connection.reply()
  await connection.command('HELO client.example.org')
  await connection.command('MAIL FROM:<boris@example.org>')
  await connection.command('RCPT TO:<anna@example.test>')
  assert.equal((await connection.command('DATA'))?.code, 354)
  const stopped = server.stop()
  await eventually('it stops', () =>
    Promise.resolve(server.output().includes('"msg":"stopping"') ? true : undefined),
  )
  assert.match(await at.postrider('alias', 'create', 'info@example.test', 'anna@example.test'), /^Created/)
  assert.equal((await connection.command('Subject: Test\r\n\r\nText\r\n.'))?.code, 250)
  connection.destroy()
  assert.equal(await stopped, 0)
  // Without a log that would have to travel with it.
  assert.deepEqual(databaseFiles(at), ['postrider.sqlite'])
  assert.match(await at.postrider('alias', 'list'), /info@example\.test/)
})

test('a server without a domain says so, and what to do; senders are put off until it has one', async t => {
  const at = await createServerFolder()
  t.after(() => at.remove())
  const server = await startServer(at)
  const rcpt = async (): Promise<string> => {
    const connection = await openConnection(server.port('relay'))
    await connection.reply()
    await connection.command('HELO client.example.org')
    await connection.command('MAIL FROM:<boris@example.org>')
    const reply = await connection.command('RCPT TO:<postmaster@mail.example.test>')
    connection.destroy()
    return reply?.lines.join('\n') ?? ''
  }
  assert.match(await rcpt(), /no mail domain yet/)
  await at.postrider('domain', 'create', 'example.test')
  await at.postrider('account', 'create', 'anna@example.test')
  await eventually('postmaster is there', async () => (/Ok/.test(await rcpt()) ? true : undefined))
  await server.stop()
  const [line = ''] = server
    .output()
    .split('\n')
    .filter(text => text.includes('there is no domain in'))
  assert.match(line, /"level":50,/)
  assert.match(line, /correct dataFolder, or mount .* postrider domain create/)
})

// It had the names of the domains, and each new one cost the certificate and its key at the next start.
test('a domain that comes later leaves the generated certificate and its key as they are', async t => {
  const at = await createServerFolder()
  t.after(() => at.remove())
  const certificates: string[] = []
  for (const domain of ['example.test', 'two.test']) {
    const server = await startServer(at)
    certificates.push(readFileSync(generatedCertificateFile(at.dataFolder), 'latin1'))
    await at.postrider('domain', 'create', domain)
    await server.stop()
    assert.doesNotMatch(server.output(), /generated certificate/)
  }
  assert.equal(certificates[1], certificates[0])
})

async function takePort(t: TestContext): Promise<number> {
  const other = createServer().listen(0, '127.0.0.1')
  t.after(() => other.close())
  await once(other, 'listening')
  return (other.address() as AddressInfo).port
}

// The lock and a folder for mail stayed where nothing had been, and the database where the certificate was bad.
for (const { what, says, settings } of [
  {
    what: 'a port in use',
    says: /listens on 127\.0\.0\.1:\d+ already/,
    settings: (port: number) => ({ listeners: [{ role: 'relay', address: '127.0.0.1', port }] }),
  },
  {
    what: 'the port of health in use',
    says: /listens on 127\.0\.0\.1:\d+ already/,
    settings: (port: number) => ({ tables: `[health]\nport = ${port}` }),
  },
  {
    what: 'an address that the machine has not',
    says: /This machine has no address 192\.0\.2\.1/,
    settings: () => ({ listeners: [{ role: 'relay', address: '192.0.2.1', port: 0 }] }),
  },
  {
    what: 'a certificate that is none',
    says: /postrider\.toml: It holds no certificate/,
    settings: () => ({ tables: '[tls]\ncertificateFile = "postrider.toml"\nkeyFile = "postrider.toml"' }),
  },
]) {
  test(`a start that is refused leaves nothing where nothing was: ${what}`, async t => {
    const at = await createServerFolder(settings(await takePort(t)))
    t.after(() => at.remove())
    for (const [folder, before] of [
      [at.dataFolder, []],
      [at.folder, ['postrider.toml']],
    ] as const) {
      const { exitCode, stderr } = await at.tryPostrider('serve')
      assert.equal(exitCode, 1)
      assert.match(stderr, says)
      assert.deepEqual(readdirSync(folder), before)
      if (folder === at.dataFolder) rmdirSync(folder)
    }
  })
}

test('a start that is refused leaves what there was as it was', async t => {
  const at = await createServerFolder({
    listeners: [{ role: 'relay', address: '127.0.0.1', port: await takePort(t) }],
  })
  t.after(() => at.remove())
  await at.postrider('domain', 'create', 'example.test')
  const before = readdirSync(at.dataFolder, { recursive: true })
  assert.equal((await at.tryPostrider('serve')).exitCode, 1)
  assert.deepEqual(readdirSync(at.dataFolder, { recursive: true }), before)
  assert.match(await at.postrider('domain', 'list'), /example\.test/)
})

test('a control socket that cannot be opened ends the server, after its threads', async t => {
  const at = await createServerFolder()
  t.after(() => at.remove())
  mkdirSync(join(at.dataFolder, 'control.sock', 'in the way'), { recursive: true })
  const { exitCode, stderr } = await at.tryPostrider('serve')
  assert.equal(exitCode, 1)
  assert.match(stderr, /control\.sock/)
  assert.deepEqual(databaseFiles(at), ['postrider.sqlite'])
})
