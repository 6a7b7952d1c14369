// log.level = "debug": each command and each reply, and never a password.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Log } from '../../src/runtime/log.ts'
import { beginTransaction, startServer } from './start-server.ts'

function collect(isDebugEnabled: boolean): { readonly lines: string[]; readonly log: Log } {
  const lines: string[] = []
  const log: Log = {
    isDebugEnabled,
    debug: (message, fields) =>
      void lines.push(`${message} ${typeof fields?.session === 'string'} ${String(fields?.text)}`),
    info() {},
    warn() {},
    error() {},
  }
  return { lines, log }
}

void test('commands and codes are logged; passwords, and what may be one, are not', async () => {
  const { lines, log } = collect(true)
  const secret = Buffer.from('\0anna@example.test\0correct horse').toString('base64')
  const { server, greeted } = await startServer({
    log,
    listeners: [{ role: 'submission', address: '127.0.0.1', port: 0 }],
    allowPlaintextAuthOnLoopback: true,
    services: { authenticate: () => Promise.resolve(undefined) },
  })
  const connection = await greeted()
  for (const line of [
    'EHLO client.example.test',
    `AUTH PLAIN ${secret}`,
    'auth plain',
    secret,
    // Sent by a client that has missed a refusal.
    secret,
    `AUTH XOAUTH2 ${secret}`,
    `AUTH NTLM ${secret}`,
    `AUTH ${secret}`,
    `AUTH PLAIN=${secret}`,
    `AUTH\tPLAIN\t${secret}`,
    'MAIL FROM:<anna@example.test>',
  ])
    await connection.command(line)
  assert.deepEqual(lines, [
    'server true 220',
    'client true EHLO client.example.test',
    'server true 250',
    'client true AUTH PLAIN (initial response)',
    'server true 535 5.7.8',
    'client true auth plain',
    'server true 334',
    'client true (answer to a challenge)',
    'server true 535 5.7.8',
    `client true (no command, ${secret.length} bytes)`,
    'server true 500 5.5.1',
    'client true AUTH XOAUTH2 (initial response)',
    'server true 504 5.5.4',
    'client true AUTH (no mechanism of this server)',
    'server true 504 5.5.4',
    'client true AUTH (no mechanism of this server)',
    'server true 504 5.5.4',
    'client true AUTH (no mechanism of this server)',
    'server true 504 5.5.4',
    'client true AUTH PLAIN (initial response)',
    'server true 504 5.5.4',
    'client true MAIL FROM:<anna@example.test>',
    'server true 530 5.7.0',
  ])
  connection.destroy()
  await server.close()
})

void test('mail data that comes as commands, because DATA was refused, is not logged', async () => {
  const { lines, log } = collect(true)
  const { server, greeted } = await startServer({
    log,
    services: { acceptForwardPath: () => ({ code: 550, enhanced: '5.1.1', lines: ['Not here'] }) },
  })
  const letter = [
    'Subject: secret',
    '',
    'Help me: the door code is 4711',
    'Mail from:<b@example.org>',
    'rset',
    '.',
  ]
  const connection = await greeted()
  const commands = [
    'EHLO client.example.org',
    'MAIL FROM:<a@example.org>',
    'RCPT TO:<b@example.test>',
    'DATA',
  ]
  for (const line of [...commands, ...letter, 'MAIL FROM:<c@example.org>', 'QUIT'])
    await connection.command(line)
  assert.deepEqual(
    lines.filter(line => line.startsWith('client')),
    [
      ...commands.map(line => `client true ${line}`),
      'client true (no command, 15 bytes)',
      'client true (no command, 0 bytes)',
      'client true Help (30 bytes)',
      'client true Mail (25 bytes)',
      'client true rset (4 bytes)',
      'client true (no command, 1 bytes)',
      'client true MAIL (25 bytes)',
      'client true QUIT (4 bytes)',
    ],
  )
  await server.close()
})

void test('a DATA that could not be read, or came too early, may have mail data behind it as well', async () => {
  for (const data of ['DATA\n', 'DATA\r\n', 'DATA now\r\n', `DATA${' '.repeat(3000)}\r\n`]) {
    const { lines, log } = collect(true)
    const { server, greeted } = await startServer({ log })
    const connection = await greeted()
    await connection.write(data)
    assert.equal(Math.floor(((await connection.reply())?.code ?? 0) / 100), 5)
    await connection.command('Help me: the door code is 4711')
    assert.equal(lines.filter(line => line.startsWith('client')).at(-1), 'client true Help (30 bytes)')
    connection.destroy()
    await server.close()
  }
})

void test('after a message that was taken, commands are logged as before', async () => {
  const { lines, log } = collect(true)
  const { server, greeted } = await startServer({ log })
  const connection = await greeted()
  await beginTransaction(connection)
  await connection.command('DATA')
  await connection.command('Help me: the door code is 4711\r\n.')
  await connection.command('MAIL FROM:<c@example.org>')
  assert.deepEqual(lines.filter(line => line.startsWith('client')).slice(-2), [
    'client true DATA',
    'client true MAIL FROM:<c@example.org>',
  ])
  connection.destroy()
  await server.close()
})

void test('nothing is put into words when nobody wants to read it', async () => {
  const { lines, log } = collect(false)
  const { server, greeted } = await startServer({ log })
  const connection = await greeted()
  await connection.command('NOOP')
  assert.deepEqual(lines, [])
  connection.destroy()
  await server.close()
})
