// `npm run generate`: writes the documents that come from the code. With --check it only says which are out of date.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { generatedDocuments } from './documents/generated-documents.ts'

const root = resolve(import.meta.dirname, '..')
const checkOnly = process.argv.includes('--check')

/** What a server says is written by the test that plays it, and compared by it. */
const played = 'test/scenarios/failures.test.ts'

for (const { file, compose } of generatedDocuments) {
  const path = join(root, file)
  const text = await compose()
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue
  if (checkOnly) {
    process.stdout.write(`${file} is out of date. Run: npm run generate\n`)
    process.exitCode = 1
  } else {
    writeFileSync(path, text)
    process.stdout.write(`${file} written\n`)
  }
}

if (!checkOnly) {
  const env = { ...process.env, POSTRIDER_WRITE_DOCUMENTS: '1' }
  const { status } = spawnSync(process.execPath, ['--test', played], { cwd: root, env, stdio: 'ignore' })
  if (status !== 0) {
    process.stderr.write(`docs/failures.md could not be written: ${played} failed.\n`)
    process.exitCode = 1
  }
}
