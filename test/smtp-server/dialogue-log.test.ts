// log.level = "debug": each command and each reply, and never a password.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Log } from '../../src/runtime/log.ts'
import { startServer } from './start-server.ts'

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

void test('nothing is put into words when nobody wants to read it', async () => {
  const { lines, log } = collect(false)
  const { server, greeted } = await startServer({ log })
  const connection = await greeted()
  await connection.command('NOOP')
  assert.deepEqual(lines, [])
  connection.destroy()
  await server.close()
})
