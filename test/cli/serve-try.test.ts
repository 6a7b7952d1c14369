// The server to try out, as `npm start` starts it: what is told when it cannot be started as asked.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { findFreePort } from '../harness/free-port.ts'
import { createServerFolder, startServer } from '../harness/server-process.ts'
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
        'Stop it first, or start this one in another folder, with other ports: .*serve --try --ports 3525',
    ),
  )
  assert.doesNotMatch(stderr, /dataFolder/)
  const named = await at.tryPostrider('serve')
  assert.match(named.stderr, /: process \d+\. Stop it first, or give this one another dataFolder\.\n$/)
})

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
