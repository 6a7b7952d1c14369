import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { watchTests } from '../../scripts/test-watch.ts'

test('a test file that does not end is killed, and what keeps it is told', {
  skip: process.platform !== 'linux' && 'it reads /proc',
}, async t => {
  const folder = await mkdtemp(join(tmpdir(), 'postrider-test-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'endless.test.ts')
  await writeFile(file, "process.on('SIGTERM', () => {})\nsetInterval(() => {}, 1000)\n")
  const told = Promise.withResolvers<string>()
  const watch = watchTests(0, told.resolve)
  t.after(() => watch.stop())
  const child = spawn(process.execPath, [...watch.execArgv, file], { stdio: 'ignore' })
  const [, signal] = (await once(child, 'exit')) as [unknown, NodeJS.Signals]
  assert.equal(signal, 'SIGKILL')
  const text = await told.promise
  assert.match(text, /endless\.test\.ts had not ended after 0 s/)
  assert.match(text, /kept open by timer/)
})
