// The examples that programs with an SMTP server or client of their own start from.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { findFreePort } from './harness/free-port.ts'

const examples = join(import.meta.dirname, '../examples')

function start(example: string, ...args: readonly string[]) {
  return spawn(process.execPath, [join(examples, example), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
}

test('the client sends a message, which the server prints', async () => {
  const server = start('smtp-server.ts', '0', '--once')
  const serverExited = once(server, 'exit')
  const port = await readPort(server)
  const printed = text(server.stdout)
  const client = start('smtp-client.ts', '127.0.0.1', port, 'anna@example.test', 'boris@example.test')
  const clientExited = once(client, 'exit')
  const dialogue = await text(client.stdout)
  assert.match(dialogue, /^S: 220 localhost /)
  assert.match(dialogue, /^C: RCPT TO:<boris@example\.test>$/m)
  assert.match(dialogue, /^S: 250 2\.0\.0 Ok: queued as 1$/m)
  assert.deepEqual(await clientExited, [0, null])
  assert.match(await printed, /^To: boris@example\.test\nFrom: anna@example\.test\r\n[^]*\r\n\r\nHello\r\n/m)
  assert.deepEqual(await serverExited, [0, null])
})

test('the client says so when nobody is there', async () => {
  const client = start('smtp-client.ts', '127.0.0.1', String(await findFreePort()))
  const exited = once(client, 'exit')
  assert.match(
    await text(client.stdout),
    /^no connection to 127\.0\.0\.1:\d+: refused; .* \(ECONNREFUSED\)$/m,
  )
  assert.deepEqual(await exited, [1, null])
})

async function readPort({ stdout }: Pick<ChildProcess, 'stdout'>): Promise<string> {
  assert.ok(stdout)
  const [line]: unknown[] = await once(stdout, 'data')
  return /:(\d+)\n$/.exec(String(line))?.[1] ?? ''
}
