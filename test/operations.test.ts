// docs/operations.md: its settings are settings, its figures are those of what is shipped, and its backup can be restored.
import assert from 'node:assert/strict'
import { cpSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { parseSettings } from '../src/config/load-settings.ts'
import { awaitMessage, createAccount, listMailbox } from './harness/mailboxes.ts'
import { missing, runProgram } from './harness/programs.ts'
import { openConnection } from './harness/raw-connection.ts'
import { createServerFolder, startServer } from './harness/server-process.ts'

const root = resolve(import.meta.dirname, '..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const page = read('docs/operations.md')

/** What is indented by four spaces, without that; an empty line parts two blocks. */
function blocksOf(text: string): string[] {
  return [...text.matchAll(/(?:^ {4}.*\n)+/gm)].map(([block]) => block.replaceAll(/^ {4}/gm, ''))
}

function section(heading: string): string {
  const text = page.slice(page.indexOf(`\n${heading}\n`) + heading.length + 2)
  return text.slice(0, /^#{1,3} /m.exec(text)?.index)
}

const isToml = (block: string): boolean =>
  block.split('\n').every(line => /^$|^#|^\[|^[a-zA-Z]+ = /.test(line)) &&
  !block.startsWith('# postgresql.conf')

test('what it shows of the settings file is right', () => {
  const shown = blocksOf(page).filter(isToml)
  assert.ok(shown.length >= 5)
  for (const block of shown) parseSettings(`hostname = "mail.example.com"\n${block}`, 'postrider.toml')
})

test('what HAProxy needs to notice is less than the delay that it advises', () => {
  const [, everySeconds, times] = /inter (\d+)s fall (\d+)/.exec(read('deploy/haproxy/haproxy.cfg')) ?? []
  const noticed = Number(everySeconds) * Number(times)
  const block = blocksOf(section('## HAProxy before them')).find(one => one.startsWith('[health]')) ?? ''
  const { health } = parseSettings(`hostname = "mail.example.com"\n${block}`, 'postrider.toml')
  assert.ok(health && health.stopDelaySeconds >= 2 * noticed)
  assert.match(read('deploy/haproxy/haproxy.cfg'), new RegExp(`check port ${health.port} `))
  assert.match(read('deploy/container/Containerfile'), new RegExp(`:${health.port}/health`))
})

test('its backup of SQLite, made while mail comes in, can be restored', {
  skip: missing('sqlite3'),
}, async t => {
  const anna = 'anna@example.test'
  const at = await createServerFolder()
  const restored = await createServerFolder()
  t.after(() => Promise.all([at.remove(), restored.remove()]))
  await createAccount(at, anna, 'a password of some length')
  const server = await startServer(at)
  t.after(() => server.kill())
  // Large ones are files; in between small ones, which are rows.
  const send = async (number: number): Promise<void> => {
    const connection = await openConnection(server.port('relay'))
    await connection.reply()
    for (const line of [
      'HELO client.example.net',
      'MAIL FROM:<boris@example.net>',
      `RCPT TO:<${anna}>`,
      'DATA',
    ])
      await connection.command(line)
    const line = `${'x'.repeat(76)}\r\n`
    await connection.write(`Subject: number ${number}\r\n\r\n${line.repeat(number % 2 === 0 ? 2000 : 1)}`)
    assert.equal((await connection.command('.'))?.code, 250)
    connection.destroy()
  }
  const before = 20
  for (let number = 0; number < before; number++) await send(number)
  await awaitMessage(at, anna, `number ${before - 1}`)
  const state = { isOver: false }
  const meanwhile = (async () => {
    for (let number = before; !state.isOver; number++) await send(number)
  })()
  const [commands = ''] = blocksOf(section('### SQLite'))
  const backup = join(at.folder, 'backup')
  const { exitCode, stderr } = await runProgram([
    'sh',
    '-ec',
    commands.replaceAll('/var/lib/postrider', at.dataFolder).replaceAll('/var/backups/postrider', backup),
  ])
  state.isOver = true
  await meanwhile
  assert.equal(exitCode, 0, stderr)
  cpSync(backup, restored.dataFolder, { recursive: true })
  assert.match(await restored.postrider('verify'), /is in order/)
  const subjects = new Set((await listMailbox(restored, anna)).map(({ subject }) => subject))
  for (let number = 0; number < before; number++)
    assert.ok(subjects.has(`number ${number}`), `number ${number}`)
})
