// Which test files share a process. What the tests of a folder have in common takes most of them longer to load than to run.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** What node:test runs in a process of its own: a test file, or one that has several run. */
export interface TestProcess {
  readonly path: string
  readonly files: readonly string[]
}

/** Few enough that the processes are even, and that a failure of one leaves few in doubt. */
const filesOfProcess = 8

/**
 * These are about their process: its environment, its threads, its memory, errors that nobody catches. Or they prepare
 * something, which node:test does for a process and not for a file. Or they start programs, beside which loading is nothing. Or another
 * file declares tests for them, which node:test takes for that file's.
 */
const needsItsOwn = [
  /^(?:before|after)(?:Each)?\(/m,
  /\bprocess\.(?:env|chdir|on|once|emit|exitCode|memoryUsage)\b/,
  /\bmock\./,
  /\/(?:start-threads|kill-thread|server-process|postgres-server|programs)\.ts'/,
  /from 'node:(?:child_process|inspector|v8)'/,
  /\btestOnSqlite\(/,
  /\/test-transcripts\.ts'/,
]

/** `alone`: files that share with none, whatever they do. */
export function groupTests(
  files: readonly string[],
  alone: readonly string[],
  folder: string,
): readonly TestProcess[] {
  const processes: TestProcess[] = []
  let together: string[] = []
  const end = (): void => {
    const [first, second] = together
    if (first === undefined) return
    processes.push(
      second === undefined
        ? { path: first, files: together }
        : writeGroup(together, folder, processes.length),
    )
    together = []
  }
  for (const file of files) {
    if (alone.includes(file) || isOfItsOwn(file)) processes.push({ path: file, files: [file] })
    else if (together.push(file) === filesOfProcess) end()
  }
  end()
  return processes
}

function isOfItsOwn(file: string): boolean {
  const text = readFileSync(file, 'utf8')
  return needsItsOwn.some(sign => sign.test(text))
}

/** One after the other: node:test runs what they tell it to in this order. */
function writeGroup(files: readonly string[], folder: string, number: number): TestProcess {
  const path = join(folder, `together-${number}.test.ts`)
  writeFileSync(path, files.map(file => `await import('${pathToFileURL(file).href}')\n`).join(''))
  return { path, files }
}
