// Runs one command line: exit code 0 done, 1 failed, 2 called wrongly; a failure is one message, never a stack.
import { type Command, CommanderError, type OutputConfiguration } from 'commander'
import { Fault, WrongUsage } from '../runtime/fault.ts'
import type { CommandRun } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { settingsToName } from './find-settings.ts'
import type { GlobalOptions, Surroundings } from './invocation.ts'
import { plainUsageError } from './plain-usage-error.ts'
import { printable } from './printable.ts'
import { createProgram } from './program.ts'
import { createCommandSpeller } from './program-name.ts'

export async function runProgram(
  parameters: readonly string[],
  surroundings: Surroundings,
): Promise<ExitCode> {
  const run: CommandRun = { surroundings }
  const program = await createProgram(run, parameters)
  const spellCommands = createCommandSpeller(program, surroundings.programName)
  // Commander finds it wherever it stands, before it looks at the command.
  const wantsJson = (): boolean => program.opts<GlobalOptions>().json === true
  overrideExits(program, {
    writeOut: text => void surroundings.stdout.write(spellCommands(text)),
    writeErr: text => {
      if (!wantsJson()) surroundings.stderr.write(printable(spellCommands(text)))
    },
    outputError: (text, write) => write(plainUsageError(text)),
  })
  try {
    await program.parseAsync(helpAsOption(program, parameters), { from: 'user' })
    return run.invocation?.exitCode ?? exitCodes.ok
  } catch (cause) {
    if (cause instanceof CommanderError && cause.exitCode === 0) return exitCodes.ok
    const failure = describeFailure(cause, surroundings.environment)
    const settingsFile = settingsToName(program.opts<GlobalOptions>().settings, surroundings.workingFolder)
    const message = createCommandSpeller(program, surroundings.programName, settingsFile)(failure.message)
    if (wantsJson()) surroundings.stderr.write(`${formatError({ code: failure.code, message })}\n`)
    // What commander has to say it has written already.
    else if (!(cause instanceof CommanderError)) surroundings.stderr.write(`${printable(message)}\n`)
    return failure.exitCode
  }
}

// Commander's own help command looks one level deep: "help queue list" has to mean "queue list --help".
function helpAsOption(program: Command, parameters: readonly string[]): string[] {
  const isOption = (word: string): boolean => word.startsWith('-')
  const [first, ...names] = parameters.filter(word => !isOption(word))
  const options = parameters.filter(isOption)
  if (first !== 'help' || names.length === 0) return [...parameters]
  const path: string[] = []
  let command = program
  for (const name of names) {
    // A command without subcommands: what follows its name must not run it.
    if (command.commands.length === 0) break
    path.push(name)
    const child = command.commands.find(one => one.name() === name)
    // Commander says that there is none, and what is meant perhaps.
    if (!child) return [...path, ...options]
    command = child
  }
  return [...path, ...options, '--help']
}

// Commander does not hand these to subcommands that were made before.
function overrideExits(
  command: Command,
  output: Pick<OutputConfiguration, 'writeOut' | 'writeErr' | 'outputError'>,
): void {
  command.exitOverride()
  command.configureOutput(output)
  command.showHelpAfterError(helpHint(command))
  for (const child of command.commands) overrideExits(child, output)
}

function helpHint(command: Command): string {
  const path: string[] = []
  for (let one = command; one.parent; one = one.parent) path.unshift(one.name())
  return `"${['postrider', 'help', ...path].join(' ')}" ${command.commands.length > 0 ? 'shows the commands' : 'explains it'}.`
}

interface Failure {
  readonly code: string
  readonly message: string
  readonly exitCode: ExitCode
}

function describeFailure(cause: unknown, environment: Surroundings['environment']): Failure {
  if (cause instanceof CommanderError)
    return { code: 'CLI_USAGE', message: describeWrongUsage(cause), exitCode: exitCodes.usage }
  if (cause instanceof Fault) {
    const exitCode = cause instanceof WrongUsage ? exitCodes.usage : exitCodes.failed
    return { code: cause.code, message: cause.message, exitCode }
  }
  return { code: 'INTERNAL', message: describeBug(cause, environment), exitCode: exitCodes.failed }
}

function describeWrongUsage({ code, message }: CommanderError): string {
  // Instead of a message commander shows the help of a command that needs a subcommand.
  if (code === 'commander.help') return 'A command is missing. --help shows which there are.'
  const hint = code === 'commander.unknownCommand' ? '\n"postrider help" shows the commands.' : ''
  return `${plainUsageError(message).replace(/^error: /, '')}${hint}`
}

function describeBug(cause: unknown, environment: Surroundings['environment']): string {
  const message = cause instanceof Error ? cause.message : String(cause)
  if (cause instanceof Error && environment['POSTRIDER_DEBUG']) return cause.stack ?? message
  return `This should not have happened: ${message}\nRepeat it with POSTRIDER_DEBUG=1 for a report to the developers.`
}

/** One line, as every program that reads it expects. */
function formatError({ code, message }: Omit<Failure, 'exitCode'>): string {
  return JSON.stringify({ error: { code, message } })
}
