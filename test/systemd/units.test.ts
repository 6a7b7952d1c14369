// The units as systemd itself judges them: no mistake in them, and little that the service may do to the machine.
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { describeSettings } from '../../src/config/describe-settings.ts'
import { listenerRoles } from '../../src/config/listener-roles.ts'
import { loadSettings } from '../../src/config/load-settings.ts'
import { assignSockets } from '../../src/main/assign-sockets.ts'
import { missing, runProgram } from '../harness/programs.ts'

const root = resolve(import.meta.dirname, '../..')
const units = join(root, 'deploy', 'systemd')
const service = join(units, 'postrider.service')
const skip = missing('systemd-analyze')

test('systemd-analyze verify finds nothing', { skip }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'units-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(units, folder, { recursive: true })
  // The program that the unit names is installed on no machine of tests.
  const text = readFileSync(service, 'utf8').replace(
    /^ExecStart=postrider /m,
    `ExecStart=${process.execPath} `,
  )
  writeFileSync(join(folder, 'postrider.service'), text)
  const { exitCode, stdout, stderr } = await runProgram([
    'systemd-analyze',
    'verify',
    join(folder, 'postrider.service'),
    join(folder, 'postrider.socket'),
  ])
  assert.equal(stdout + stderr, '')
  assert.equal(exitCode, 0)
})

test('systemd-analyze security: an exposure of 1.5 of 10 at most', { skip }, async () => {
  const { exitCode, stdout, stderr } = await runProgram([
    'systemd-analyze',
    'security',
    '--offline=true',
    '--threshold=15',
    '--no-pager',
    service,
  ])
  assert.equal(exitCode, 0, stdout + stderr)
})

test('the ports of the socket unit are those of the settings by default', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'units-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'postrider.toml')
  writeFileSync(file, 'hostname = "mail.example.com"\n')
  const ports = [...readFileSync(join(units, 'postrider.socket'), 'utf8').matchAll(/^ListenStream=(\d+)$/gm)]
  const sockets = ports.map(([, port], index) => ({ fd: 3 + index, address: '::', port: Number(port) }))
  const assigned = assignSockets((await loadSettings(file)).listeners, sockets)
  assert.deepEqual(
    assigned.map(fds => fds?.length),
    listenerRoles.map(() => 2),
  )
})

test('settings that the units name exist', () => {
  const names = new Set(describeSettings().map(({ name }) => name.split('.').at(-1)))
  const text = [service, join(units, 'postrider.socket')].map(file => readFileSync(file, 'utf8')).join('\n')
  for (const [name] of text.matchAll(/\b(?:[a-z]+\.)?[a-z]+(?:Seconds|Connections|Folder)\b/g))
    assert.ok(names.has(name.split('.').at(-1)), name)
})
