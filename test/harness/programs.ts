// Programs that we did not write and that a machine may lack: where they are, how to run them.
import { type SpawnOptions, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'

/** For the processes of ours: the sources without their types, kept between them, which halves the start of each. */
export const compileCache =
  process.env['NODE_COMPILE_CACHE'] ?? join(tmpdir(), 'postrider-test-compile-cache')

// Where Debian keeps the programs of an administrator; not on everybody's PATH.
const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin']

/** The path of a program, or undefined where it is not installed. */
export function findProgram(name: string): string | undefined {
  return folders
    .filter(folder => folder !== '')
    .map(folder => join(folder, name))
    .find(path => isExecutable(path))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    // Not there, or not ours to run: both mean "not installed".
    return false
  }
}

/** A reason to skip a test, for `{ skip: missing('swaks') }`; false when every program is there. */
export function missing(...names: readonly string[]): string | false {
  const absent = names.filter(name => findProgram(name) === undefined)
  return absent.length > 0 && `not installed: ${absent.join(', ')} (.ci/run installs them on Debian)`
}

export interface ProgramResult {
  /** null when a signal ended it. */
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end. Rejects only when it cannot be started. */
export async function runProgram(
  command: readonly [string, ...string[]],
  options: SpawnOptions & { readonly input?: string; readonly timeoutMs?: number } = {},
): Promise<ProgramResult> {
  const { input = '', timeoutMs = 60_000, ...spawnOptions } = options
  const [name, ...args] = command
  const child = spawn(findProgram(name) ?? name, args, {
    ...spawnOptions,
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: timeoutMs,
  })
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  // A program that does not read its input (EPIPE) still tells its result.
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  const [exitCode, stdout, stderr] = await Promise.all([
    exited,
    child.stdout ? text(child.stdout) : '',
    child.stderr ? text(child.stderr) : '',
  ])
  return { exitCode, stdout, stderr }
}
