// Commands beside a server that runs: what it holds the lock of is changed through its control socket.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { addressKey } from '../../src/address/address-key.ts'
import { parseAddress } from '../../src/address/parse-address.ts'
import { directoryOperations } from '../../src/directory/operations.ts'
import { startControlServer } from '../../src/main/control-server.ts'
import { Terminals } from '../../src/main/terminals.ts'
import { silentLog } from '../../src/runtime/log.ts'
import type { BoundListener } from '../../src/smtp/server/options.ts'
import { lockDataFolder } from '../../src/storage/data-folder.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import { createOperationRegistry } from '../../src/storage/operation.ts'
import { runWrite } from '../../src/storage/serve-storage.ts'
import { addAccount, addDomain } from '../directory/open-directory.ts'
import { findFreePort } from '../harness/free-port.ts'
import { makeServerFolder, runHere, runPostrider, succeed, succeedJson } from './run-postrider.ts'

/** The part of a server that commands talk to: lock, storage, control socket. */
async function openServer(
  context: TestContext,
  listeners: readonly BoundListener[] = [],
): Promise<{ folder: string; ran: string[]; terminals: Terminals; opened: Promise<void> }> {
  const folder = makeServerFolder(remove => context.after(remove))
  const dataFolder = join(folder, 'mail-data')
  const lock = lockDataFolder(dataFolder)
  const storage = await openLocalStorage(dataFolder)
  const registry = createOperationRegistry(directoryOperations)
  const ran: string[] = []
  let sayOpened = (): void => {}
  const opened = new Promise<void>(resolve => {
    sayOpened = resolve
  })
  const terminals = new Terminals(() => sayOpened())
  const control = await startControlServer(dataFolder, {
    run: (operation, input) => {
      ran.push(operation)
      return runWrite(storage, registry, operation, input)
    },
    fetchMail: () => Promise.resolve([]),
    listCertificates: async () => [],
    status: () => ({ pid: process.pid, startedAt: 0, listeners, terminals: [] }),
    terminals,
    terminalKey: text => {
      const address = parseAddress(text)
      return address && addressKey(address)
    },
    log: silentLog,
  })
  context.after(async () => {
    await control.close()
    await storage.close()
    lock.release()
  })
  await addDomain(storage, 'example.test')
  await addAccount(storage, 'anna@example.test')
  return { folder, ran, terminals, opened }
}

test('writes go through the server, reads do not need it, and its refusals are shown as they are', async context => {
  const { folder, ran } = await openServer(context)
  await succeed(folder, 'alias', 'create', 'info@example.test', 'anna@example.test')
  assert.deepEqual(ran, ['directory.create-redirection'])
  const [alias] = (await succeedJson(folder, 'alias', 'list')) as { address: string }[]
  assert.equal(alias?.address, 'info@example.test')
  const refused = await runPostrider(folder, ['account', 'create', 'Info@example.test'])
  assert.equal(refused.exitCode, 1)
  assert.equal(
    refused.stderr,
    'Info@example.test is taken: it is an alias. Remove that first, or choose another address.\n',
  )
  const exported = await succeed(folder, 'export')
  const applied = await runPostrider(
    folder,
    ['apply', '-', '--yes'],
    exported.replace('language = "en"', 'language = "ru"'),
  )
  assert.equal(applied.stdout, '~ account anna@example.test: language en → ru\nApplied 1 change.\n')
  assert.deepEqual(ran, [
    'directory.create-redirection',
    // For the salts of SCRAM.
    'directory.create-secret',
    'directory.create-account',
    'directory.apply',
  ])
})

test('a terminal shows what comes, and makes control characters visible', async context => {
  const { folder, terminals, opened } = await openServer(context)
  const command = resolve(import.meta.dirname, '../../bin/postrider.js')
  const child = spawn(process.execPath, [command, 'terminal', 'Anna@example.test'], { cwd: folder })
  context.after(() => child.kill())
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString('utf8')
  })
  await opened
  assert.ok(terminals.isOpen('anna@example.test'))
  assert.equal(await terminals.show('anna@example.test', 'Hello\u001b[31m there\nagain'), true)
  if (!out.includes('again')) await once(child.stdout, 'data')
  assert.equal(out, 'Hello\\x1b[31m there\nagain\n────────────────────────────────────────\n')
  const encoded =
    'Subject: =?utf-8?Q?=D0=BC=D0=B8=D1=80?=\nContent-Transfer-Encoding: quoted-printable\n\na=1B[31m=3Db\n'
  out = ''
  assert.equal(await terminals.show('anna@example.test', encoded), true)
  if (!out.includes('=b')) await once(child.stdout, 'data')
  assert.match(out, /^Subject: мир\n.*\n\na\\x1b\[31m=b\n─+\n$/)
  child.kill('SIGINT')
  await once(child, 'close')
  assert.equal((await runPostrider(folder, ['terminal', 'nobody@example.test'])).exitCode, 1)
})

test('send goes where the server listens now, whatever the settings say', async context => {
  const server = createServer(socket => socket.end('554 5.3.2 Not here\r\n')).listen(0, '127.0.0.1')
  context.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { folder } = await openServer(context, [
    { role: 'submission', address: '127.0.0.1', port: await findFreePort() },
    { role: 'relay', address: '127.0.0.1', port },
  ])
  const ran = await runHere(folder, [
    'send',
    '--from',
    'a@b.test',
    '--to',
    'anna@example.test',
    '--body',
    'x',
  ])
  assert.match(ran.stdout, /^S: 554 5\.3\.2 Not here\n/)
})
