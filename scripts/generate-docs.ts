// `npm run generate`: writes the documents that come from the code. With --check it only says which are out of date.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { generatedDocuments } from './documents/generated-documents.ts'

const root = resolve(import.meta.dirname, '..')
const checkOnly = process.argv.includes('--check')

for (const { file, compose } of generatedDocuments) {
  const path = join(root, file)
  const text = compose()
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue
  if (checkOnly) {
    process.stdout.write(`${file} is out of date. Run: npm run generate\n`)
    process.exitCode = 1
  } else {
    writeFileSync(path, text)
    process.stdout.write(`${file} written\n`)
  }
}
