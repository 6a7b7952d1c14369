// The example that programs with a server of their own start from.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { openConnection } from '../harness/raw-connection.ts'
import { beginTransaction } from './start-server.ts'

const example = join(import.meta.dirname, '../../examples/smtp-server.ts')

void test('examples/smtp-server.ts prints the message, and ends when it was told to', async () => {
  const child = spawn(process.execPath, [example, '0', '--once'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const connection = await openConnection(await readPort(child))
  assert.equal((await connection.reply())?.code, 220)
  await beginTransaction(connection)
  assert.equal((await connection.command('DATA'))?.code, 354)
  const printed = text(child.stdout)
  assert.equal((await connection.command('Subject: from the example\r\n\r\nHello\r\n.'))?.code, 250)
  assert.match(await printed, /To: b@example\.test\nSubject: from the example\r\n\r\nHello\r\n/)
  assert.deepEqual(await exited, [0, null])
})

async function readPort({ stdout }: Pick<ChildProcess, 'stdout'>): Promise<number> {
  assert.ok(stdout)
  const [line]: unknown[] = await once(stdout, 'data')
  return Number(/:(\d+)\n$/.exec(String(line))?.[1])
}
