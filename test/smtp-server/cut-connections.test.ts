// Connections that are cut: at any byte, and while the message is being stored. What was not ended was never taken;
// what is being stored is left to the sink.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { resetSocket } from '../harness/reset-socket.ts'
import { beginTransaction, startServer } from './start-server.ts'

const dialogues = {
  DATA: 'EHLO c.example\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.test>\r\nDATA\r\nHi\r\n..\r\n.\r\n',
  BDAT: 'EHLO c.example\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.test>\r\nBDAT 4\r\nHi\r\nBDAT 4 LAST\r\nyo\r\n',
}

for (const [verb, dialogue] of Object.entries(dialogues)) {
  void test(`cut at any byte, with ${verb}: only the whole dialogue leaves a message`, async () => {
    const { server, taken, openSinks, greeted } = await startServer()
    for (let length = 0; length <= dialogue.length; length++) {
      const connection = await greeted()
      await connection.write(dialogue.slice(0, length))
      // Sometimes a clean end, sometimes a reset.
      if (length % 2 === 0) connection.socket.end()
      else resetSocket(connection.socket)
      await connection.closed
      while (server.connectionCount > 0) await nextTurn()
      assert.equal(openSinks(), 0, `${length} bytes`)
      // A reset may overtake the last bytes.
      assert.ok(taken.length <= (length === dialogue.length ? 1 : 0), `${length} bytes`)
    }
    await server.close()
  })
}

void test('cut while the message is being stored: the sink is not aborted, the message counts', async () => {
  let finish: () => void = () => {}
  const { server, taken, abortedSinks, greeted } = await startServer({
    whenFinishing: () =>
      new Promise(resolve => {
        finish = resolve
      }),
  })
  const connection = await greeted()
  await beginTransaction(connection)
  await connection.command('DATA')
  await connection.write('Hello\r\n.\r\n')
  for (let turn = 0; turn < 20; turn++) await nextTurn()
  resetSocket(connection.socket)
  while (server.connectionCount > 0) await nextTurn()
  finish()
  await nextTurn()
  assert.equal(taken.length, 1)
  assert.equal(abortedSinks(), 0)
  await server.close()
})

void test('cut while a sink is being opened: it is aborted as soon as it is there', async () => {
  let open: () => void = () => {}
  let aborted = 0
  const { server, greeted } = await startServer({
    services: {
      receive: () =>
        new Promise(resolve => {
          open = () =>
            resolve({
              write() {},
              finish: () => Promise.reject(new Error('not reached')),
              abort: () => aborted++,
            })
        }),
    },
  })
  const connection = await greeted()
  await beginTransaction(connection)
  await connection.write('DATA\r\n')
  for (let turn = 0; turn < 20; turn++) await nextTurn()
  resetSocket(connection.socket)
  while (server.connectionCount > 0) await nextTurn()
  open()
  await nextTurn()
  assert.equal(aborted, 1)
  await server.close()
})

void test('disconnected is told once for each session', async () => {
  const ended: string[] = []
  const { server, greeted } = await startServer({
    services: { disconnected: client => ended.push(client.sessionId) },
  })
  const connections = [await greeted(), await greeted()]
  for (const connection of connections) connection.destroy()
  while (server.connectionCount > 0) await nextTurn()
  assert.equal(new Set(ended).size, 2)
  assert.equal(ended.length, 2)
  await server.close()
})
