// npm run sieve-suite -- <folder> [<part of a file's name>]: runs the test scripts of Pigeonhole (*.svtest) in a folder against
// our Sieve, and counts. Nothing of them is part of this project: get them from where they are published.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultLimits, type SieveLimits } from '../src/sieve/limits.ts'
import { parseScript } from '../src/sieve/parse-script.ts'
import { formatProblem } from '../src/sieve/problem.ts'
import { Run } from '../src/sieve/run.ts'
import { ScriptError } from '../src/sieve/script-error.ts'
import { suiteVocabulary, type TestResult } from './sieve-suite/commands.ts'
import { NotApplicable, World } from './sieve-suite/world.ts'

const [folder, part = ''] = process.argv.slice(2)
if (folder === undefined) {
  process.stderr.write('Usage: npm run sieve-suite -- <folder with .svtest files> [<part of a name>]\n')
  process.exit(2)
}

/** A script of the suite does more than one for mail. */
const suiteLimits: SieveLimits = {
  ...defaultLimits,
  maxSteps: 10_000_000,
  maxExpandedLength: 64 * 1024 * 1024,
  maxActions: 64,
}

interface FileResult {
  readonly file: string
  readonly tests: readonly TestResult[]
}

/** Tests that a script would run, if it could: so that none is missing from the counts. */
function namesIn(text: string): string[] {
  const code = text.replaceAll(/\/\*[^]*?\*\//g, '')
  return [...code.matchAll(/^\s*test\s*"([^"]*)"/gm)].map(([, name = '']) => name)
}

async function runFile(file: string): Promise<FileResult> {
  const text = readFileSync(file, 'utf8')
  const world = new World(file)
  const results: TestResult[] = []
  const all = (outcome: TestResult['outcome'], why: string): FileResult => ({
    file,
    tests: [
      ...results,
      ...namesIn(text)
        .slice(results.length)
        .map(name => ({ name, outcome, why })),
    ],
  })
  const vocabulary = suiteVocabulary(world, results)
  const parsed = parseScript(text, { vocabulary, limits: suiteLimits })
  if (parsed.problems) {
    if (file.includes('/failures/')) return all('passed', '')
    const unknown = parsed.problems.find(({ text }) => text.startsWith('There is no extension'))
    const first = parsed.problems[0]
    if (unknown)
      return all('not applicable', (/"[^"]*"/.exec(unknown.text)?.[0] ?? '').replace(/^/, 'the extension '))
    return all('failed', first ? formatProblem(first) : '')
  }
  const run = new Run(parsed.script, world.circumstances(), suiteLimits)
  try {
    await run.runBlock(parsed.script.commands)
  } catch (error) {
    if (error instanceof NotApplicable) return all('not applicable', error.message)
    if (error instanceof ScriptError)
      return all('failed', formatProblem({ ...error.at, text: error.message }))
    throw error
  }
  // What stands there has to fail, and must do no more harm than that.
  if (file.includes('/failures/'))
    return { file, tests: results.map(test => ({ ...test, outcome: 'passed' as const, why: '' })) }
  return all('not applicable', 'a test that the suite itself does not reach')
}

const files = globSync('**/*.svtest', { cwd: folder })
  .filter(file => file.includes(part))
  .sort()
const counts = { passed: 0, failed: 0, 'not applicable': 0 }
const reasons = new Map<string, number>()
for (const file of files) {
  const { tests } = await runFile(join(folder, file))
  for (const { name, outcome, why } of tests) {
    counts[outcome]++
    if (outcome === 'not applicable') reasons.set(why, (reasons.get(why) ?? 0) + 1)
    if (outcome === 'failed') process.stdout.write(`failed: ${file}: ${name}: ${why}\n`)
  }
}
process.stdout.write(
  `\n${files.length} files: ${counts.passed} passed, ${counts.failed} failed, ${counts['not applicable']} not applicable\n`,
)
for (const [why, count] of [...reasons].sort(([, one], [, other]) => other - one))
  process.stdout.write(`  not applicable, ${why}: ${count}\n`)
process.exitCode = counts.failed > 0 ? 1 : 0
