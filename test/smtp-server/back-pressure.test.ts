// Peers and sinks that are slower than the other side: nothing piles up, nothing is lost.

import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { silentLog } from '../../src/runtime/log.ts'
import { createSmtpServer } from '../../src/smtp/server/create-smtp-server.ts'
import { beginTransaction, startServer } from './start-server.ts'

void test('a sink that does not keep up: the peer has to wait, and then the message arrives whole', async () => {
  const line = `${'x'.repeat(76)}\r\n`
  const count = 200_000
  const waiting: (() => void)[] = []
  let offered = 0
  const { server, taken, greeted } = await startServer({
    whenWriting() {
      offered++
      return new Promise(resolve => waiting.push(resolve))
    },
  })
  const connection = await greeted()
  await beginTransaction(connection)
  await connection.command('DATA')
  const written = connection.write(line.repeat(count)).then(() => connection.write('.\r\n'))
  for (let turn = 0; turn < 1000; turn++) await nextTurn()
  // One chunk is with the sink; the rest waits with the peer, for all the turns that went by.
  assert.equal(offered, 1)
  // From now on the sink is as fast as it gets.
  const pump = setInterval(() => {
    for (const resolve of waiting.splice(0)) resolve()
  }, 0)
  const reply = await connection.reply()
  clearInterval(pump)
  await written
  assert.equal(reply?.code, 250)
  assert.equal(taken[0]?.mailData.length, line.length * count)
  connection.destroy()
  await server.close()
})

void test('a sink has one piece at a time, also when dots cut what came together into many', async () => {
  let atWork = 0
  let most = 0
  const { server, taken, greeted } = await startServer({
    async whenWriting() {
      most = Math.max(most, ++atWork)
      await nextTurn()
      atWork--
    },
  })
  const connection = await greeted()
  await beginTransaction(connection)
  await connection.command('DATA')
  await connection.write('..a\r\nb\r\n'.repeat(500))
  assert.equal((await connection.command('.'))?.code, 250)
  assert.equal(most, 1)
  assert.equal(taken[0]?.mailData, '.a\r\nb\r\n'.repeat(500))
  connection.destroy()
  await server.close()
})

void test('a peer that pipelines and does not read gets every reply in the end', async () => {
  const { server, greeted } = await startServer()
  const connection = await greeted()
  connection.socket.pause()
  const count = 300_000
  connection.socket.write('NOOP\r\n'.repeat(count))
  for (let turn = 0; turn < 1000; turn++) await nextTurn()
  connection.socket.resume()
  let bytes = 0
  const each = Buffer.byteLength('250 2.0.0 Ok\r\n')
  connection.socket.removeAllListeners('data')
  await new Promise<void>(resolve => {
    connection.socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes >= each * count) resolve()
    })
  })
  assert.equal(bytes, each * count)
  connection.destroy()
  await server.close()
})

void test('far more than the message limit: 552, and the connection is closed', async () => {
  const { server, taken, abortedSinks, greeted } = await startServer({ limits: { maxMessageBytes: 1000 } })
  const connection = await greeted()
  await beginTransaction(connection)
  await connection.command('DATA')
  await connection.write(`${'x'.repeat(100)}\r\n`.repeat(20_000))
  assert.equal((await connection.reply())?.code, 552)
  await connection.closed
  assert.equal(taken.length, 0)
  assert.equal(abortedSinks(), 1)
  await server.close()
})

void test('a chunk far over the limit: 552 at once, and the connection is closed', async () => {
  const { server, greeted } = await startServer({ limits: { maxMessageBytes: 1000 } })
  const connection = await greeted()
  await beginTransaction(connection)
  assert.equal((await connection.command('BDAT 999999999999 LAST'))?.code, 552)
  await connection.closed
  await server.close()
})

/** A peer of which nothing is read until it is told to: what is written to it waits in the socket. */
class SilentPeer extends Duplex {
  readonly remoteAddress = '192.0.2.1'
  readonly remotePort = 4711
  readonly localAddress = '192.0.2.25'
  readonly localPort = 25
  #taken: (() => void) | undefined

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, taken: () => void): void {
    this.#taken = taken
  }

  readOnce(): void {
    const taken = this.#taken
    this.#taken = undefined
    taken?.()
  }
}

void test('replies are not made for a peer that does not read them', async () => {
  const peer = new SilentPeer()
  const server = createSmtpServer({
    hostname: 'mail.example.test',
    listeners: [],
    services: { receive: () => assert.fail('no message comes') },
    log: { ...silentLog, error: (message, _fields, cause) => assert.fail(`${message}: ${String(cause)}`) },
  })
  const served = server.serve(peer as unknown as Socket)
  while (peer.writableLength === 0) await nextTurn()
  peer.readOnce()
  const commands = Buffer.from('HELP\r\n'.repeat(2000))
  peer.push(commands)
  while (peer.writableLength === 0) await nextTurn()
  for (let turn = 0; turn < 100; turn++) await nextTurn()
  // All of them are three times as much: what the socket wants, and what goes out together.
  assert.ok(peer.writableLength < 100 * 1024, `${peer.writableLength}`)
  let rounds = 0
  for (; peer.writableLength > 0; rounds++) {
    peer.readOnce()
    await nextTurn()
  }
  assert.ok(rounds > 10, `${rounds}`)
  peer.destroy()
  await served
})
