// `postrider serve` as a process: how it ends.
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { generatedCertificateFile } from '../../src/tls/generated-certificate-file.ts'
import { eventually } from '../harness/eventually.ts'
import { openConnection } from '../harness/raw-connection.ts'
import { createServerFolder, type ServerFolder, startServer } from '../harness/server-process.ts'

function databaseFiles({ dataFolder }: ServerFolder): string[] {
  return readdirSync(dataFolder).filter(name => name.startsWith('postrider.sqlite'))
}

test('a clean stop leaves one database file, without a log that would have to travel with it', async t => {
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
  await connection.command('DATA')
  assert.equal((await connection.command('Subject: Test\r\n\r\nText\r\n.'))?.code, 250)
  await connection.command('QUIT')
  connection.destroy()
  assert.equal(await server.stop(), 0)
  assert.deepEqual(databaseFiles(at), ['postrider.sqlite'])
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

test('a control socket that cannot be opened ends the server, after its threads', async t => {
  const at = await createServerFolder()
  t.after(() => at.remove())
  mkdirSync(join(at.dataFolder, 'control.sock', 'in the way'), { recursive: true })
  const { exitCode, stderr } = await at.tryPostrider('serve')
  assert.equal(exitCode, 1)
  assert.match(stderr, /control\.sock/)
  assert.deepEqual(databaseFiles(at), ['postrider.sqlite'])
})
