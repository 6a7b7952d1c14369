// Errors that nobody caught, where node:test does not follow promises: none is lost.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { type ProgramResult, runProgram } from '../harness/programs.ts'

const preloaded = pathToFileURL(join(import.meta.dirname, '../harness/untracked-promises.ts')).href

/** Runs a test file with these lines in a process of its own, whose exit code is what scripts/test.ts goes by. */
async function runFile(folder: string, lines: string): Promise<ProgramResult> {
  const file = join(folder, 'some.test.ts')
  await writeFile(file, `import { test } from 'node:test'\n${lines}\n`)
  // It is no part of this test.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  return await runProgram([process.execPath, '--import', preloaded, file], { env })
}

test('an error that nobody catches fails the file, and is told', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'postrider-test-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const turn = 'await new Promise(resolve => setImmediate(resolve))'
  for (const lines of [
    // In a test that goes on, after one that has ended, and where there is no test yet.
    `test('one', async () => { void Promise.reject(new Error('lost')); ${turn} })`,
    `test('one', async () => { setImmediate(() => { throw new Error('lost') }); ${turn}; ${turn} })`,
    "test('one', () => { setTimeout(() => Promise.reject(new Error('lost')), 1) })",
    `void Promise.reject(new Error('lost'))\n${turn}\ntest('one', () => {})`,
  ]) {
    const { exitCode, stderr } = await runFile(folder, lines)
    assert.equal(exitCode, 1, lines)
    assert.match(stderr, /Error: lost/, lines)
  }
  const { exitCode, stdout } = await runFile(folder, `test('one', async () => { ${turn} })`)
  assert.equal(exitCode, 0, stdout)
})
