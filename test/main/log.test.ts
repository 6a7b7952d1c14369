// The log as docs/log.md has it: JSON lines for programs, plain lines on a terminal, also from a worker thread.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { findProgram, missing } from '../harness/programs.ts'

const log = resolve(import.meta.dirname, '../../src/main/log.ts')
const speak = `
  const { createLog } = await import(${JSON.stringify(log)})
  const log = createLog('info', 'front-0')
  log.debug('not written')
  log.info('listening', { listeners: 'relay ::1:25' })
  log.error('it failed', { peer: '192.0.2.1' }, new Error('why'))`
const inWorker = `
  const { Worker } = require('node:worker_threads')
  new Worker(${JSON.stringify(`(async () => {${speak}})()`)}, { eval: true })`

test('into a pipe: one JSON object a line', () => {
  const { stderr } = spawnSync(process.execPath, ['-e', inWorker], { encoding: 'utf8' })
  const [first, second, ...others] = stderr
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)
  const { time, ...rest } = first ?? {}
  assert.equal(typeof time, 'number')
  assert.deepEqual(rest, { level: 30, part: 'front-0', listeners: 'relay ::1:25', msg: 'listening' })
  assert.partialDeepStrictEqual(second, {
    level: 50,
    part: 'front-0',
    peer: '192.0.2.1',
    msg: 'it failed',
    err: { type: 'Error', message: 'why' },
  })
  assert.deepEqual(others, [])
})

test('on a terminal: plain lines', { skip: missing('script') }, () => {
  const command = `'${process.execPath}' -e "$SPEAK"`
  const { stdout } = spawnSync(findProgram('script') ?? '', ['-qec', command, '/dev/null'], {
    encoding: 'utf8',
    env: { ...process.env, SPEAK: inWorker },
  })
  const [first, second] = stdout.split(/\r?\n/)
  assert.match(first ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z info front-0: listening listeners=relay ::1:25$/)
  assert.match(second ?? '', /Z error front-0: it failed peer=192\.0\.2\.1$/)
})
