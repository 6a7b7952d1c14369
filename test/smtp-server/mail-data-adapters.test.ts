// The sinks for programs that embed the server: a message as one piece, and as a stream.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  collectMailData,
  type MailDataSink,
  type Reply,
  replies,
  streamMailData,
} from '../../src/smtp/index.ts'
import { beginTransaction, startServer } from './start-server.ts'

const message = `Subject: x\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(50_000)}`

async function send(createSink: () => MailDataSink, limit = 100_000_000): Promise<number | undefined> {
  const { server, greeted } = await startServer({
    limits: { maxMessageBytes: limit },
    services: { receive: createSink },
  })
  const connection = await greeted()
  await beginTransaction(connection)
  await connection.command('DATA')
  await connection.write(message)
  const reply = await connection.command('.')
  connection.destroy()
  await server.close()
  return reply?.code
}

void test('collected: the whole message in one piece; its reply is that of the program', async () => {
  let collected = ''
  const code = await send(() =>
    collectMailData(mailData => {
      collected = Buffer.from(mailData).toString()
      return replies.queued('1')
    }),
  )
  assert.equal(code, 250)
  assert.equal(collected, message)
})

async function measure(mailData: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0
  for await (const piece of mailData) bytes += piece.length
  return bytes
}

void test('streamed: every byte, and then the reply', async () => {
  let bytes = 0
  const take = async (mailData: AsyncIterable<Uint8Array>): Promise<Reply> => {
    bytes = await measure(mailData)
    return replies.queued('1')
  }
  assert.equal(await send(() => streamMailData(take)), 250)
  assert.equal(bytes, message.length)
})

void test('streamed: a program that has seen enough answers early', async () => {
  const take = async (mailData: AsyncIterable<Uint8Array>): Promise<Reply> => {
    for await (const piece of mailData) if (piece.length > 0) break
    return replies.insufficientStorage
  }
  assert.equal(await send(() => streamMailData(take)), 452)
})

void test('streamed: a program that fails is a fault, 451', async () => {
  const take = (): Promise<Reply> => Promise.reject(new Error('a fault that the test wants'))
  assert.equal(await send(() => streamMailData(take)), 451)
})

void test('streamed: a message over the limit ends the reading with an error', async () => {
  let failed = false
  const take = async (mailData: AsyncIterable<Uint8Array>): Promise<Reply> => {
    try {
      await measure(mailData)
    } catch {
      // The message was given up: that is what is asked here.
      failed = true
    }
    return replies.queued('1')
  }
  assert.equal(await send(() => streamMailData(take), 2_000_000), 552)
  assert.ok(failed)
})
