// A file that a command line names, or stdin.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { UsageFault } from '../runtime/fault.ts'
import { describeFileError } from './describe-file-error.ts'
import type { Invocation } from './invocation.ts'
import { readAll } from './prompt.ts'

/** '-' is stdin. */
export async function readInput({ surroundings }: Invocation, file: string): Promise<string> {
  const { keyboard, workingFolder } = surroundings
  if (file === '-') return (await readAll(keyboard)).toString('utf8')
  try {
    return readFileSync(resolve(workingFolder, file), 'utf8')
  } catch (cause) {
    throw new UsageFault('CLI_FILE', `${file} cannot be read: ${describeFileError(cause)}`, { cause })
  }
}

/** As errors name it. */
export function inputName(file: string): string {
  return file === '-' ? 'stdin' : file
}
