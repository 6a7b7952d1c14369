// The server to try out, as `npm start` starts it: what is told when it cannot be started as asked.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { listenerRoles } from '../../src/config/listener-roles.ts'
import { generatedCertificateFile } from '../../src/tls/generated-certificate-file.ts'
import { findFreePort } from '../harness/free-port.ts'
import { command, createServerFolder, startServer } from '../harness/server-process.ts'
import { makeFolder, runPostrider } from './run-postrider.ts'

test('ports in use: which, and how the server gets others without a settings file', async context => {
  const folder = makeFolder(remove => context.after(remove))
  const other = createServer().listen(0, '127.0.0.1')
  context.after(() => other.close())
  await once(other, 'listening')
  const address = other.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const ports = [port, await findFreePort(), await findFreePort()].join(',')
  const { exitCode, stderr } = await runPostrider(folder, ['serve', '--try', '--ports', ports])
  assert.equal(exitCode, 1)
  assert.match(stderr, new RegExp(`listens on 127\\.0\\.0\\.1:${port} already`))
  assert.match(stderr, /npm start -- --ports 3525,3587,3465/)
  assert.doesNotMatch(stderr, /settings file/)
  assert.deepEqual(readdirSync(folder), [])
})

test('a second one beside the first: which process that is, and how both can run', async context => {
  const at = await createServerFolder()
  context.after(() => at.remove())
  const first = await startServer(at)
  context.after(() => first.stop())
  const { exitCode, stderr } = await runPostrider(at.folder, ['serve', '--try'])
  assert.equal(exitCode, 1)
  assert.match(
    stderr,
    new RegExp(
      `Another Postrider runs on the data folder ${at.dataFolder}: process ${first.pid}\\. ` +
        'Stop it first, or start this one in a folder of its own, with other ports: ' +
        '"mkdir -p second && cd second && npx postrider serve --try --ports 3525,3587,3465"',
    ),
  )
  assert.doesNotMatch(stderr, /dataFolder/)
  const named = await at.tryPostrider('serve')
  assert.match(named.stderr, /: process \d+\. Stop it first, or give this one another dataFolder\.\n$/)
})

// Its domain was made behind its certificate, which the second start therefore threw away.
test('a second start finds the certificate of the first, accounts and all', async context => {
  const folder = makeFolder(remove => context.after(remove))
  const ports = (await Promise.all(listenerRoles.map(() => findFreePort()))).join(',')
  const first = await startAndStop(folder, ports)
  const second = await startAndStop(folder, ports)
  assert.equal(second.certificate, first.certificate)
  assert.equal(second.stdout, first.stdout)
  assert.doesNotMatch(second.stderr, /certificate/)
})

interface Started {
  readonly certificate: string
  readonly stdout: string
  readonly stderr: string
}

async function startAndStop(folder: string, ports: string): Promise<Started> {
  const server = spawn(process.execPath, [command, 'serve', '--try', '--ports', ports], { cwd: folder })
  const stdout = text(server.stdout)
  const stderr = text(server.stderr)
  const closed = once(server, 'close')
  try {
    // Nothing is printed before it listens.
    await Promise.race([once(server.stdout, 'data'), closed])
  } finally {
    server.kill('SIGTERM')
    await closed
  }
  return {
    certificate: readFileSync(generatedCertificateFile(join(folder, 'data')), 'latin1'),
    stdout: await stdout,
    stderr: await stderr,
  }
}

for (const { parameters, says } of [
  { parameters: ['serve', '--try', '--settings', 'postrider.toml'], says: /either --try or --settings/ },
  { parameters: ['serve', '--ports', '3525,3587,3465'], says: /--ports goes with --try/ },
  { parameters: ['serve', '--try', '--ports', '3525'], says: /three different ports/ },
  { parameters: ['serve', '--try', '--ports', '3525,3525,3465'], says: /three different ports/ },
]) {
  test(`${parameters.join(' ')} is wrong usage`, async context => {
    const folder = makeFolder(remove => context.after(remove))
    const { exitCode, stderr } = await runPostrider(folder, parameters)
    assert.equal(exitCode, 2)
    assert.match(stderr, says)
  })
}
