// Which test files share a process, and that none gets lost.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { groupTests } from '../../scripts/test-groups.ts'

test('files share a process, but for those that are about it, prepare something, or are to be alone', t => {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const write = (name: string, text = "test('x', () => {})\n"): string => {
    const file = join(folder, `${name}.test.ts`)
    writeFileSync(file, text)
    return file
  }
  const usual = Array.from({ length: 9 }, (_, n) => write(`usual-${n}`))
  const alone = write('alone')
  const own = [
    write('environment', "process.env['X'] = '1'\n"),
    write('prepared', 'before(() => {})\n'),
    write('transcripts', "import { testTranscripts } from '../transcripts/test-transcripts.ts'\n"),
    write('threads', "import { startOwnThreads } from '../harness/start-threads.ts'\n"),
  ]
  const processes = groupTests([alone, ...usual, ...own], [alone], folder)
  assert.deepEqual(
    processes.map(({ files }) => files),
    [[alone], usual.slice(0, 8), ...own.map(file => [file]), usual.slice(8)],
  )
  const [first, group, ...others] = processes
  for (const one of [first, ...others]) assert.equal(one?.path, one?.files[0])
  assert.deepEqual(
    readFileSync(group?.path ?? '', 'utf8')
      .trimEnd()
      .split('\n'),
    usual.slice(0, 8).map(file => `await import('${pathToFileURL(file).href}')`),
  )
})
