// Runs the command in a folder of its own: as a process, or in the test's process.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Surroundings } from '../../src/cli/invocation.ts'
import { runProgram } from '../../src/cli/run-program.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { compileCache } from '../harness/programs.ts'

const command = resolve(import.meta.dirname, '../../bin/postrider.js')

export interface Ran {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** An empty folder; `after` removes it. */
export function makeFolder(after: (remove: () => void) => void): string {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-cli-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A folder with a settings file and a data folder to come. */
export function makeServerFolder(after: (remove: () => void) => void): string {
  const folder = makeFolder(after)
  writeFileSync(join(folder, 'postrider.toml'), 'hostname = "mail.example.test"\ndataFolder = "mail-data"\n')
  return folder
}

export async function runPostrider(folder: string, parameters: readonly string[], stdin = ''): Promise<Ran> {
  const child = spawn(process.execPath, [command, ...parameters], {
    cwd: folder,
    env: { PATH: process.env['PATH'], TMPDIR: tmpdir(), TZ: 'UTC', NODE_COMPILE_CACHE: compileCache },
    timeout: 60_000,
  })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  // A command that does not read stdin may be gone before it is written.
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  return {
    exitCode,
    stdout: Buffer.concat(out).toString('utf8'),
    stderr: Buffer.concat(err).toString('utf8'),
  }
}

/** As `runPostrider`, without the time that a process takes to start; what surrounds the command may be the test's own. */
export async function runHere(
  folder: string,
  parameters: readonly string[],
  own: Partial<Surroundings> = {},
): Promise<Ran> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const written = Promise.all([text(stdout), text(stderr)])
  const exitCode = await runProgram(parameters, {
    clock: systemClock,
    random: systemRandom,
    environment: {},
    workingFolder: folder,
    programName: 'postrider',
    keyboard: Readable.from([]),
    stdout,
    stderr,
    onInterrupt: () => () => {},
    ...own,
  })
  stdout.end()
  stderr.end()
  const [out, err] = await written
  return { exitCode, stdout: out, stderr: err }
}

/** Runs a command that has to succeed; its stdout. */
export async function succeed(folder: string, ...parameters: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runHere(folder, parameters)
  if (exitCode !== 0) throw new Error(`postrider ${parameters.join(' ')} ended with ${exitCode}: ${stderr}`)
  return stdout
}

export async function succeedJson(folder: string, ...parameters: readonly string[]): Promise<unknown> {
  return JSON.parse(await succeed(folder, ...parameters, '--json'))
}
