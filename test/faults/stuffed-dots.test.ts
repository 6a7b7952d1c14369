// Large messages with lines that begin with a dot come back byte by byte, however their bytes arrive.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { eventually } from '../harness/eventually.ts'
import { createAccount } from '../harness/mailboxes.ts'
import { readFolderMailboxes } from '../harness/read-mailboxes.ts'
import { createServerFolder, startServer } from '../harness/server-process.ts'

const count = 40

/** Lines of a message, one in forty with a dot at its beginning. */
function makeBody(seed: number): string {
  const lines = Array.from({ length: 1500 + 150 * seed }, (_, line) =>
    (line + seed) % 40 === 0
      ? `.${createHash('sha256').update(`${seed} ${line}`).digest('hex')}`
      : createHash('sha512').update(`${seed} ${line}`).digest('base64'),
  )
  return `${lines.join('\r\n')}\r\n`
}

test('messages over 64 KB with stuffed dots are stored as they came', async t => {
  const at = await createServerFolder()
  t.after(() => at.remove())
  await createAccount(at, 'anna@example.test', 'a password of some length')
  const server = await startServer(at)
  t.after(() => server.kill())
  const socket = connect(server.port('relay'), '127.0.0.1')
  t.after(() => socket.destroy())
  let received = ''
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text
  })
  const expect = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(received)) await once(socket, 'data')
    received = ''
  }
  await expect(/^220 .*\r\n$/)
  socket.write('HELO client.example.org\r\n')
  await expect(/^250 .*\r\n$/)
  for (let seed = 0; seed < count; seed++) {
    socket.write('MAIL FROM:<b@example.org>\r\nRCPT TO:<anna@example.test>\r\nDATA\r\n')
    await expect(/354 .*\r\n$/)
    const data = `Subject: ${seed}\r\n\r\n${makeBody(seed).replaceAll(/^\./gm, '..')}.\r\n`
    for (let from = 0, size = 1000; from < data.length; from += size, size = (size * 7 + 331) % 60_000)
      socket.write(data.slice(from, from + size))
    await expect(/^250 .*\r\n$/)
  }
  socket.destroy()
  await eventually('all are in the mailbox', async () =>
    (JSON.parse(await at.postrider('mail', 'list', 'anna@example.test', '--json')) as unknown[]).length ===
    count
      ? true
      : undefined,
  )
  await server.stop()
  await at.postrider('verify')
  const seeds: number[] = []
  for await (const text of readFolderMailboxes(at.dataFolder, ['anna@example.test'])) {
    const seed = Number(/^Subject: (\d+)\r$/m.exec(text)?.[1])
    seeds.push(seed)
    assert.ok(text.slice(text.indexOf('\r\n\r\n') + 4) === makeBody(seed), `message ${seed} differs`)
  }
  assert.equal(new Set(seeds).size, count)
})
