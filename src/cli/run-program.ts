// Runs one command line: exit code 0 done, 1 failed, 2 called wrongly; a failure is one message, never a stack.
import { type Command, CommanderError } from 'commander'
import { Fault, WrongUsage } from '../runtime/fault.ts'
import type { CommandRun } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import type { Surroundings } from './invocation.ts'
import { printable } from './printable.ts'
import { createProgram } from './program.ts'

export async function runProgram(
  parameters: readonly string[],
  surroundings: Surroundings,
): Promise<ExitCode> {
  const run: CommandRun = { surroundings }
  const program = createProgram(run)
  overrideExits(program, surroundings)
  try {
    await program.parseAsync(helpAsOption(program, parameters), { from: 'user' })
    return run.invocation?.exitCode ?? exitCodes.ok
  } catch (cause) {
    if (cause instanceof CommanderError) return cause.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    surroundings.stderr.write(`${describeFailure(cause, surroundings.environment)}\n`)
    return cause instanceof WrongUsage ? exitCodes.usage : exitCodes.failed
  }
}

// Commander's own help command looks one level deep: "help queue list" has to mean "queue list --help".
function helpAsOption(program: Command, parameters: readonly string[]): string[] {
  const [first, ...path] = parameters
  if (first !== 'help' || path.length === 0) return [...parameters]
  let command: Command | undefined = program
  for (const name of path) command = command?.commands.find(child => child.name() === name)
  return command ? [...path, '--help'] : path
}

// Commander does not hand these to subcommands that were made before.
function overrideExits(command: Command, surroundings: Surroundings): void {
  command.exitOverride()
  command.configureOutput({
    writeOut: text => void surroundings.stdout.write(text),
    writeErr: text => void surroundings.stderr.write(text),
  })
  for (const child of command.commands) overrideExits(child, surroundings)
}

function describeFailure(cause: unknown, environment: Surroundings['environment']): string {
  if (cause instanceof Fault) return printable(cause.message)
  const message = cause instanceof Error ? cause.message : String(cause)
  if (cause instanceof Error && environment['POSTRIDER_DEBUG']) return printable(cause.stack ?? message)
  return printable(
    `This should not have happened: ${message}\nRepeat it with POSTRIDER_DEBUG=1 for a report to the developers.`,
  )
}
