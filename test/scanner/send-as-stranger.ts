// A message of a stranger, over a connection of its own.
import assert from 'node:assert/strict'
import type { ComposedServer } from '../harness/composed-server.ts'
import { openConnectionOf, type RawReply } from '../harness/raw-connection.ts'

/** The reply to the message, to a server that is behind a proxy. */
export async function sendAsStranger(
  server: ComposedServer,
  subject: string,
  recipient = 'anna@here.test',
  text = '',
): Promise<RawReply> {
  const connection = await openConnectionOf('203.0.113.9', server.port('relay'))
  await connection.reply()
  await connection.command('EHLO client.example.net')
  assert.equal((await connection.command('MAIL FROM:<boris@example.net>'))?.code, 250)
  assert.equal((await connection.command(`RCPT TO:<${recipient}>`))?.code, 250)
  assert.equal((await connection.command('DATA'))?.code, 354)
  await connection.write(`From: boris@example.net\r\nSubject: ${subject}\r\n\r\n${text}The end\r\n.\r\n`)
  const reply = await connection.reply()
  connection.destroy()
  return reply ?? assert.fail('no reply')
}
